"""Columns that no one declared, as columns of their source's table.

The source is read as if it declared each of them as a string. Which they are stands in the table alone: it has the
column before the rows of the load that brings it, so that a repeat after a kill finds it there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pyspark.sql import functions as F
from pyspark.sql import types as T

from bronze.read import read, task_count
from bronze.shares import Arrival
from bronze.source import Source, Undeclared
from lakehouse.delta import Lakehouse
from lakehouse.tables import ContractError

MOST = 100  # columns of a table: where there are more, values stand in the place of names
LOOKED_AT = 1000  # names of a load


def evolved(lake: Lakehouse, source: Source, files: Sequence[Arrival], damaged: Mapping[str, str]) -> Source:
    """The source with the columns that its table has beside the declared ones, and those that good records of the files
    bring. What cannot be a column stays in `_rescued`."""
    beside = [each for each in lake.read(source.table).schema.fields if each.name not in source.table.columns]
    for each in beside:
        if each.dataType == T.StringType():
            source = with_column(source, each.name, each.metadata.get("comment", "").removesuffix(" [personal]"))
    room = MOST - len(beside)
    if room <= 0:
        return source
    records = read(lake.spark, source, list(files), task_count(lake.spark), damaged, explains=False)
    names = F.explode(F.json_object_keys("_rescued")).alias("name")
    brought = records.where("_reasons IS NULL").select(names, F.to_date("_arrived_at").alias("day"))
    since = brought.groupBy("name").agg(F.min("day").alias("day")).orderBy("day", "name").limit(LOOKED_AT).collect()
    taken = {each.name.lower() for each in beside}
    most = len(source.columns) + room
    for row in since:
        if row.name.lower() not in taken and len(source.columns) < most:
            source = with_column(source, row.name, f"Not declared; in the files since {row.day}.")
    return source


def with_column(source: Source, name: str, doc: str) -> Source:
    """The source with the column; without it where it has one of this name, or no source could declare it."""
    if name in source.columns:
        return source
    try:
        return replace(source, columns={**source.columns, name: Undeclared("string", doc, "personal")})
    except ContractError:
        return source
