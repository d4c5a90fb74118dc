"""Files of a source as typed rows: each with its place in the landing folder, and the reasons why it is refused."""

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from bronze.declaration import NESTED_TYPES
from bronze.landing import change
from bronze.records import Layout
from bronze.records.content import open_file
from bronze.records.undeclared import NOT_DECLARED, not_declared
from bronze.shares import Arrival, few_records, share_reader, shares
from bronze.source import Field, Source, Undeclared
from bronze.typed import arrow_type
from bronze.values import from_text, in_timezone, spelling
from lakehouse.delta import met
from lakehouse.files import without_glob
from lakehouse.rules import Required, quoted
from lakehouse.types import data_type

NO_TYPE_OF_SPARK = "PARQUET_TYPE_"  # so begin its errors for columns such as of nanoseconds
WHOLE = ("tinyint", "smallint", "int", "bigint")


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
        records = read_parquet(spark, source, arrivals, damaged)
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


def read_parquet(spark: SparkSession, source: Source, arrivals: list[Arrival], damaged: Mapping[str, str]) -> DataFrame:
    """Parquet: Spark reads it, the files of each schema together. `_text` is what a column of another type said."""
    by_schema: dict[str, list[Arrival]] = {}
    broken = []
    for arrival in sorted(arrivals, key=lambda a: a.file):
        if why := change(arrival.path, arrival.found) or damaged.get(arrival.file):
            broken.append((arrival.file, 0, arrival.arrived_at, why))
            continue
        try:
            by_schema.setdefault(str(parquet_schema(arrival)), []).append(arrival)
        except NotParquetError as error:
            broken.append((arrival.file, 0, arrival.arrived_at, str(error)))
    groups = []
    for _, files in sorted(by_schema.items()):
        try:
            groups.append(parquet_group(spark, source, files))
        except PySparkException as error:
            if NO_TYPE_OF_SPARK not in (told := came_from(error)):
                raise
            why = f"the file has a column that Spark cannot read: {told}"
            broken += [(each.file, 0, each.arrived_at, why) for each in files]
    if broken:
        unread = spark.createDataFrame(broken, "_file string, _position bigint, _arrived_at timestamp, _error string")
        nothing = F.lit(None).cast("string")
        groups.append(
            unread.select(
                "*",
                *(F.lit(None).cast(f.type).alias(name) for name, f in source.columns.items()),
                *(nothing.alias(name) for name in ("_rescued", "_raw")),
                F.struct(*(nothing.alias(name) for name in source.columns)).alias("_text"),
            )
        )
    return reduce(DataFrame.unionByName, groups)


def parquet_group(spark: SparkSession, source: Source, files: list[Arrival]) -> DataFrame:
    rows = spark.read.parquet(*(without_glob(a.path) for a in files))
    found = {field.name: field.dataType for field in rows.schema.fields}
    nothing = F.lit(None).cast("string")
    values, texts, wrong = [], [], []
    others = [name for name in found if name not in source.columns]
    undeclared = [*others]
    for name, f in source.columns.items():
        column, text = F.col(f"`{name}`"), nothing
        if name not in found:
            value = F.lit(None).cast(f.type)
        elif found[name].simpleString() == f.type:
            value = column
        else:
            is_nested = isinstance(found[name], T.ArrayType | T.MapType | T.StructType)
            text = F.to_json(column) if is_nested else column.cast("string")
            if isinstance(found[name], T.BinaryType) and isinstance(f, Undeclared):
                text = F.base64(column)
            value = from_other_type(column, text, found[name], f, source)
            if is_nested and (more := [*more_in(found[name], data_type(f.type), name)]):
                others.append(name)  # whole, since what it says beside the declared must not be lost
                undeclared += more
            if isinstance(found[name], T.BinaryType) and not isinstance(f, Undeclared):
                wrong.append(F.when(~F.is_valid_utf8(text), F.lit(f"{name}: not UTF-8")))
        values.append(value.alias(name))
        texts.append(text.alias(name))
    if undeclared and source.new_columns == "quarantine":
        wrong.append(F.lit(not_declared(undeclared)))
    return rows.select(
        *values,
        (F.to_json(F.struct(*(f"`{name}`" for name in others))) if others else nothing).alias("_rescued"),
        file_of(rows, files).alias("_file"),
        (F.col("_metadata.row_index") + 1).alias("_position"),
        F.col("_metadata.file_modification_time").alias("_arrived_at"),
        F.to_json(F.struct(*(f"`{name}`" for name in found))).alias("_raw"),
        F.coalesce(*wrong, nothing).alias("_error"),
        F.struct(*texts).alias("_text"),
    )


