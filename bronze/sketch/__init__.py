"""A declaration sketched from sample files: what they show is in it, what only a person knows is marked."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql.pandas.types import from_arrow_type

from bronze.landing import Found
from bronze.records import read_records
from bronze.records.content import open_file
from bronze.records.json_text import DECODER
from bronze.records.layout import Layout
from bronze.sketch.columns import Place, Shape, names_of, places
from bronze.sketch.layout import Laid, laid_out
from bronze.sketch.privacy import privacy_of
from bronze.sketch.spelling import NULLS, Spelled, spelled
from bronze.source import Field, Source
from lakehouse.tables import ContractError
from lakehouse.types import data_type

FILL_IN = "FILL IN"
ENOUGH = 10  # records by which a column that is never empty is taken for a required one
OF_KEYS = re.compile(r"(^|_)(id|no|nr|number|nummer|key|code|sku|uuid|ref)($|_)|id$|nummer$")
KEY_TYPES = ("string", "int", "bigint", "date", "timestamp", "smallint", "tinyint")


@dataclass(frozen=True)
class Sketch:
    """A declaration, what a person should know of each guess, and records that could not be told apart."""

    source: Source
    records: int
    refused: tuple[str, ...]
    of_layout: tuple[str, ...]
    of_columns: Mapping[str, str]


@dataclass(frozen=True)
class Texts:
    """What files hold, as bronze's reader gives it: for each file and column its texts."""

    files: tuple[pa.Table, ...]
    refused: tuple[str, ...]

    def of(self, name: str) -> list[str | None]:
        return [value for file in self.files for value in file.column(name).to_pylist()]


def sketch(name: str, files: Sequence[Found]) -> Sketch:
    """`files` are whole, or end with a whole record."""
    laid = laid_out(files)
    if laid.format == "parquet":
        return of_parquet(name, files, laid)
    found, undeclared = columns_of(files, laid)
    texts = read_texts(files, laid, {column: place.path for column, place in found.items()}, found)
    values = {column: texts.of(column) for column in found}
    options = {**laid.options, **null_of(values, laid)}
    null = options.get("null")
    columns: dict[str, Field] = {}
    remarks: dict[str, str] = {}
    for at, (column, place) in enumerate(found.items()):
        said = [value for value in values[column] if value is not None and value != null]
        distinct = list(dict.fromkeys(said))
        guess = (
            Spelled(place.type, remark=place.remark)
            if place.type
            else spelled(distinct, column, options.get("sep", ","))
        )
        columns[column] = Field(
            guess.type,
            FILL_IN,
            privacy_of(column, distinct),
            path=place.path if place.path != column else None,
            required=bool(said) and len(said) == len(values[column]) >= ENOUGH,
            width=laid.widths[at] if laid.widths else None,
            **guess.how,
        )
        if guess.remark:
            remarks[column] = guess.remark
    tables = [without_repeats(without_null(table, null)) for table in texts.files]
    key = key_of(columns, tables)
    source = declared(name, files, laid, options, columns, key)
    records = sum(len(table) for table in texts.files)
    return Sketch(source, records, texts.refused, (*laid.remarks, *undeclared, *of_path(files)), remarks)


def columns_of(files: Sequence[Found], laid: Laid) -> tuple[dict[str, Place], list[str]]:
    """A place for each column; and what is said of those that cannot be declared."""
    if laid.format in ("csv", "fixed"):
        good = {name: Place(name) for name in laid.names if can_be_column(name)}
        others = [name for name in laid.names if name not in good]
        said = [f"no table can have a column called {each!r}: it stays in _rescued" for each in others]
        return good, said
    shape = Shape()
    for each in files:
        for batch in read_records(each.path, Layout(laid.format, {}, laid.options, keeps_raw=False)):
            for text in batch.column("_rescued").to_pylist():
                if text:
                    shape.see(DECODER.decode(text))
    found = places(shape, laid.format == "xml")
    names = names_of([place.path for place in found])
    if not found:
        raise ContractError(f"Cannot sketch a source of {files[0].file}: expected records with values, found none.")
    return {names[place.path]: place for place in found}, []


def can_be_column(name: str) -> bool:
    return not name.startswith("_") and not re.search(r"[ ,;{}()\n\t=.`]", name)


