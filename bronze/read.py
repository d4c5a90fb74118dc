"""Files of a source as typed rows: each with its place in the landing folder, and the reasons why it is refused."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from bronze.records import Layout, open_file, read_records
from bronze.source import Field, Source
from lakehouse.delta import met
from lakehouse.rules import Required

LINEAGE_ARROW = [("_file", pa.string()), ("_arrived_at", pa.timestamp("us", tz="UTC"))]


@dataclass(frozen=True)
class Arrival:
    """A file in the landing folder. `file` is its path there."""

    path: str
    file: str
    bytes: int
    arrived_at: datetime


def read(spark: SparkSession, source: Source, arrivals: list[Arrival], tasks: int) -> DataFrame:
    """All records of the files: the declared columns, lineage but the load, `_raw`, and `_reasons` (null when good)."""
    read_format = read_parquet if source.format == "parquet" else read_text
    typed, mistyped = read_format(spark, source, arrivals, tasks)
    is_readable = F.col("_error").isNull()
    not_typed = {name: is_wrong for name, (is_wrong, _) in mistyped.items()}
    problems = [*mistyped.values()]
    for rule in source.all_rules:
        is_broken = is_readable & ~F.expr(met(rule))
        if isinstance(rule, Required) and rule.column in not_typed:
            is_broken &= ~not_typed[rule.column]  # it is there, and has been refused already
        if rule.severity == "error":  # the others are counted when the layer is checked
            problems.append((is_broken, F.lit(rule.name)))
    found = F.array(F.col("_error"), *(F.when(is_wrong, why) for is_wrong, why in problems))
    is_refused = any_of([~is_readable, *(is_wrong for is_wrong, _ in problems)])
    reasons = F.when(is_refused, F.filter(found, lambda reason: reason.isNotNull()))
    lineage = ("_rescued", "_file", "_position", "_arrived_at", "_raw")
    return typed.withColumn("_reasons", reasons).select(*source.columns, *lineage, "_reasons")


Problem = tuple[Column, Column]  # when it is there, and what it says


def read_text(
    spark: SparkSession, source: Source, arrivals: list[Arrival], tasks: int
) -> tuple[DataFrame, dict[str, Problem]]:
    """Text formats: Python tells the records apart, Spark types them."""
    layout = Layout(
        format=source.format,
        columns={name: f.path or name for name, f in source.columns.items()},
        options=dict(source.options),
    )
    records = (
        spark.createDataFrame(
            [(batch,) for batch in shares(arrivals, tasks)],
            "share array<struct<path:string,file:string,bytes:bigint,arrived_at:timestamp>>",
        )
        .repartition(min(tasks, len(arrivals)))
        .mapInArrow(record_reader(layout), text_schema(source))
    )
    texts = {name: F.col(f"_text.`{name}`") for name in source.columns}
    typed = records.select(
        *(from_text(texts[name], f, source).alias(name) for name, f in source.columns.items()),
        "_rescued", "_file", "_position", "_arrived_at", "_raw", "_error", "_text",
    )  # fmt: skip
    problems = {
        name: (texts[name].isNotNull() & F.col(name).isNull(), not_of_type(name, f, texts[name]))
        for name, f in source.columns.items()
        if f.type != "string"
    }
    return typed, problems


def shares(arrivals: list[Arrival], tasks: int) -> list[list[Arrival]]:
    """The files in as many shares as there are tasks, of about equal bytes: the largest first, to the emptiest."""
    found: list[list[Arrival]] = [[] for _ in range(min(tasks, len(arrivals)))]
    sizes = [0] * len(found)
    for arrival in sorted(arrivals, key=lambda a: (-a.bytes, a.file)):
        least = sizes.index(min(sizes))
        found[least].append(arrival)
        sizes[least] += arrival.bytes + 10_000  # opening a file costs about as much as that
    return found


def record_reader(layout: Layout) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """The function that Spark runs in each task: shares of files in, their records out."""

    def read_share(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for share in batch.column(0).to_pylist():
                for arrival in share:
                    for records in read_records(arrival["path"], layout):
                        yield with_lineage(records, layout, arrival["file"], arrival["arrived_at"])

    return read_share


def with_lineage(records: pa.RecordBatch, layout: Layout, file: str, arrived_at: datetime) -> pa.RecordBatch:
    rows = records.num_rows
    texts = pa.StructArray.from_arrays([records.column(name) for name in layout.columns], names=list(layout.columns))
    others = ["_rescued", "_position", "_raw", "_error"]
    arrays = [texts, *(records.column(name) for name in others)]
    arrays += [pa.repeat(pa.scalar(file), rows), pa.repeat(pa.scalar(arrived_at, LINEAGE_ARROW[1][1]), rows)]
    return pa.RecordBatch.from_arrays(arrays, names=["_text", *others, "_file", "_arrived_at"])


def text_schema(source: Source) -> T.StructType:
    texts = T.StructType([T.StructField(name, T.StringType()) for name in source.columns])
    return T.StructType(
        [
            T.StructField("_text", texts),
            T.StructField("_rescued", T.StringType()),
            T.StructField("_position", T.LongType()),
            T.StructField("_raw", T.StringType()),
            T.StructField("_error", T.StringType()),
            T.StructField("_file", T.StringType()),
            T.StructField("_arrived_at", T.TimestampType()),
        ]
    )


def from_text(text: Column, f: Field, source: Source) -> Column:
    """The value that a text spells, null where it spells none."""
    if f.type == "string":
        return text
    if f.type.startswith(("array", "map", "struct")):
        return F.from_json(text, f.type)
    if f.type == "date":
        return F.try_to_date(text, f.pattern) if f.pattern else text.try_cast("date")
    if f.type == "timestamp":
        moment = F.try_to_timestamp(text, F.lit(f.pattern)) if f.pattern else text.try_cast("timestamp")
        return moment if source.timezone == "UTC" else F.to_utc_timestamp(moment, source.timezone)
    return F.trim(text).try_cast(f.type)


def not_of_type(name: str, f: Field, text: Column) -> Column:
    spelled = f" like {f.pattern}" if f.pattern else ""
    return F.concat(F.lit(f"{name}: expected {f.type}{spelled}, found '"), F.substring(text, 1, 100), F.lit("'"))


def read_parquet(
    spark: SparkSession, source: Source, arrivals: list[Arrival], tasks: int
) -> tuple[DataFrame, dict[str, Problem]]:
    """Parquet: Spark reads it, the files of each schema together; a column of another type than declared is cast."""
    by_schema = sorted(((str(parquet_schema(a)), a) for a in arrivals), key=lambda pair: (pair[0], pair[1].file))
    groups = [
        parquet_group(spark, source, [arrival for _, arrival in group])
        for _, group in groupby(by_schema, key=lambda pair: pair[0])
    ]
    return reduce(DataFrame.unionByName, groups), {}


def parquet_group(spark: SparkSession, source: Source, files: list[Arrival]) -> DataFrame:
    rows = spark.read.parquet(*(a.path for a in files))
    found = {field.name: field.dataType for field in rows.schema.fields}
    values, problems = [], []
    for name, f in source.columns.items():
        if name not in found:
            values.append(F.lit(None).cast(f.type).alias(name))
        elif found[name].simpleString() == f.type:
            values.append(F.col(f"`{name}`"))
        else:
            cast = F.col(f"`{name}`").try_cast(f.type)
            values.append(cast.alias(name))
            was = F.col(f"`{name}`").cast("string")
            problems.append((F.col(f"`{name}`").isNotNull() & cast.isNull(), not_of_type(name, f, was)))
    others = [f"`{name}`" for name in found if name not in source.columns]
    prefix = files[0].path.removesuffix(files[0].file)
    said = F.concat_ws("; ", *(F.when(is_wrong, why) for is_wrong, why in problems))
    error = F.when(any_of([is_wrong for is_wrong, _ in problems]), said) if problems else F.lit(None).cast("string")
    return rows.select(
        *values,
        (F.to_json(F.struct(*others)) if others else F.lit(None).cast("string")).alias("_rescued"),
        F.expr(f"substring(_metadata.file_path, {len(as_uri(prefix)) + 1})").alias("_file"),
        (F.col("_metadata.row_index") + 1).alias("_position"),
        F.col("_metadata.file_modification_time").alias("_arrived_at"),
        F.to_json(F.struct(*(f"`{name}`" for name in found))).alias("_raw"),
        error.alias("_error"),
    )


def as_uri(path: str) -> str:
    """How Spark writes a path: with its scheme."""
    return path if ":/" in path else f"file://{path}"


def parquet_schema(arrival: Arrival) -> pa.Schema:
    with open_file(arrival.path) as file:
        return pq.read_schema(file).remove_metadata()


def any_of(conditions: list[Column]) -> Column:
    return reduce(Column.__or__, conditions)
