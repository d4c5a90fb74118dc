"""What the churn model reads: the same inputs in training and in scoring."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gold.customer_sequences import SEQUENCE_FEATURES
from ml.churn.parameters import Parameters

# What the baselines read: recency, frequency, money, tenure and rhythm. Where a value is missing it counts as given
# here: a gap between orders that nobody has seen yet counts as long.
RFMT = {
    "recency_days": 365.0,
    "tenure_days": 0.0,
    "orders_total": 0.0,
    "orders_4w": 0.0,
    "orders_13w": 0.0,
    "orders_26w": 0.0,
    "active_weeks_13w": 0.0,
    "active_weeks_26w": 0.0,
    "net_amount_total": 0.0,
    "net_amount_4w": 0.0,
    "net_amount_13w": 0.0,
    "net_amount_26w": 0.0,
    "gap_days_mean": 91.0,
    "gap_days_std": 0.0,
    "overdue_ratio": 0.0,
    "orders_trend": 0.0,
    "gap_trend": 1.0,
}

# What the network reads besides the weeks: days, which weeks blur. All of RFMT made it worse on validation.
FEATURES = ("recency_days", "tenure_days")


class TooLittleHistoryError(ValueError):
    """There are no days to train on yet."""


@dataclass(frozen=True)
class TrainingDays:
    """The model learns from `train`, is chosen on `validation`, and is tested on `test`, each later than the former."""

    train: tuple[date, ...]
    validation: date
    test: date

    @property
    def all(self) -> tuple[date, ...]:
        return (*self.train, self.validation, self.test)


def training_days(as_of: date, *, first_order_on: date, parameters: Parameters) -> TrainingDays:
    """Days whose outcome is known at `as_of`. No outcome that is learned from overlaps one that is tested on.

    The newest is for the test, the one a whole horizon before for validation; for training, up to `most_days` before
    that, as far back as there are `least_weeks` of history.
    """
    horizon, step = timedelta(weeks=parameters.horizon_weeks), timedelta(weeks=parameters.every_weeks)
    settled = as_of - timedelta(days=parameters.settle_days)
    newest, earliest = settled - 3 * horizon, first_order_on + timedelta(weeks=parameters.least_weeks)
    candidates = [newest - number * step for number in range(parameters.most_days)]
    train = tuple(sorted(day for day in candidates if day >= earliest))
    if not train:
        raise TooLittleHistoryError(
            f"Cannot train at {as_of}:\n"
            f"  first order: expected by {newest - (earliest - first_order_on)}, found {first_order_on}\n"
            f"Train at a later day, or lower horizon_weeks ({parameters.horizon_weeks}) or "
            f"least_weeks ({parameters.least_weeks})."
        )
    return TrainingDays(train=train, validation=settled - 2 * horizon, test=settled - horizon)


def model_inputs(sequences: DataFrame, features: DataFrame, weeks: int) -> DataFrame:
    """One row per customer and day of `features`: `steps` of the newest weeks, `weeks_known`, and `features`.

    A day early in the data has sequences of fewer weeks: those are padded in front. Who has none has only padding.
    """
    length = weeks * len(SEQUENCE_FEATURES)
    there = F.coalesce("steps", F.array().cast("array<float>"))
    missing = F.array_repeat(F.lit(0.0).cast("float"), length - F.size(there))
    newest = F.when(F.size(there) < length, F.concat(missing, there)).otherwise(F.slice(there, -length, length))
    weeks_known = F.least(F.coalesce("weeks_known", F.lit(0)), F.lit(weeks))
    return (
        features.select("as_of", "core_id", "shard", scaled(FEATURES).alias("features"))
        .join(sequences.select("as_of", "core_id", "weeks_known", "steps"), on=["as_of", "core_id"], how="left")
        .select(
            "as_of", "core_id", "shard", weeks_known.alias("weeks_known"), newest.alias("steps"), "features",
        )
    )  # fmt: skip


def scaled(names: Iterable[str]) -> Column:
    """Counts, days and amounts are skewed: log(1 + x), and nothing below zero."""
    values = {name: F.coalesce(F.col(name).cast("double"), F.lit(RFMT[name])) for name in names}
    return F.array(*[F.log1p(F.greatest(value, F.lit(0.0))).cast("float") for value in values.values()])


def training_rows(
    sequences: DataFrame, features: DataFrame, labels: DataFrame, *, days: TrainingDays, parameters: Parameters
) -> DataFrame:
    """All that training, validation and test read, each row with the `part` that it is for."""
    of_these_days = F.col("as_of").isin(list(days.all))
    asked = (F.col("horizon_weeks") == parameters.horizon_weeks) & (F.col("active_weeks") == parameters.active_weeks)
    outcomes = labels.where(of_these_days & asked).select("as_of", "core_id", F.col("has_churned").cast("int"))
    inputs = model_inputs(sequences.where(of_these_days), features.where(of_these_days), parameters.weeks)
    of_baselines = features.where(of_these_days).select("as_of", "core_id", scaled(RFMT).alias("rfmt"))
    part = F.when(F.col("as_of") == days.test, "test").when(F.col("as_of") == days.validation, "validation")
    return (
        inputs.join(outcomes, on=["as_of", "core_id"], how="inner")
        .join(of_baselines, on=["as_of", "core_id"], how="inner")
        .withColumn("part", part.otherwise("train"))
    )


def write(rows: DataFrame, folder: str) -> None:
    """The rows as files, from which each worker reads its shards. They are no table: training is their one reader."""
    if not is_written(folder):
        rows.repartition("shard").write.mode("overwrite").partitionBy("shard").parquet(folder)


def is_written(folder: str) -> bool:
    return (Path(folder) / "_SUCCESS").exists()


@dataclass(frozen=True)
class Rows:
    """Rows in memory, in the order of their key."""

    as_of: np.ndarray
    core_ids: np.ndarray
    shards: np.ndarray
    labels: np.ndarray
    rfmt: np.ndarray
    features: np.ndarray
    weeks_known: np.ndarray
    steps: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def read(folder: str, part: str, *, shards: Sequence[int] | None = None, with_steps: bool = True) -> Rows:
    """The rows of a part, of some shards or of all. Without their steps they are small."""
    columns = ["as_of", "core_id", "shard", "has_churned", "rfmt", "features", "weeks_known"] + ["steps"] * with_steps
    conditions = [pads.field("part") == part]
    if shards is not None:
        conditions.append(pads.field("shard").isin(list(shards)))
    partitioning = pads.partitioning(pa.schema([("shard", pa.int32())]), flavor="hive")
    files = pads.dataset(folder, format="parquet", partitioning=partitioning)
    table = files.to_table(columns=columns, filter=reduce(lambda a, b: a & b, conditions))
    table = table.sort_by([("as_of", "ascending"), ("core_id", "ascending")])
    steps = matrix(table["steps"]) if with_steps else np.zeros((len(table), 0), np.float32)
    return Rows(
        as_of=table["as_of"].to_numpy(),
        core_ids=np.array(table["core_id"].to_pylist(), dtype=str),
        shards=table["shard"].to_numpy(),
        labels=table["has_churned"].to_numpy().astype(np.int32),
        rfmt=matrix(table["rfmt"]),
        features=matrix(table["features"]),
        weeks_known=table["weeks_known"].to_numpy(),
        steps=steps.reshape(len(table), steps.shape[1] // len(SEQUENCE_FEATURES), len(SEQUENCE_FEATURES)),
    )


def shards_in(folder: str) -> np.ndarray:
    return np.array(sorted(int(path.name.split("=")[1]) for path in Path(folder).glob("shard=*")), dtype=int)


def matrix(lists: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """A column of lists of the same length as a matrix, without a copy where it is one piece."""
    whole = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    values = whole.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return values.reshape(len(whole), -1) if len(whole) else np.zeros((0, 0), np.float32)
