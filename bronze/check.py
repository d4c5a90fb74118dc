"""A declaration tried on files, as ingest would read them: what does not fit, and how much does. Nothing is written."""

import codecs
import json
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatch
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bronze.evolve import with_columns
from bronze.landing import Found
from bronze.parquet import NotParquetError, parquet_schema
from bronze.read import layout_of, read
from bronze.records.content import blocks
from bronze.records.delimited import csv_header
from bronze.records.layout import UnreadableError
from bronze.shares import Arrival
from bronze.sketch.layout import head_of, laid_out
from bronze.source import Source
from bronze.values import spelling
from lakehouse.delta import met
from lakehouse.tables import ContractError

EXAMPLES = 3
RECORDS = 20_000  # of a file
SINGLE_BYTE = ("cp1252", "iso8859-1", "iso8859-15")


@dataclass(frozen=True)
class Misfit:
    """One way in which records do not fit, with how many and the first of them."""

    what: str
    records: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ColumnFit:
    """How many values of a column fit, and what those that do not are like."""

    name: str
    expected: str
    filled: int
    unfit: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """What became of the records of the files. `problems` do not fit; `remarks` are for a person to know."""

    source: Source
    files: int
    of_files: int
    records: int
    good: int
    columns: tuple[ColumnFit, ...]
    problems: tuple[Misfit, ...]
    remarks: tuple[Misfit, ...]

    @property
    def fits(self) -> bool:
        return not self.problems and not any(column.unfit for column in self.columns)


def check(
    spark: SparkSession, source: Source, files: Sequence[Found], *, of_files: int, is_claimed: bool, now: datetime
) -> Check:
    """`is_claimed` says that the files were found by the source's path: then they tell how fresh it is."""
    arrivals = [Arrival(each.path, each.file, each.bytes, each.arrived_at) for each in files]
    rows = read(spark, source, arrivals, max(2, spark.sparkContext.defaultParallelism))
    rows = rows.where(F.col("_position") <= RECORDS).cache()
    try:
        totals = totals_of(rows, source)
        values = filled(rows, source)
        refused = rows.where("_reasons IS NOT NULL").orderBy("_file", "_position")
        reasons = refused.select("_file", "_position", F.substring("_raw", 1, 120).alias("raw"), "_reasons").collect()
        rescued = rows.where("_rescued IS NOT NULL").select("_rescued").collect()
        repeated = repeats_of(rows, source)
    finally:
        rows.unpersist()

    by_column, others = sorted_out(reasons, source)
    columns = tuple(
        ColumnFit(name, expected_of(source, name), values[name], len(by_column[name]), first(by_column[name]))
        for name in source.columns
    )
    problems = [Misfit(what, len(examples), first(examples)) for what, examples in others.items()]
    problems += repeated
    beside = [json.loads(row._rescued) for row in rescued]
    evolving = {name for name in {name for each in beside for name in each} if evolves(source, name)}
    problems += undeclared([{n: v for n, v in each.items() if n not in evolving} for each in beside], source)
    problems += other_layout(source, files, is_refused=any(row._reasons and row._position >= 0 for row in reasons))
    empty = [column.name for column in columns if not column.filled and not column.unfit]
    present = names_of(source, arrivals)
    said = {name for each in beside for name in names_in(each)}
    remarks = [
        Misfit(f"{name}: no column declares it (it becomes one of the table, as text)", count, ())
        for name, count in sorted(Counter(name for each in beside for name in each if name in evolving).items())
    ]
    for name in empty:
        if present and name not in present:
            problems.append(Misfit(f"{name}: declared, and no file has it", 0, like(name, said)))
        elif totals["good"]:
            remarks.append(Misfit(f"{name}: no record has a value", 0, like(name, said)))
    if not is_claimed:
        wrong = [each.file for each in files if not fnmatch(posixpath.basename(each.file), source.glob)]
        if wrong:
            problems.append(Misfit(f"files whose name does not fit {source.glob}", len(wrong), tuple(wrong[:EXAMPLES])))
    remarks += [
        Misfit(f"{rule.name} (a warning: kept, and counted when the layer is checked)", totals[f"warning {at}"], ())
        for at, rule in enumerate(warnings_of(source))
        if totals[f"warning {at}"]
    ]
    if is_claimed and (stale := staleness(source, max(each.arrived_at for each in files), now)):
        problems.append(stale)
    return Check(
        source, len(files), of_files, totals["records"], totals["good"], columns, tuple(problems), tuple(remarks)
    )


