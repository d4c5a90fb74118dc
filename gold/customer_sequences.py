"""The weeks of each customer as a network reads them: made by numpy, many customers at a time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gold.activity import AS_OF, CORE_ID, SHARD
from lakehouse.rules import Holds
from lakehouse.tables import Column, Table, conform

# The order of the features in a step of a sequence.
SEQUENCE_FEATURES = (
    "orders",
    "order_days",
    "net_amount",
    "discount_amount",
    "coupon_lines",
    "units",
    "products",
    "categories",
    "campaigns_sent",
    "redemptions",
)

CUSTOMER_SEQUENCES = Table(
    name="gold.customer_sequences",
    doc=(
        "The weeks of each customer as a network reads them: oldest first, padded in front, log(1 + x) of each value. "
        "A customer who never ordered, or of whom nothing is known in these weeks, has no sequence."
    ),
    grain="one row per customer per as_of",
    key=("as_of", "core_id"),
    columns={
        "as_of": AS_OF,
        "core_id": CORE_ID,
        "shard": SHARD,
        "weeks": Column(
            "int",
            "How many weeks each sequence of the day has, padding included; no more than since anyone's first order.",
        ),
        "weeks_known": Column(
            "int", "How many of them are since the first order; the others, in front, are 0 and to be masked."
        ),
        "steps": Column("array<float>", f"weeks x {len(SEQUENCE_FEATURES)} values: {', '.join(SEQUENCE_FEATURES)}."),
    },
    rules=(
        Holds(
            condition=f"size(steps) = weeks * {len(SEQUENCE_FEATURES)}",
            otherwise="steps does not have weeks x features values",
        ),
        Holds(condition="weeks_known BETWEEN 1 AND weeks", otherwise="no week is known, or more than there are"),
    ),
    cluster_by=("as_of", "shard"),
)

MADE_BY_NUMPY = "as_of date, core_id string, shard int, weeks int, weeks_known int, steps array<float>"


def build(customer_weeks: DataFrame, *, days: Sequence[date], weeks: int = 104) -> DataFrame:
    """`weeks` weeks up to each of `days`; fewer, where the first order of anyone was later than that."""
    return (
        customer_weeks.where(F.col("as_of").isin(list(days)) & (F.col("tenure_weeks") > 0))
        .transform(since_first_order, weeks)
        .repartition("shard")
        .sortWithinPartitions("as_of", "shard", "core_id")
        .mapInArrow(sequences, MADE_BY_NUMPY)
        .transform(conform, CUSTOMER_SEQUENCES)
    )


def since_first_order(customer_weeks: DataFrame, weeks: int) -> DataFrame:
    """What numpy needs of the weeks that are neither too old nor before the customer's first order."""
    length = customer_weeks.groupBy("as_of").agg(F.least(F.max("tenure_weeks"), F.lit(weeks)).alias("weeks"))
    return (
        customer_weeks.join(F.broadcast(length), on="as_of", how="inner")
        .withColumn("weeks_known", F.least("tenure_weeks", "weeks"))
        .where(F.col("weeks_ago") < F.col("weeks_known"))
        .select(
            "as_of",
            "core_id",
            "shard",
            "weeks",
            "weeks_known",
            "weeks_ago",
            *[F.col(feature).cast("double") for feature in SEQUENCE_FEATURES],
        )
    )


def sequences(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """One row per customer and day. The rows of a customer follow each other, but may go on in the next batch."""
    rest = None
    for batch in batches:
        rows = batch if rest is None else pa.concat_batches([rest, batch])
        last_customer = first_rows(rows, "as_of", "core_id")[-1]
        yield from of_each_day(rows.slice(0, last_customer))
        rest = rows.slice(last_customer)
    if rest is not None:
        yield encode(rest)


def of_each_day(rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The sequences of a day have as many weeks as each other."""
    if rows.num_rows:
        starts = first_rows(rows, "as_of")
        for start, length in zip(starts, np.diff(starts, append=rows.num_rows), strict=True):
            yield encode(rows.slice(start, length))


def first_rows(rows: pa.RecordBatch, *columns: str) -> np.ndarray[Any, Any]:
    """Where rows with other values of these columns begin."""
    is_another = np.zeros(rows.num_rows - 1, dtype=bool)
    for values in (rows[name] for name in columns):
        is_another |= pc.not_equal(values.slice(1), values.slice(0, len(values) - 1)).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.flatnonzero(is_another) + 1])


def encode(rows: pa.RecordBatch) -> pa.RecordBatch:
    """All customers of `rows`, of one day, at once: each row goes to its customer and week in one block of zeros."""
    starts = first_rows(rows, "core_id")
    weeks = rows["weeks"][0].as_py()
    customer = np.repeat(np.arange(len(starts)), np.diff(starts, append=rows.num_rows))
    week = weeks - 1 - rows["weeks_ago"].to_numpy()
    values = np.column_stack([rows[feature].to_numpy() for feature in SEQUENCE_FEATURES])
    steps = np.zeros((len(starts), weeks, len(SEQUENCE_FEATURES)), dtype=np.float32)
    steps[customer, week] = np.log1p(np.maximum(values, 0))  # a week's refunds may exceed what was spent
    ends = np.arange(len(starts) + 1, dtype=np.int32) * steps[0].size
    customers = rows.select(["as_of", "core_id", "shard", "weeks", "weeks_known"]).take(pa.array(starts))
    return pa.RecordBatch.from_arrays(
        [*customers.columns, pa.ListArray.from_arrays(pa.array(ends), pa.array(steps.ravel()))],
        [*customers.schema.names, "steps"],
    )
