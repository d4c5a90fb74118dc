"""What is told of the records of a load that do not land: those that are refused, and those that nobody could read."""

from collections.abc import Mapping, Set

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from bronze.landing import CHANGED
from bronze.ledger import QUARANTINE
from bronze.plan import Load, is_not_read
from bronze.read import read, task_count
from bronze.shares import Arrival
from bronze.source import Source
from lakehouse.delta import Lakehouse

REFUSAL = ("_file", "_position", "_raw", "_reasons", "_arrived_at")
UNKNOWN = "its good rows have landed, and which of its other records were refused is not known"


def refused_before(lake: Lakehouse, load: Load) -> int:
    of_load = (F.col("source") == load.source.name) & (F.col("load_id") == load.load_id)
    return lake.read(QUARANTINE).where(of_load).count()


def files_with_rows(lake: Lakehouse, load: Load) -> set[str]:
    rows = lake.read(load.source.table).where(F.col("_load_id") == load.load_id)
    return {row._file for row in rows.select("_file").distinct().collect()}


def not_read(lake: Lakehouse, source: Source, without_rows: list[Arrival]) -> dict[Arrival, str]:
    """Of files without rows of the load, those that have good records: when the good rows were written, they were not
    as they were planned, and now they are again. So are those that are not as planned even now."""
    if not without_rows:
        return {}
    records = read(lake.spark, source, without_rows, task_count(lake.spark))
    is_away = is_not_read(F.col("_position"), F.col("_reasons"))
    found = records.where(F.col("_reasons").isNull() | is_away).select("_file").distinct().collect()
    names = {row._file for row in found}
    why = f"{CHANGED}: it was not as planned while the good rows of its load were written"
    return {each: why for each in without_rows if each.file in names}


def refusals_of_whole_files(lake: Lakehouse, no_more: Mapping[Arrival, str], landed: Set[str]) -> DataFrame:
    """What is told of files whose records cannot be told apart any more: why not, or, where their good rows have
    landed, that the others are not known."""
    rows = [
        (each.file, -1, None, [f"{UNKNOWN}: {why}"], each.arrived_at)
        if each.file in landed
        else (each.file, 0, None, [why], each.arrived_at)
        for each, why in no_more.items()
    ]
    return lake.spark.createDataFrame(
        rows, "_file string, _position bigint, _raw string, _reasons array<string>, _arrived_at timestamp"
    )


def refusals_of_same(lake: Lakehouse, source: Source, same: list[Arrival]) -> DataFrame:
    """The refused records of files that are as they were planned. One that is changed before a task reads it fails the
    load, since its good rows may have landed: the next attempt knows."""
    refused = read(lake.spark, source, same, task_count(lake.spark)).where("_reasons IS NOT NULL")
    position = F.col("_position")
    is_changed = is_not_read(position, F.col("_reasons"))
    position_or_error = F.when(is_changed, F.raise_error(F.concat_ws(": ", "_file", "_reasons"))).otherwise(position)
    return refused.withColumn("_position", position_or_error).select(*REFUSAL)
