"""Columns that no one declared, as columns of their source's table.

The source is read as if it declared each of them as a string. Which they are stands in the table alone: it has the
column before the rows of the load that brings it, so that a repeat after a kill finds it there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pyspark.sql import functions as F
from pyspark.sql import types as T

from bronze.declaration import is_no_name
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
    comments = {each.name: each.metadata.get("comment", "") for each in beside if each.dataType == T.StringType()}
    source = with_columns(source, {name: comment.removesuffix(" [personal]") for name, comment in comments.items()})
    room = MOST - len(beside)
    if room <= 0:
        return source
    records = read(lake.spark, source, list(files), task_count(lake.spark), damaged, explains=False)
    names = F.explode(F.json_object_keys("_rescued")).alias("name")
    brought = records.where("_reasons IS NULL").select(names, F.to_date("_arrived_at").alias("day"))
    since = brought.groupBy("name").agg(F.min("day").alias("day")).orderBy("day", "name").limit(LOOKED_AT).collect()
    taken = {each.name.lower() for each in beside}
    new = {each.name: f"Not declared; in the files since {each.day}." for each in since}
    return with_columns(source, {name: doc for name, doc in new.items() if name.lower() not in taken}, most=room)


def with_columns(source: Source, docs: Mapping[str, str], most: int = MOST) -> Source:
    """The source with the first of these columns, but those that it has and those that no source could declare."""
    names, taken = [], {name.lower() for name in source.columns}
    for name in docs:
        if name.lower() not in taken and not is_no_name(name):
            names.append(name)
            taken.add(name.lower())
    while names and most > 0:
        some, names = names[:most], names[most:]
        before = len(source.columns)
        source = with_all_or_some(source, {name: Undeclared("string", docs[name], "personal") for name in some})
        most -= len(source.columns) - before
    return source


def with_all_or_some(source: Source, columns: Mapping[str, Undeclared]) -> Source:
    """Each check of a declaration takes as long as it has columns: where some of these cannot be, halves are tried."""
    try:
        return replace(source, columns={**source.columns, **columns})
    except ContractError:
        if len(columns) == 1:
            return source
    half = len(columns) // 2
    first, second = [*columns.items()][:half], [*columns.items()][half:]
    return with_all_or_some(with_all_or_some(source, dict(first)), dict(second))
