"""What may be wrong with the declaration of a source: all of it is said when it is imported."""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lakehouse.types import data_type

if TYPE_CHECKING:
    from bronze.source import Field, Source

ORDERED = r"(tiny|small|big)?int|decimal|float|double|date|timestamp"
NUMBERS = r"(tiny|small|big)?int|decimal|float|double"

OPTIONS: Mapping[str, frozenset[str]] = {
    "csv": frozenset({"sep", "quote", "escape", "encoding", "header", "multiline", "null"}),
    "jsonl": frozenset({"encoding", "records"}),
    "json": frozenset({"encoding", "records"}),
    "xml": frozenset({"encoding", "row"}),
    "avro": frozenset(),
    "fixed": frozenset({"encoding", "null"}),
    "parquet": frozenset(),
}
ARRIVAL_DAY = "to_date(_arrived_at)"
NESTED = ("json", "jsonl", "xml", "avro")
NESTED_TYPES = ("array", "map", "struct")

# Patterns beside Spark's, and how many digits they have before the point and after it, so that none passes for another.
EPOCHS: Mapping[str, tuple[str, int]] = {"epoch_s": ("1,10", 6), "epoch_ms": ("11,14", 3)}


def problems_of(source: "Source") -> list[str]:
    problems = []
    if not re.fullmatch(r"[a-z][a-z0-9_]*", source.name):
        problems.append(f"name: expected snake_case, found {source.name!r}")
    if source.name in ("files", "loads", "quarantine"):
        problems.append(f"name: bronze.{source.name} is the name of a table of bronze's own")
    if "/" not in source.path.lstrip("/"):
        problems.append(f"path: expected a folder and a glob, such as crm/consents/*.csv, found {source.path!r}")
    if source.timezone != "UTC" and not is_known(ZoneInfo, source.timezone):
        problems.append(f"timezone: expected one such as Europe/Berlin, found {source.timezone!r}")
    if source.format not in OPTIONS:
        problems.append(f"format: expected one of {', '.join(OPTIONS)}, found {source.format!r}")
    else:
        problems += problems_of_options(source)
    for named in (*source.key, *([source.newest_by] if source.newest_by else [])):
        if named not in source.columns:
            problems.append(f"key or newest_by names {named}, which is not a column")
    if source.newest_by:
        problems += problems_of_order(source, "newest_by", source.newest_by)
    problems += problems_of_delivery(source)
    problems += problems_of_columns(source)
    problems += problems_of_new_columns(source)
    for rule in source.rules:
        column_of_rule = getattr(rule, "column", None)
        if column_of_rule and column_of_rule not in source.columns:
            problems.append(f"a rule names {column_of_rule}, which is not a column")
    return problems


def problems_of_order(source: "Source", what: str, name: str) -> list[str]:
    column = source.columns.get(name)
    if column is None or re.match(ORDERED, column.type):
        return []
    return [f"{what}: expected a number, date or timestamp, found {name}, a {column.type}"]


def problems_of_delivery(source: "Source") -> list[str]:
    problems = []
    if source.delivery not in ("append", "snapshot", "changes"):
        problems.append(f"delivery: expected append, snapshot or changes, found {source.delivery!r}")
    if (source.delivery == "changes") != (source.changes is not None):
        problems.append("delivery: 'changes' goes with changes=Changes(operation=..., sequence=...), and only it does")
    if source.delivery != "append" and not source.key:
        problems.append(f"key: a delivery of {source.delivery} needs one")
    if source.delivery != "append" and source.newest_by:
        problems.append(f"newest_by: a delivery of {source.delivery} has an order of its own")
    if source.delivery != "snapshot" and source.snapshot_of != ARRIVAL_DAY:
        problems.append(f"snapshot_of: is for a delivery of snapshot, not of {source.delivery}")
    if source.changes:
        for named in (source.changes.operation, source.changes.sequence):
            if named not in source.columns:
                problems.append(f"changes names {named}, which is not a column")
        problems += problems_of_order(source, "changes", source.changes.sequence)
    return problems


def problems_of_new_columns(source: "Source") -> Iterator[str]:
    if source.new_columns not in ("rescue", "quarantine", "evolve"):
        yield f"new_columns: expected rescue, quarantine or evolve, found {source.new_columns!r}"
    elif source.new_columns != "rescue":
        if not source.names_columns:
            yield f"new_columns: {source.new_columns} is for files that name their columns"
        if source.new_columns == "quarantine" and "[]" in source.options.get("records", ""):
            yield "new_columns: quarantine is not for arrays as rows, as what is new around them is in one row alone"


def problems_of_options(source: "Source") -> list[str]:
    problems = []
    for option, value in source.options.items():
        if option not in OPTIONS[source.format]:
            takes = ", ".join(sorted(OPTIONS[source.format])) or "none"
            problems.append(f"options: {option!r} is not an option of {source.format}; it takes {takes}")
        elif option in ("header", "multiline") and value not in ("true", "false"):
            problems.append(f"options: {option}: expected 'true' or 'false', found {value!r}")
        elif option in ("sep", "quote", "escape") and len(value) != 1 and (option, value) != ("quote", ""):
            problems.append(f"options: {option}: expected one character, found {value!r}")
        elif option == "encoding" and not is_known(codecs.lookup, value):
            problems.append(f"options: encoding: Python knows no {value!r}")
        elif option == "records":
            is_wrong = (source.format == "jsonl" or "[]" in value) and not re.fullmatch(r"([^\[\]]*\[\])+", value)
            if is_wrong or not all(value.split(".")):
                problems.append(f"options: records: expected a path like orders[].lines[], found {value!r}")
    if source.format == "xml" and not source.options.get("row"):
        problems.append("options: row: expected the name of the element of one record, found none")
    return problems