def names_of(source: Source, arrivals: Sequence[Arrival]) -> set[str] | None:
    """The columns that the files name: in a header, or in Parquet's footer. None where their format names none."""
    names: set[str] = set()
    layout = layout_of(source)
    for each in arrivals:
        if source.format == "parquet":
            with suppress(NotParquetError):
                names |= set(parquet_schema(each).names)
        elif source.format == "csv" and source.options.get("header", "true") == "true":
            with suppress(UnreadableError):
                text = next(blocks(each.path, layout), b"").lstrip(b"\r\n")
                names |= set(csv_header(text, layout)) if text else set()
        else:
            return None
    return names


def other_layout(source: Source, files: Sequence[Found], *, is_refused: bool) -> list[Misfit]:
    """What the files look like, where that is not as declared: told when records are refused, or letters are wrong."""
    try:
        laid = laid_out(files)
    except ContractError as error:
        return [Misfit(str(error), 0, ())] if is_refused else []
    declared, found = dict(source.options), dict(laid.options)
    encodings = [codecs.lookup(options.get("encoding", "utf-8")).name for options in (declared, found)]
    is_misread = encodings[0] in SINGLE_BYTE and has_special(files) and encodings[1] == "utf-8"
    if is_misread:
        said = f"encoding: {declared['encoding']} is declared, and the files are UTF-8: other letters would be read"
        return [Misfit(said, 0, ())]
    if not is_refused:
        return []
    if laid.format != source.format:
        return [Misfit(f"format: {source.format} is declared, and the files look like {laid.format}", 0, ())]
    told = []
    for option in ("sep", "quote", "header", "encoding", "multiline", "row"):
        is_same = declared.get(option) == found.get(option) or option not in (*declared, *found)
        if option == "encoding":
            is_same = encodings[0] == encodings[1] or not has_special(files) or set(encodings) <= set(SINGLE_BYTE)
        if not is_same and (option != "quote" or found.get(option) is not None):
            defaults = {"sep": ",", "quote": '"', "header": "true", "encoding": "utf-8", "multiline": "false"}
            was, seems = (options.get(option, defaults.get(option)) for options in (declared, found))
            told.append(Misfit(f"{option}: {was!r} is declared, and the files look like {seems!r}", 0, ()))
    return told


def has_special(files: Sequence[Found]) -> bool:
    return any(not head_of(each.path).isascii() for each in files)


def totals_of(rows: DataFrame, source: Source) -> Mapping[str, int]:
    is_good = F.col("_reasons").isNull()
    counts = [
        F.count("*").alias("records"),
        F.count_if(is_good).alias("good"),
        *(
            F.count_if(is_good & ~F.expr(met(rule))).alias(f"warning {at}")
            for at, rule in enumerate(warnings_of(source))
        ),
    ]
    return rows.agg(*counts).collect()[0].asDict()


def filled(rows: DataFrame, source: Source) -> Mapping[str, int]:
    names = list(source.columns)
    counted = rows.agg(*(F.count(f"`{name}`").alias(f"c{at}") for at, name in enumerate(names))).collect()[0]
    return {name: counted[f"c{at}"] for at, name in enumerate(names)}


def warnings_of(source: Source) -> list[Any]:
    return [rule for rule in source.all_rules if rule.severity == "warning"]


def expected_of(source: Source, name: str) -> str:
    column = source.columns[name]
    return f"{column.type}{spelling(column)}"


def sorted_out(reasons: Sequence[Any], source: Source) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    """Examples of values that are not of their column's type; and those of all other reasons, by what they say."""
    of_columns: dict[str, list[str]] = defaultdict(list)
    others: dict[str, list[str]] = defaultdict(list)
    expected = {name: f"{name}: expected {expected_of(source, name)}, found " for name in source.columns}
    rules = {rule.name for rule in source.all_rules}
    for row in reasons:
        where = place(row._file, row._position)
        for reason in row._reasons:
            column = next((name for name, start in expected.items() if reason.startswith(start)), None)
            if column:
                of_columns[column].append(f"{reason.removeprefix(expected[column])} in {where}")
            elif reason in rules:
                others[reason].append(where)
            else:
                what, _, detail = reason.partition(": ")
                others[what].append(f"{detail + ' in ' if detail else ''}{where}")
    return of_columns, others


def place(file: str, position: int) -> str:
    name = posixpath.basename(file)
    return f"{name}, record {position}" if position > 0 else f"the whole of {name}"


def first(examples: Sequence[str]) -> tuple[str, ...]:
    return tuple(examples[:EXAMPLES])


