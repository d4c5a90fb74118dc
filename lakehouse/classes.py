"""Java's classes for a quick start: an archive of those that Spark and Delta load (JEP 350, dynamic AppCDS).

A JVM loads and verifies some 25,000 classes before the first row is written, which takes 10 to 15 s on two cores; with
the archive they are mapped into memory. `python -m lakehouse.classes` makes it, by doing once what jobs do.
"""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Observation, SparkSession, Window
from pyspark.sql import functions as F

from lakehouse.delta import Lakehouse
from lakehouse.rules import Between
from lakehouse.session import ARCHIVE, open_session
from lakehouse.settings import Settings
from lakehouse.tables import Column, Table

SPEND = Table(
    name="gold.spend",
    doc="What is written to see which classes it takes.",
    grain="one row per customer and day",
    key=("as_of", "core_id"),
    columns={
        "as_of": Column("date", "The day."),
        "core_id": Column("string", "The customer."),
        "amount": Column("decimal(18,2)", "The amount."),
        "seen_at": Column("timestamp", "A time."),
    },
    rules=(Between(column="amount", low=0),),
    cluster_by=("as_of",),
)


def make() -> None:
    """Write the archive, in place of the one before."""
    part = ARCHIVE.with_suffix(".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for before in (part, ARCHIVE):
        before.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate({"home": Path(folder), "memory": "1g"})
        spark = open_session(settings, archive_to=part)
        do_what_jobs_do(Lakehouse(spark, settings), Path(folder, "files"))
        gateway: Any = spark.sparkContext._gateway
        spark.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        code = gateway.proc.wait(timeout=300)  # the JVM writes the archive at its end
    if code:
        raise RuntimeError(f"Java ended with code {code} while it wrote {part}")
    part.replace(ARCHIVE)


def do_what_jobs_do(lake: Lakehouse, files: Path) -> None:
    """Every kind of write, the reads of each layer, and a stream."""
    spark = lake.spark
    rows = rows_of(spark, 100)
    lake.append(lake.rows([], SPEND), SPEND, writer="nobody", number=0)
    lake.append(rows, SPEND, writer="tills", number=0)
    seen = Observation()
    few = lake.for_few_rows
    of_few = few.rows([{"as_of": None, "core_id": "C", "amount": None, "seen_at": None}], SPEND)
    of_few = of_few.withColumn("as_of", F.to_date(F.lit("01.07.2024"), "dd.MM.yyyy")).observe(seen, F.count("*"))
    few.append(of_few, SPEND, writer="few", number=0)
    lake.merge(rows_of(spark, 120).where("amount > 5"), SPEND, gone=rows_of(spark, 5))
    lake.replace(rows, SPEND, where="as_of = DATE'2024-07-01'")
    lake.optimize(SPEND)
    lake.read(SPEND).coalesce(1).write.parquet(str(files / "parquet"))
    rows.write.json(str(files / "json"))
    rows.write.csv(str(files / "csv"), header=True)
    spark.read.csv(str(files / "csv"), header=True).toPandas()
    spark.read.json(str(files / "json")).toPandas()
    of_customer = Window.partitionBy("core_id").orderBy("as_of")
    read = spark.read.parquet(str(files / "parquet")).withColumn("number", F.row_number().over(of_customer))
    read = read.join(rows.select("core_id", F.lit(1).alias("one")), on="core_id", how="left").where("number = 1")
    read.groupBy("as_of").agg(F.sum("amount"), F.count_distinct("core_id")).orderBy("as_of").toPandas()
    spark.sql(f"SELECT * FROM {SPEND.name} LIMIT 3").collect()

    def take_in(batch: DataFrame, number: int) -> None:
        lake.append(batch, SPEND, writer="stream", number=number)

    stream = spark.readStream.schema(SPEND.schema).parquet(str(files / "parquet")).writeStream.foreachBatch(take_in)
    stream.option("checkpointLocation", str(files / "state")).trigger(availableNow=True).start().awaitTermination()


def rows_of(spark: SparkSession, count: int) -> DataFrame:
    """Rows that a Python worker made."""

    def spends(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            numbers = batch.column(0)
            yield pa.RecordBatch.from_arrays([numbers.cast(pa.string()), numbers], names=["core_id", "amount"])

    made = spark.range(count).mapInArrow(spends, "core_id string, amount bigint")
    return made.select(
        F.lit(date(2024, 7, 1)).alias("as_of"),
        "core_id",
        F.col("amount").cast("decimal(18,2)").alias("amount"),
        F.current_timestamp().alias("seen_at"),
    )


if __name__ == "__main__":
    make()