def read_texts(files: Sequence[Found], laid: Laid, paths: Mapping[str, str], found: Mapping[str, Place]) -> Texts:
    nested = {name: place.type for name, place in found.items() if place.type and "<" in place.type}
    layout = Layout(laid.format, paths, laid.options, laid.widths, nested, keeps_raw=False)
    tables, refused = [], []
    for each in files:
        batches = list(read_records(each.path, layout))
        table = pa.Table.from_batches(batches, schema=layout.schema)
        is_good = pc.is_null(table["_error"])
        tables.append(table.filter(is_good))
        bad = table.filter(pc.invert(is_good))
        refused += [
            f"{each.file}, record {position}: {why}"
            for position, why in zip(bad["_position"].to_pylist(), bad["_error"].to_pylist(), strict=True)
        ]
    if not any(len(table) for table in tables):
        raise ContractError(
            f"Cannot sketch a source of {files[0].file}: found no record that can be read as {laid.format}."
            + "".join(f"\n  {each}" for each in refused[:3])
        )
    return Texts(tuple(tables), tuple(refused))


def null_of(values: Mapping[str, list[str | None]], laid: Laid) -> dict[str, str]:
    """The text that stands for no value, if one does: by it, some column becomes more than text."""
    if laid.format not in ("csv", "fixed"):
        return {}
    sep = laid.options.get("sep", ",")
    helped: dict[str, int] = {}
    for column, texts in values.items():
        distinct = {text for text in texts if text is not None}
        for null in NULLS:
            others = sorted(distinct - {null})
            if (
                null in distinct
                and (
                    not others
                    or (spelled(sorted(distinct), column, sep).type == "string")
                    > (spelled(others, column, sep).type == "string")
                )
            ) or (null in (r"\N", "NULL", "n/a", "k.A.") and null in distinct):
                helped[null] = helped.get(null, 0) + texts.count(null)
    return {"null": max(helped, key=lambda each: helped[each])} if helped else {}


def without_null(table: pa.Table, null: str | None) -> pa.Table:
    if null is None:
        return table
    columns = [pc.if_else(pc.equal(column, null), None, column) if column.type == pa.string() else column
               for column in table.columns]  # fmt: skip
    return pa.table(columns, names=table.column_names)


def key_of(columns: Mapping[str, Field], files: Sequence[pa.Table]) -> tuple[str, ...]:
    """One column, or two, whose values are never missing and come once in each file; first those named like keys."""
    able = [name for name, f in columns.items() if f.type in KEY_TYPES and is_full(name, files)]
    first = next(iter(columns))
    looks = {name for name in able if OF_KEYS.search(snake(name)) or name == first or name.startswith("column_")}
    able.sort(key=lambda name: (name not in looks, columns[name].type in ("timestamp", "date")))
    if sum(map(len, files)) < 2:
        return tuple(able[:1]) if able and able[0] in looks else ()
    pairs = [names for size in (1, 2, 3) for names in combinations(able[:8], size) if looks & {*names}]
    pairs.sort(key=lambda names: len(looks & {*names}) < len(names))
    return next((names for names in pairs if all(is_unique(names, file) for file in files)), ())


def snake(name: str) -> str:
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def is_full(name: str, files: Sequence[pa.Table]) -> bool:
    return all(file[name].null_count == 0 for file in files)


def is_unique(names: Sequence[str], file: pa.Table) -> bool:
    return len(file.group_by(list(names)).aggregate([])) == len(file)


def without_repeats(file: pa.Table) -> pa.Table:
    """A record that is there twice, to the letter, says nothing about the key."""
    texts = [name for name in file.column_names if name not in ("_position", "_raw", "_error")]
    plain = [name for name in texts if not pa.types.is_nested(file[name].type)]
    return file.group_by(plain).aggregate([])


# Parquet says its types itself


