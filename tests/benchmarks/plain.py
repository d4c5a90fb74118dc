"""Plain Structured Streaming queries of any source: what one writes by hand for its files, with Spark's own readers.

Each reads with a schema and the options of its format, spells out what the format's options cannot say (dates of a
pattern, decimal commas, arrays), and appends to a Delta table of the catalog. There is no lineage, nothing undeclared
is kept and nothing refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamReader

from bronze.source import Field, Source
from lakehouse.session import ENGINE, delta_jars
from lakehouse.settings import Settings

OF_JAVA = {"latin-1": "iso-8859-1"}  # how Java calls an encoding of Python's, where that is no name of it

Tree = dict[str, Any]  # names to types, or to what is below them; `name[]` is an array


def session(settings: Settings) -> SparkSession:
    """A session as the quick start of Delta Lake has it, with a catalog that stays; memory, cores and zone as ours."""
    jars, metastore = ",".join(str(jar) for jar in delta_jars()), settings.home / "metastore"
    options = {
        **ENGINE,
        "spark.jars": jars,
        "spark.driver.extraClassPath": jars.replace(",", ":"),
        "spark.driver.memory": settings.memory,
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": settings.warehouse_dir,
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={metastore};create=true",
    }
    builder = SparkSession.builder.master(f"local[{settings.cores}]").enableHiveSupport()
    for key, value in options.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def run(rows: DataFrame, name: str, state: str) -> None:
    """Append what has arrived to a table of the catalog, until there is no more."""
    writer = rows.writeStream.format("delta").option("checkpointLocation", f"{state}/{name}").trigger(availableNow=True)
    writer.toTable(name).awaitTermination()


def stream(spark: SparkSession, source: Source, landing: str, *, files_in_a_batch: int | None = None) -> DataFrame:
    """The rows of the source's files, typed as it declares."""
    reader = spark.readStream.option("pathGlobFilter", source.glob).option("timeZone", source.timezone)
    if files_in_a_batch:
        reader = reader.option("maxFilesPerTrigger", files_in_a_batch)
    rows = READERS[source.format](reader, source, f"{landing}/{source.folder}")
    return rows.select(*(value(F.col(f"`{name}`"), f, source).alias(name) for name, f in source.columns.items()))


def as_read(f: Field) -> str:
    """The type that the reader is asked for."""
    if f.pattern and f.pattern.startswith("epoch"):
        return "bigint"
    return "string" if f.pattern or f.truth or f.thousands or f.decimal != "." else f.type


def value(column: Column, f: Field, source: Source) -> Column:
    """The value of the declared type, where the reader was asked for another."""
    if f.pattern == "epoch_s":
        return F.timestamp_seconds(column)
    if f.pattern == "epoch_ms":
        return F.timestamp_millis(column)
    if f.pattern and f.type == "date":
        day = F.to_date(column, f.pattern)
        last_year = 2099 if f.from_year is None else f.from_year + 99
        return F.when(F.year(day) > last_year, F.add_months(day, -1200)).otherwise(day)
    if f.pattern:
        return F.to_utc_timestamp(F.to_timestamp(column, f.pattern), source.timezone)
    if f.truth:
        return column == f.truth[0]
    if f.thousands or f.decimal != ".":
        plain = F.replace(column, F.lit(f.thousands), F.lit("")) if f.thousands else column
        return F.replace(plain, F.lit(f.decimal), F.lit(".")).cast(f.type)
    return column


def read_csv(reader: DataStreamReader, source: Source, path: str) -> DataFrame:
    of_spark = {"null": "nullValue", "multiline": "multiLine"}
    options = {"header": "true", "escape": '"', **{of_spark.get(k, k): v for k, v in source.options.items()}}
    options["encoding"] = encoding_of(source)
    if options["encoding"] == "utf-16":
        options["multiLine"] = "true"  # else Spark looks for line ends before it decodes
    schema = ", ".join(f"`{name}` {as_read(f)}" for name, f in source.columns.items())
    return reader.schema(schema).options(**options).csv(path)