def repeats_of(rows: DataFrame, source: Source) -> list[Misfit]:
    """Records of one file that have one key, and say different things: which of them holds, nobody can tell. Records
    that are the same to the letter are no harm, and those of other files are other versions."""
    order = source.changes.sequence if source.changes else source.newest_by
    key = [*source.key, *([order] if order and order not in source.key else [])]
    if not key:
        return []
    good = rows.where("_reasons IS NULL")
    columns = [f"`{name}`" for name in source.columns]
    said = F.to_json(F.struct(*columns))
    groups = good.groupBy("_file", *(f"`{name}`" for name in key)).agg(
        F.count("*").alias("_records"),
        F.count_distinct(said).alias("_kinds"),
        F.sort_array(F.collect_list("_position")).alias("_places"),
    )
    found = groups.where("_kinds > 1").orderBy("_file", F.col("_places")[0])
    total = found.agg(F.count("*")).collect()[0][0]
    if not total:
        return []
    shown = found.select("_file", "_places").limit(EXAMPLES).collect()
    examples = [f"{posixpath.basename(r._file)}, records {', '.join(map(str, r._places[:4]))}" for r in shown]
    named = " and ".join(key)
    return [Misfit(f"{named} is not a key: different records of one file share it", total, tuple(examples))]


def evolves(source: Source, name: str) -> bool:
    return source.new_columns == "evolve" and with_columns(source, {name: ""}) is not source


def undeclared(beside: Sequence[Mapping[str, Any]], source: Source) -> list[Misfit]:
    ends = "its records are refused" if source.new_columns == "quarantine" else "it is kept in _rescued"
    counts: Counter[str] = Counter()
    values: dict[str, list[str]] = defaultdict(list)
    for each in beside:
        for name, value in names_in(each).items():
            counts[name] += 1
            if len(values[name]) < EXAMPLES and value not in (None, "") and repr(value)[:60] not in values[name]:
                values[name].append(repr(value)[:60])
    return [
        Misfit(f"{name}: in the files, and no column declares it ({ends})", count, tuple(values[name]))
        for name, count in sorted(counts.items())
    ]


def names_in(tree: Any, above: str = "") -> dict[str, Any]:
    """
    >>> names_in({"a": 1, "who": {"id": 7}})
    {'a': 1, 'who.id': 7}
    """
    if not isinstance(tree, Mapping):
        return {above.removesuffix("."): tree}
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= (
            names_in(value, f"{above}{name}.") if isinstance(value, Mapping) and value else {f"{above}{name}": value}
        )
    return found


def like(name: str, others: set[str]) -> tuple[str, ...]:
    """What it may be called in the files."""
    plain = {"".join(filter(str.isalnum, other)).lower(): other for other in sorted(others)}
    other = plain.get("".join(filter(str.isalnum, name)).lower())
    return (f"is it {other}?",) if other else ()


def staleness(source: Source, newest: datetime, now: datetime) -> Misfit | None:
    age = now - newest
    if age <= source.fresh_within:
        return None
    return Misfit(f"stale: the newest file is {spoken(age)} old, and may be {spoken(source.fresh_within)}", 0, ())


def spoken(span: timedelta) -> str:
    """
    >>> spoken(timedelta(hours=30)), spoken(timedelta(days=9))
    ('30 hours', '9 days')
    """
    hours = round(span / timedelta(hours=1))
    if hours < 48 and hours % 24:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    days = round(hours / 24)
    return f"{days} day{'' if days == 1 else 's'}"


def told(check: Check) -> Iterator[str]:
    """The check in lines for a person to read."""
    source = check.source
    of = f" of {check.of_files:,}, the newest" if check.of_files > check.files else ""
    files = "file" if check.files == 1 else "files"
    refused = check.records - check.good
    yield f"{source.name}: {check.records:,} records of {check.files:,} {files}{of}"
    yield f"{check.good:,} of them fit, {refused:,} would be refused"
    yield ""
    width = max(len(name) for name in source.columns)
    types = max(len(column.expected) for column in check.columns)
    for column in check.columns:
        unfit = f"  {column.unfit:,} do NOT fit: {'; '.join(column.examples)}" if column.unfit else ""
        yield f"  {column.name:<{width}}  {column.expected:<{types}}  {column.filled:>9,} values{unfit}"
    for title, found in (("Does not fit:", check.problems), ("To know:", check.remarks)):
        if found:
            yield ""
            yield title
        for each in found:
            count = f"{each.records:,} x " if each.records else ""
            yield f"  {count}{each.what}{': ' if each.examples else ''}{'; '.join(each.examples)}"
    yield ""
    if check.fits:
        yield f"All of it fits {source.name}."
    else:
        yield f"Not all of it fits {source.name}. Correct its declaration, or ask who sends the files."
