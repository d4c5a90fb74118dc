"""Files of a source as typed rows: each with its place in the landing folder, and the reasons why it is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from bronze.declaration import NESTED_TYPES
from bronze.parquet import read_parquet
from bronze.records import Layout
from bronze.records.undeclared import NOT_DECLARED
from bronze.shares import Arrival, few_records, share_reader, shares
from bronze.source import Field, Source, Undeclared
from bronze.typed import arrow_type
from bronze.values import from_text, in_timezone, spelling
from lakehouse.delta import met
from lakehouse.rules import Required, quoted
from lakehouse.types import data_type


def read(
    spark: SparkSession,
    source: Source,
    arrivals: list[Arrival],
    tasks: int,
    damaged: Mapping[str, str] = {},
    *,
    explains: bool = True,
) -> DataFrame:
    """All records of the files: the declared columns, lineage but the load, `_raw`, and `_reasons` (null when good).
    Of Parquet files that are `damaged` it is only told how. `explains` is for who looks at the refused: without it
    their `_reasons` are empty, and no good record has a `_raw`."""
    if source.format == "parquet":
        records = read_parquet(spark, source, arrivals, damaged, explains=explains)
    else:
        records = read_text(spark, source, arrivals, tasks, replace(layout_of(source), keeps_raw=explains))
    problems = [*problems_of_type(source), *problems_of_rules(source)]
    is_refused = " OR ".join(["_error IS NOT NULL", *(f"({is_wrong})" for is_wrong, _ in problems)])
    reasons = "CAST(array() AS array<string>)"
    if explains:
        found = ", ".join(["_error", *(f"CASE WHEN {is_wrong} THEN {why} END" for is_wrong, why in problems)])
        reasons = f"filter(array({found}), reason -> reason IS NOT NULL)"
    lineage = ("_rescued", "_file", "_position", "_arrived_at", "_raw")
    named = (f"`{name}`" for name in (*source.columns, *lineage))
    return records.selectExpr(*named, f"CASE WHEN {is_refused} THEN {reasons} END AS _reasons")


def task_count(spark: SparkSession) -> int:
    """Two tasks per core, so that an uneven share is made up for."""
    return 2 * int(spark.sparkContext.defaultParallelism)


Problem = tuple[str, str]  # SQL: when it is there, and what it says


def problems_of_type(source: Source) -> list[Problem]:
    """Columns whose text spells no value of their type."""
    return [(spells_none(name), not_of_type(name, f)) for name, f in source.columns.items() if f.type != "string"]


def spells_none(name: str) -> str:
    return f"`{name}` IS NULL AND _text.`{name}` IS NOT NULL"


def not_of_type(name: str, f: Field) -> str:
    expected = quoted(f"{name}: expected {f.type}{spelling(f)}, found '")
    return f"concat({expected}, substring(_text.`{name}`, 1, 100), {quoted(chr(39))})"


def problems_of_rules(source: Source) -> Iterator[Problem]:
    """Rules of severity error that a readable record breaks; the others are counted when the layer is checked."""
    typed_columns = {name for name, f in source.columns.items() if f.type != "string"}
    is_read = "_error IS NULL"
    if source.new_columns == "quarantine":  # what a refused record holds beside the declared does not hide its values
        is_read = f"({is_read} OR startswith(_error, {quoted(NOT_DECLARED)}))"
    for rule in source.all_rules:
        if rule.severity != "error":
            continue
        is_broken = f"{is_read} AND NOT {met(rule)}"
        if isinstance(rule, Required) and rule.column in typed_columns:
            is_broken += f" AND NOT ({spells_none(rule.column)})"  # it is there, and has been refused already
        yield is_broken, quoted(rule.name)


def read_text(spark: SparkSession, source: Source, arrivals: list[Arrival], tasks: int, layout: Layout) -> DataFrame:
    """Text formats: Python tells the records apart, and types what is plainly spelled; Spark types the rest. `_text` is
    what each column said that Spark has to type."""
    plain = {name: type_ for name, f in source.columns.items() if (type_ := arrow_type(f))}
    schema = text_schema(source, plain)
    few = few_records(arrivals, layout, plain)
    if few:
        records = spark.createDataFrame(pa.Table.from_batches(few, to_arrow_schema(schema)))
    elif few is not None:  # files without records: Spark takes no nested columns of an empty table of Arrow's
        records = spark.createDataFrame([], schema)
    else:
        shared = shares(arrivals, tasks)
        numbers = spark.range(0, len(shared), 1, len(shared))  # a partition for each
        records = numbers.mapInArrow(share_reader(shared, layout, plain), schema)
    values = {name: value_of(name, f, source, is_typed=name in plain) for name, f in source.columns.items()}
    return records.select(
        *(value.alias(name) for name, value in values.items()),
        "_rescued", "_file", "_position", "_arrived_at", "_raw", "_error", "_text",
    )  # fmt: skip


def value_of(name: str, f: Field, source: Source, *, is_typed: bool) -> Column:
    spelled = from_text(F.col(f"_text.`{name}`"), f, source)
    if not is_typed:
        return spelled
    value = F.col(f"`{name}`")
    if f.type == "string":
        return value
    return F.coalesce(in_timezone(value, source, F.lit(False)) if f.type == "timestamp" else value, spelled)


def layout_of(source: Source) -> Layout:
    return Layout(
        format=source.format,
        columns={name: f.path or name for name, f in source.columns.items()},
        options=dict(source.options),
        widths=tuple(f.width for f in source.columns.values() if f.width),
        nested={
            name: f.type
            for name, f in source.columns.items()
            if f.type.startswith(NESTED_TYPES) or isinstance(f, Undeclared)
        },
        refuses_undeclared=source.new_columns == "quarantine",
    )


def text_schema(source: Source, plain: Mapping[str, pa.DataType]) -> T.StructType:
    texts = T.StructType([T.StructField(name, T.StringType()) for name in source.columns])
    return T.StructType(
        [
            *(T.StructField(name, data_type(source.columns[name].type)) for name in plain),
            T.StructField("_text", texts),
            T.StructField("_rescued", T.StringType()),
            T.StructField("_position", T.LongType()),
            T.StructField("_raw", T.StringType()),
            T.StructField("_error", T.StringType()),
            T.StructField("_file", T.StringType()),
            T.StructField("_arrived_at", T.TimestampType()),
        ]
    )