def is_known(look_up: Callable[[str], object], name: str) -> bool:
    try:
        look_up(name)
    except (LookupError, ValueError):
        return False
    return True


def is_no_name(name: str) -> bool:
    """Whether no column of a source can be called so."""
    return name.startswith("_") or bool(re.search(r"[ ,;{}()=.`\x00-\x1f]|^$|.{256}", name))


def problems_of_columns(source: "Source") -> list[str]:
    problems = []
    is_nested = source.format in NESTED
    taken: dict[str, str] = {}
    for name, column in source.columns.items():
        if is_no_name(name):
            kept = "names that begin with _ are kept for lineage"
            problems.append(f"{name}: {kept if name.startswith('_') else 'a table cannot have a column of this name'}")
        try:
            data_type(column.type)
        except ValueError as error:
            problems.append(f"{name}: {error}")
        problems += [f"{name}: {problem}" for problem in problems_of_spelling(column)]
        if column.path and not is_nested:
            problems.append(f"{name}: a path is for nested records, not for {source.format}")
        if source.format == "fixed" and not (column.width or 0) > 0:
            problems.append(f"{name}: expected the width of a fixed-width column, found {column.width}")
        if source.format != "fixed" and column.width:
            problems.append(f"{name}: a width is for fixed, not for {source.format}")
        path = (column.path or name) if is_nested else name.lower()
        if not is_on_the_way(path, source.options.get("records", "")):
            problems.append(f"{name}: {path} goes through an array that is not on the way to records")
        for other, where in taken.items():
            attributes_too = source.columns[other].type.startswith(NESTED_TYPES)
            if is_within(path, where, attributes_too) or is_within(where, path, column.type.startswith(NESTED_TYPES)):
                problems.append(f"{name}: is within, or the same as, {other}")
            elif name.lower() == other.lower():
                problems.append(f"{name}: differs from {other} in case alone")
        taken[name] = path
    return problems


def is_within(path: str, other: str, attributes_too: bool = False) -> bool:
    """Whether a column at `path` would take a part of the one at `other`. Attributes are no part of an element's text.

    >>> is_within("who.id", "who"), is_within("price.@currency", "price"), is_within("lines[].sku", "lines")
    (True, False, True)
    """
    rest = path.removeprefix(other)
    is_attribute = re.fullmatch(r"\.@[^.]+", rest) and not attributes_too
    return rest != path and (rest == "" or rest.startswith(("[]", "."))) and not is_attribute


def is_on_the_way(path: str, records: str) -> bool:
    """Whether each array that the path goes through is one that `records` names.

    >>> is_on_the_way("orders[].id", "orders[].lines[]"), is_on_the_way("notes[].text", "orders[].lines[]")
    (True, False)
    """
    arrays = path[: path.rfind("[]") + 2] if "[]" in path else ""
    return not arrays or f"{records}.".startswith(f"{arrays}.")


def problems_of_spelling(column: "Field") -> Iterator[str]:
    is_number = re.match(NUMBERS, column.type)
    if column.pattern and column.type not in ("date", "timestamp"):
        yield f"a pattern is for a date or a timestamp, not for {column.type}"
    elif column.pattern:
        yield from problems_of_pattern(column.pattern, column.from_year)
    elif column.from_year is not None:
        yield "from_year is for a pattern with a two-digit year"
    if (column.decimal != "." or column.thousands) and not is_number:
        yield f"decimal and thousands are for numbers, not for {column.type}"
    if len(column.decimal) != 1 or len(column.thousands or " ") != 1 or column.decimal == column.thousands:
        yield f"decimal and thousands: expected two characters, found {column.decimal!r} and {column.thousands!r}"
    if column.truth and (column.type != "boolean" or len({*column.truth}) != 2):
        yield f"truth: expected how a boolean spells true and false, found {column.truth!r} for {column.type}"


def problems_of_pattern(pattern: str, from_year: int | None) -> Iterator[str]:
    """What a pattern leaves open is not guessed."""
    if pattern in EPOCHS:
        return
    letters = re.sub(r"'[^']*'", "", pattern)
    if (re.search(r"(?<![yu])[yu]{2}(?![yu])", letters) is None) != (from_year is None):
        yield f"pattern {pattern}: a two-digit year needs from_year, the first of its hundred years, and only it does"
    if re.search("[hK]", letters) and "a" not in letters:
        yield f"pattern {pattern}: hours of half a day need the letter a, for am or pm"
    if unknown := sorted(set(re.findall("[A-Za-z]", letters)) - set("GyMLdDQqEFahKkHmsSVzOXxZ")):
        yield f"pattern {pattern}: Spark knows no {', '.join(unknown)}"
