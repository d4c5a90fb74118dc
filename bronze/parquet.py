"""Parquet files: Spark reads them, and what their values cannot say as declared is told of each record.

Their types are Parquet's own, and the files of one source need not agree on them. Spark takes what they hold as it is:
that a text is not UTF-8, or a number none, it does not say.
"""

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import reduce

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from bronze.landing import change
from bronze.records.content import open_file
from bronze.records.undeclared import not_declared
from bronze.shares import Arrival
from bronze.source import Field, Source, Undeclared
from bronze.values import FLOATS, TEXTS, from_text, has, in_timezone, is_no_number, is_no_text
from lakehouse.errors import came_from
from lakehouse.files import without_glob
from lakehouse.types import data_type

NO_TYPE_OF_SPARK = "PARQUET_TYPE_"  # so begin its errors for columns such as of nanoseconds
WHOLE = ("tinyint", "smallint", "int", "bigint")


def read_parquet(
    spark: SparkSession, source: Source, arrivals: list[Arrival], damaged: Mapping[str, str], *, explains: bool
) -> DataFrame:
    """Parquet: Spark reads it, the files of each schema together. `_text` is what a column of another type said. Which
    of a record's texts is not UTF-8 is looked at where it `explains`: to find one that is, all are looked at as one."""
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
            groups.append(parquet_group(spark, source, files, explains=explains))
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


def parquet_group(spark: SparkSession, source: Source, files: list[Arrival], *, explains: bool) -> DataFrame:
    rows = spark.read.parquet(*(without_glob(a.path) for a in files))
    found = {field.name: field.dataType for field in rows.schema.fields}
    nothing, about = F.lit(None).cast("string"), rows.metadataColumn("_metadata")
    values, texts = [], []
    to_be_texts: dict[str, tuple[Column, T.DataType]] = {}
    others = [name for name in found if name not in source.columns]
    undeclared = [*others]
    for name, f in source.columns.items():
        column, text = named(name), nothing
        declared = data_type(f.type)
        is_same = name in found and found[name].simpleString() == f.type
        if name not in found:
            value = F.lit(None).cast(f.type)
        elif is_same and not has(declared, FLOATS):
            value = column
        else:
            is_nested = isinstance(found[name], T.ArrayType | T.MapType | T.StructType)
            text = F.to_json(column) if is_nested else column.cast("string")
            if isinstance(found[name], T.BinaryType) and isinstance(f, Undeclared):
                text = F.base64(column)
            value = column if is_same else from_other_type(column, text, found[name], f, source)
            if is_nested and swaps_bytes(found[name], declared):
                value = F.lit(None).cast(f.type)
            if is_same or isinstance(found[name], T.NumericType):  # else a text is asked for it
                value = F.when(~is_no_number(value, declared), value)
            if is_nested and (more := [*more_in(found[name], declared, name)]):
                others.append(name)  # whole, since what it says beside the declared must not be lost
                undeclared += more
            if isinstance(found[name], T.BinaryType) and not isinstance(f, Undeclared):
                to_be_texts[name] = text, T.StringType()
        values.append(value.alias(name))
        texts.append(text.alias(name))
    as_bytes = {name for name, f in source.columns.items() if f.type == "binary" and found.get(name) == T.StringType()}
    with_texts = (name for name, type_ in found.items() if name not in as_bytes and has(type_, TEXTS))
    to_be_texts |= {name: (named(name), found[name]) for name in with_texts}
    if explains:
        wrong = [F.when(is_no_text(each), F.lit(f"{name}: not UTF-8")) for name, each in to_be_texts.items()]
    else:
        wrong = [F.when(is_no_text(*to_be_texts.values()), F.lit("not UTF-8"))]
    if undeclared and source.new_columns == "quarantine":
        wrong.append(F.lit(not_declared(undeclared)))
    return rows.select(
        *values,
        (F.to_json(F.struct(*map(named, others))) if others else nothing).alias("_rescued"),
        file_of(rows, files).alias("_file"),
        (about["row_index"] + 1).alias("_position"),
        about["file_modification_time"].alias("_arrived_at"),
        F.to_json(F.struct(*(as_it_is(name, type_) for name, type_ in found.items()))).alias("_raw"),
        F.coalesce(*wrong, nothing).alias("_error"),
        F.struct(*texts).alias("_text"),
    )


def named(name: str) -> Column:
    return F.col(f"`{name.replace('`', '``')}`")


def as_it_is(name: str, type_: T.DataType) -> Column:
    """A column for JSON to write: what is not UTF-8 in base64, as other bytes, or its bytes would be lost."""
    column = named(name)
    if not isinstance(type_, T.StringType):
        return column
    return F.when(F.is_valid_utf8(column), column).otherwise(F.base64(column.cast("binary"))).alias(name)


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


def swaps_bytes(found: T.DataType, declared: T.DataType) -> bool:
    """Whether somewhere within, texts stand in the place of bytes, or bytes in that of texts: JSON tells them alike.

    >>> swaps_bytes(data_type("array<struct<a:string,b:int>>"), data_type("array<struct<a:binary,b:int>>"))
    True
    """
    if isinstance(found, T.StructType) and isinstance(declared, T.StructType):
        types = {field.name: field.dataType for field in declared.fields}
        return any(swaps_bytes(each.dataType, types[each.name]) for each in found.fields if each.name in types)
    if isinstance(found, T.ArrayType) and isinstance(declared, T.ArrayType):
        return swaps_bytes(found.elementType, declared.elementType)
    if isinstance(found, T.MapType) and isinstance(declared, T.MapType):
        return swaps_bytes(found.keyType, declared.keyType) or swaps_bytes(found.valueType, declared.valueType)
    return isinstance(found, T.BinaryType) != isinstance(declared, T.BinaryType)


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

    about = rows.metadataColumn("_metadata")  # not a column of that name that a file has
    folder, *others = {posixpath.dirname(each.file) for each in files}
    if not others:  # 20 million rows take 6 s less than by their address
        return F.concat(F.lit(posixpath.join(folder, "")), plain(about["file_name"]))
    address = plain(about["file_path"])
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