def came_from(problem: Exception) -> str:
    """What the first of the errors that led to this one says, without where in Java."""
    cause = getattr(problem, "_origin", None) or getattr(problem, "java_exception", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    return str(problem if cause is None else cause.getMessage()).split("\n\tat ")[0]


def more_in(found: T.DataType, declared: T.DataType, path: str) -> Iterator[str]:
    """The paths of what a nested type has and the declared one lacks.

    >>> [*more_in(data_type("array<struct<a:int,b:int>>"), data_type("array<struct<a:int>>"), "lines")]
    ['lines[].b']
    """
    if isinstance(found, T.StructType) and isinstance(declared, T.StructType):
        types = {field.name: field.dataType for field in declared.fields}
        for each in found.fields:
            inner = f"{path}.{each.name}"
            yield from more_in(each.dataType, types[each.name], inner) if each.name in types else [inner]
    elif isinstance(found, T.ArrayType) and isinstance(declared, T.ArrayType):
        yield from more_in(found.elementType, declared.elementType, f"{path}[]")
    elif isinstance(found, T.MapType) and isinstance(declared, T.MapType):
        yield from more_in(found.valueType, declared.valueType, f"{path}.*")


def from_other_type(column: Column, text: Column, found: T.DataType, f: Field, source: Source) -> Column:
    """A value of another type than declared, cast; null where that would lose a part of it."""
    if isinstance(found, T.NumericType) and (f.type.startswith("decimal") or f.type in ("float", "double")):
        cast = column.try_cast(f.type)
        return F.when(cast.cast(found) == column, cast)
    is_moment = isinstance(found, T.TimestampType | T.TimestampNTZType)
    if (isinstance(found, T.NumericType) and f.type in WHOLE) or (is_moment and f.type == "date"):
        cast = column.try_cast(f.type)
        return F.when(cast == column, cast)
    if is_moment and f.type == "timestamp":
        return in_timezone(column.cast("timestamp"), source, says_zone=F.lit(False))
    return from_text(text, f, source)


def file_of(rows: DataFrame, files: list[Arrival]) -> Column:
    """The file of each row, relative to the landing folder, from Spark's spelling of its address."""
    is_escaped = any("%" in each for each in rows.inputFiles())

    def plain(address: Column) -> Column:
        return F.url_decode(F.replace(address, F.lit("+"), F.lit("%2B"))) if is_escaped else address

    folder, *others = {posixpath.dirname(each.file) for each in files}
    if not others:  # 20 million rows take 6 s less than by their address
        return F.concat(F.lit(posixpath.join(folder, "")), plain(F.col("_metadata.file_name")))
    address = plain(F.col("_metadata.file_path"))
    landing = files[0].path.removesuffix(files[0].file)
    before = F.locate(landing, address) + len(landing)  # Spark writes file:/, file:/// or the scheme that it was given
    return F.substring(address, before, F.lit(1 << 20))


class NotParquetError(Exception):
    """A file that cannot be read, or of columns that Spark cannot tell apart."""


def parquet_schema(arrival: Arrival) -> pa.Schema:
    footer = parquet_footer(arrival)
    with file_errors():
        schema = footer.schema.to_arrow_schema().remove_metadata()
        str(schema)  # decodes each name
        twice = named_twice(pa.struct(list(schema)))
    if twice:
        raise NotParquetError(f"the file names a column twice: {', '.join(twice)}")
    return schema


def parquet_footer(arrival: Arrival) -> pq.FileMetaData:
    with file_errors(), open_file(arrival.path) as file:
        return pq.read_metadata(file)


@contextmanager
def file_errors(what: str = "the file is not Parquet") -> Iterator[None]:
    """What Arrow raises on a damaged file, as a refusal of it."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        if getattr(error, "errno", None) is not None:  # the disk's error, not the file's
            raise
        raise NotParquetError(f"{what}: {str(error).strip()}") from error


def named_twice(type_: pa.DataType) -> list[str]:
    """Names within one struct that differ in case alone, or not at all: Spark cannot tell them apart."""
    if pa.types.is_map(type_):
        return named_twice(type_.key_type) + named_twice(type_.item_type)
    if isinstance(type_, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        return named_twice(type_.value_type)
    if not pa.types.is_struct(type_):
        return []
    fields = [type_.field(at) for at in range(type_.num_fields)]
    counts = Counter(field.name.lower() for field in fields)
    twice = [field.name for field in fields if counts[field.name.lower()] > 1]
    return twice + [name for field in fields for name in named_twice(field.type)]