def of_parquet(name: str, files: Sequence[Found], laid: Laid) -> Sketch:
    tables = []
    for each in files:
        with open_file(each.path) as file:
            tables.append(pq.read_table(file))
    columns: dict[str, Field] = {}
    remarks: dict[str, str] = {}
    total = sum(len(table) for table in tables)
    said: list[str] = []
    for column in dict.fromkeys(column for table in tables for column in table.column_names):
        if not can_be_column(column):
            said.append(f"no table can have a column called {column!r}: it stays in _rescued")
            continue
        having = [table[column] for table in tables if column in table.column_names]
        type_ = spark_type(having[0].type)
        if len({str(each.type) for each in having}) > 1:
            remarks[column] = f"its type differs by file: {', '.join(sorted({str(each.type) for each in having}))}"
        if type_ is None:
            said.append(f"{column} is {having[0].type}, which no column can be: it stays in _rescued")
            continue
        texts = [str(value) for value in having[0][:200].to_pylist() if value is not None]
        filled = sum(len(each) - each.null_count for each in having)
        columns[column] = Field(type_, FILL_IN, privacy_of(column, texts), required=total == filled >= ENOUGH)
    if not columns:
        raise ContractError(f"Cannot sketch a source of {files[0].file}: expected columns, found none.")
    filled_up = [table for table in tables if set(columns) <= set(table.column_names)]
    key = key_of(columns, [without_repeats(each) for each in filled_up]) if len(filled_up) == len(tables) else ()
    return Sketch(declared(name, files, laid, {}, columns, key), total, (), (*said, *of_path(files)), remarks)


def spark_type(type_: pa.DataType) -> str | None:
    """What Spark reads an Arrow type as, where a declaration can say it."""
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    try:
        ddl = from_arrow_type(type_).simpleString().replace("timestamp_ntz", "timestamp")
        data_type(ddl)
    except (ValueError, TypeError):
        return None
    except Exception as error:  # pyspark's own for a type that it has not
        if type(error).__module__.startswith("pyspark"):
            return None
        raise
    return ddl


# The whole


def declared(
    name: str,
    files: Sequence[Found],
    laid: Laid,
    options: Mapping[str, str],
    columns: Mapping[str, Field],
    key: tuple[str, ...],
) -> Source:
    fields = {
        column: Field(**{**vars(f), "required": f.required and column not in key}) for column, f in columns.items()
    }
    return Source(
        name=name,
        doc=f"{FILL_IN}: what one row is.",
        path=path_of(name, [each.file for each in files]),
        format=laid.format,
        options=options,
        key=key,
        columns=fields,
    )


def path_of(name: str, files: Sequence[str]) -> str:
    """The folder of the files and a glob that fits them all."""
    folder = (
        posixpath.commonpath([posixpath.dirname(file) for file in files])
        if len(files) > 1
        else posixpath.dirname(files[0])
    )
    return f"{folder or name}/{glob_of([file[len(folder) :].lstrip('/') for file in files])}"


def of_path(files: Sequence[Found]) -> list[str]:
    if any(posixpath.dirname(each.file) for each in files):
        return []
    return [f"the files are not below the landing folder: {FILL_IN} into which folder of it they will come (path)"]


def glob_of(names: Sequence[str]) -> str:
    """What the names have in common up to their first digit, and their ending.

    >>> glob_of(["sales_2024-01-01.csv", "sales_2024-01-02.csv"]), glob_of(["a.csv", "b.csv"])
    ('sales_*.csv', '*.csv')
    >>> glob_of(["orders.csv"]), glob_of(["INV24.txt.gz"])
    ('orders.csv', 'INV*.txt.gz')
    """
    endings = {ending_of(name) for name in names}
    end = endings.pop() if len(endings) == 1 else ""
    stems = sorted(name.removesuffix(end) for name in names)
    start = beginning_of(stems[0])
    while not all(stem.startswith(start) for stem in stems):
        start = start[:-1]
    if stems[0] == stems[-1] == start:
        return f"{start}{end}"
    if any(beginning_of(stem) != start for stem in stems):  # a letter that some names share by chance
        start = start[: max(start.rfind("_"), start.rfind("-")) + 1]
    return f"{start}*{end}"


def ending_of(name: str) -> str:
    found = re.search(r"(\.[A-Za-z]+\d?)?(\.gz)?$", name)
    return found[0] if found else ""


def beginning_of(stem: str) -> str:
    """All before its first digit, or before what a glob would take for a pattern."""
    return re.split(r"[\d\[\]*?/]", stem, maxsplit=1)[0]