def read_fixed_width(reader: DataStreamReader, source: Source, path: str) -> DataFrame:
    """Spark's text has no encodings; a CSV of one column has."""
    nobody_writes = {"sep": "\x01", "quote": "", "encoding": encoding_of(source)}
    lines = reader.schema("line string").options(**nobody_writes).csv(path)
    columns, start = [], 1
    for name, f in source.columns.items():
        text = F.nullif(F.trim(F.substring("line", start, f.width or 0)), F.lit(""))
        if "null" in source.options:
            text = F.nullif(text, F.lit(source.options["null"]))
        columns.append(text.cast(as_read(f)).alias(name))
        start += f.width or 0
    return lines.select(*columns)


def read_json(reader: DataStreamReader, source: Source, path: str) -> DataFrame:
    arrays, paths = [], {name: f.path or name for name, f in source.columns.items()}
    if records := source.options.get("records"):
        if "[]" not in records:
            records = f"{records}[]"
            paths = {name: f"{records}.{inner}" for name, inner in paths.items()}
        arrays = list(prefixes(records))
    schema = ddl(tree_of({inner: as_read(source.columns[name]) for name, inner in paths.items()}))
    options = {"multiLine": str(source.format == "json"), "encoding": encoding_of(source)}
    rows = reader.schema(schema).options(**options).json(path)
    for array in arrays:
        rows = rows.select("*", F.explode(within(array.removesuffix("[]"), arrays)).alias(array))
    return rows.select(*(within(inner, arrays).alias(name) for name, inner in paths.items()))


def read_xml(reader: DataStreamReader, source: Source, path: str) -> DataFrame:
    paths = {name: (f.path or name).replace("@", "_") for name, f in source.columns.items()}
    for name, inner in paths.items():
        if any(other.startswith(f"{inner}._") for other in paths.values()):
            paths[name] = f"{inner}._VALUE"  # the text of an element that has attributes
    schema = ddl(tree_of({inner: as_read(source.columns[name]) for name, inner in paths.items()}))
    options = {"rowTag": source.options["row"], "encoding": encoding_of(source)}
    rows = reader.schema(schema).options(**options).format("xml").load(path)
    return rows.select(*(F.col(inner).alias(name) for name, inner in paths.items()))


def read_as_it_is(reader: DataStreamReader, source: Source, path: str) -> DataFrame:
    schema = ", ".join(f"`{f.path or name}` {as_read(f)}" for name, f in source.columns.items())
    rows = reader.schema(schema).format(source.format).load(path)
    return rows.select(*(F.col(f.path or name).alias(name) for name, f in source.columns.items()))


READERS = {
    "csv": read_csv,
    "fixed": read_fixed_width,
    "json": read_json,
    "jsonl": read_json,
    "xml": read_xml,
    "avro": read_as_it_is,
    "parquet": read_as_it_is,
}


def prefixes(records: str) -> Iterator[str]:
    """
    >>> list(prefixes("orders[].lines[]"))
    ['orders[]', 'orders[].lines[]']
    """
    steps = records.split(".")
    yield from (".".join(steps[: count + 1]) for count in range(len(steps)) if steps[count].endswith("[]"))


def encoding_of(source: Source) -> str:
    named = source.options.get("encoding", "utf-8")
    return OF_JAVA.get(named, named)


def within(path: str, arrays: Sequence[str]) -> Column:
    """What is at a path, in the current element of the innermost array on the way to it."""
    inner = max((each for each in arrays if path.startswith(f"{each}.")), key=len, default="")
    return F.col(f"`{inner}`.{path.removeprefix(inner)[1:]}" if inner else path)


def tree_of(paths: Mapping[str, str]) -> Tree:
    tree: Tree = {}
    for path, type_ in paths.items():
        *above, last = path.split(".")
        here = tree
        for step in above:
            here = here.setdefault(step, {})
        here[last] = type_
    return tree


def ddl(tree: Tree, between: str = " ") -> str:
    """
    >>> ddl({"id": "int", "who": {"name": "string"}, "lines[]": {"sku": "string"}})
    '`id` int, `who` struct<`name`:string>, `lines` array<struct<`sku`:string>>'
    """
    fields = []
    for name, below in tree.items():
        type_ = below if isinstance(below, str) else f"struct<{ddl(below, ':')}>"
        fields.append(f"`{name.removesuffix('[]')}`{between}{f'array<{type_}>' if name.endswith('[]') else type_}")
    return ", ".join(fields)
