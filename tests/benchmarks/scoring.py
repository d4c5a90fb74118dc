"""Customers scored per second: through Spark, tables in and table out, and by the same network in bare TensorFlow.

The customers and the network are made up: how long scoring takes does not depend on what it says, but for the share of
customers at risk, whose reasons are worked out (through Spark only). One in five is at risk here.
As a program: `python -m tests.benchmarks.scoring RESULT spark|bare HOME CUSTOMERS RUNS`.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES, SEQUENCE_FEATURES
from lakehouse.delta import Lakehouse
from lakehouse.session import open_session
from lakehouse.settings import Settings
from lakehouse.types import data_type
from ml.churn.dataset import FEATURES
from ml.churn.parameters import Parameters
from ml.tables import CHURN_SCORES, CUSTOMER_EMBEDDINGS
from tests.benchmarks.measure import in_fresh_process, timed

AS_OF = date(2017, 12, 31)
PARAMETERS = Parameters()
AT_RISK = 0.2
STEPS = PARAMETERS.weeks * len(SEQUENCE_FEATURES)


def rates(folder: Path, *, runs: int, small: bool) -> dict[str, Any]:
    customers = 5_000 if small else 500_000
    home = folder / "scoring"
    shutil.rmtree(home, ignore_errors=True)
    arguments = [home, customers, runs]
    bare = in_fresh_process("tests.benchmarks.scoring", ["bare", *arguments], folder / "scoring_bare.log")
    spark = in_fresh_process("tests.benchmarks.scoring", ["spark", *arguments], folder / "scoring_spark.log")
    answer = {
        "customers": customers,
        "weeks": PARAMETERS.weeks,
        "units": PARAMETERS.units,
        "at_risk": spark.told["at_risk"],
        "bare_per_second": bare.told["per_second"],
        "spark_per_second": spark.told["per_second"],
        "spark / bare": spark.told["per_second"] / bare.told["per_second"],
        "spark_first_seconds": spark.told["first_seconds"],
        "spark_peak_gib": spark.took.peak_bytes / 2**30,
    }
    print(f"  scoring: {answer}", flush=True)
    return answer


# As a program


def network() -> tuple[Any, bytes]:
    """The network as training builds it, with its first weights."""
    from ml.churn.model import Scaling, build_model
    from ml.churn.run import write_model

    def ones(number: int) -> tuple[float, ...]:
        return (1.0,) * number

    weekly, others = len(SEQUENCE_FEATURES), len(FEATURES)
    model = build_model(
        Scaling(ones(weekly), ones(weekly), ones(others), ones(others)),
        weeks=PARAMETERS.weeks,
        units=PARAMETERS.units,
        hidden=PARAMETERS.hidden,
        embedding_size=PARAMETERS.embedding_size,
        dropout=PARAMETERS.dropout,
    )
    path = Path(sys.argv[3]) / "model.keras"
    write_model(model, path)
    return model, path.read_bytes()


def bare(customers: int, runs: int) -> dict[str, Any]:
    """All cores in one process; the inputs are in memory, and the output stays there."""
    from ml.churn.model import in_batches

    model, _ = network()
    inputs = made_up(customers)
    function = in_batches(model)
    function(*(each[:4096] for each in inputs))
    took = []
    for _ in range(runs):
        started = time.monotonic()
        function(*inputs)
        took.append(time.monotonic() - started)
    return {"per_second": customers / median(took)}


def made_up(customers: int) -> list[np.ndarray]:
    random = np.random.default_rng(7)
    return [
        random.random((customers, PARAMETERS.weeks, len(SEQUENCE_FEATURES)), dtype=np.float32),
        np.ones((customers, PARAMETERS.weeks), bool),
        random.random((customers, len(FEATURES)), dtype=np.float32),
        random.random((customers, PARAMETERS.embedding_size), dtype=np.float32),
    ]


def through_spark(lake: Lakehouse, customers: int, runs: int) -> dict[str, Any]:
    """From gold's tables and the table of embeddings to ml.churn_scores."""
    from ml.churn.score import ChurnModel, score

    fill(lake, customers)
    model, keras_file = network()
    threshold = float(np.quantile(probabilities(model), 1 - AT_RISK))
    churn = ChurnModel("churn", "1", keras_file, PARAMETERS, threshold)
    took = []
    for _ in range(1 + runs):
        with timed() as told:
            scores = score(
                lake.read(CUSTOMER_SEQUENCES),
                lake.read(CUSTOMER_FEATURES),
                lake.read(CUSTOMER_EMBEDDINGS),
                churn,
                as_of=AS_OF,
            )
            lake.replace(scores, CHURN_SCORES, where=f"as_of = DATE'{AS_OF}'")
        lake.spark.catalog.clearCache()
        took.append(told["seconds"])
    found = lake.read(CHURN_SCORES).agg(
        F.count("*").alias("rows"), F.avg(F.col("is_at_risk").cast("int")).alias("share")
    )
    rows = found.first()
    assert rows is not None and rows.rows == customers
    return {"per_second": customers / median(took[1:]), "first_seconds": took[0], "at_risk": rows.share}


def probabilities(model: Any) -> np.ndarray:
    """Of customers like those of the tables."""
    from ml.churn.model import in_batches

    found: np.ndarray = in_batches(model)(*made_up(5_000))[:, 0]
    return found


def fill(lake: Lakehouse, customers: int) -> None:
    shards = lake.settings.shards
    everyone = lake.spark.range(customers, numPartitions=8).select(
        F.lit(AS_OF).alias("as_of"),
        F.concat(F.lit("household/"), "id").alias("core_id"),
        F.pmod(F.xxhash64("id"), F.lit(shards)).cast("int").alias("shard"),
    )
    steps = everyone.select("core_id", "shard").mapInArrow(
        with_vectors(STEPS), "core_id string, shard int, steps array<float>"
    )
    lake.replace(
        steps.withColumns(
            {"as_of": F.lit(AS_OF), "weeks": F.lit(PARAMETERS.weeks), "weeks_known": F.lit(PARAMETERS.weeks)}
        ),
        CUSTOMER_SEQUENCES,
    )
    known = ("as_of", "core_id", "shard")
    numbers = {
        name: (F.rand(7) * 80).cast(data_type(column.type)).alias(name)
        for name, column in CUSTOMER_FEATURES.columns.items()
        if name not in known
    }
    # The last order is after the first, as the table's contract says.
    numbers["tenure_days"] = F.lit(365).alias("tenure_days")
    lake.replace(everyone.select(*known, *numbers.values()), CUSTOMER_FEATURES)
    vectors = everyone.select("core_id", "shard").mapInArrow(
        with_vectors(PARAMETERS.embedding_size), "core_id string, shard int, vector array<float>"
    )
    lake.replace(vectors.withColumns({"model": F.lit("churn"), "model_version": F.lit("1")}), CUSTOMER_EMBEDDINGS)


def with_vectors(size: int) -> Any:
    """Adds a vector of random numbers to each row."""

    def added(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        random = np.random.default_rng(7)
        for batch in batches:
            values = random.random(len(batch) * size, dtype=np.float32)
            ends = np.arange(len(batch) + 1, dtype=np.int32) * size
            vectors = pa.ListArray.from_arrays(pa.array(ends), pa.array(values))
            yield pa.RecordBatch.from_arrays([*batch.columns, vectors], [*batch.schema.names, "vectors"])

    return added


def main() -> None:
    result, how, home, customers, runs = sys.argv[1:]
    Path(home).mkdir(parents=True, exist_ok=True)
    if how == "bare":
        told = bare(int(customers), int(runs))
    else:
        settings = Settings(home=Path(home))
        spark = open_session(settings)
        told = through_spark(Lakehouse(spark, settings), int(customers), int(runs))
        spark.stop()
    Path(result).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
