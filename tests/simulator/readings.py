"""Raw files read as their declaration says, without Spark: what bronze would take, and what it would refuse."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bronze.declaration import NESTED_TYPES
from bronze.read import layout_of
from bronze.records import read_records
from bronze.source import Field, Source
from lakehouse.rules import Between, Matches, OneOf, Required, Rule

Row = dict[str, Any]
LETTERS = (  # of Spark's patterns, as strptime has them
    ("yyyy", "%Y"), ("yy", "%y"), ("MMM", "%b"), ("MM", "%m"), ("M", "%m"), ("dd", "%d"), ("d", "%d"),
    ("HH", "%H"), ("hh", "%I"), ("mm", "%M"), ("ss", "%S"), ("a", "%p"),
)  # fmt: skip
SPARK = dict(LETTERS)
EPOCH = {"epoch_s": r"\d{9,10}", "epoch_ms": r"\d{12,13}"}


def records(path: Path, source: Source) -> Iterator[Row]:
    """Every record, its columns as texts; `_error` says why one cannot be read, `_rescued` what no one declared."""
    if source.format == "parquet":
        for row in pq.read_table(path).to_pylist():
            others = {name: value for name, value in row.items() if name not in source.columns}
            yield row | {"_error": None, "_rescued": json.dumps(others, default=str) if others else None}
        return
    for batch in read_records(str(path), layout_of(source)):
        yield from batch.to_pylist()


def refusals(row: Row, source: Source) -> list[str]:
    """Why bronze would refuse a record."""
    if row["_error"]:
        return [row["_error"]]
    values, problems = {}, []
    for name, column in source.columns.items():
        try:
            values[name] = None if row[name] is None else value(row[name], column)
        except (ValueError, InvalidOperation):
            values[name] = None
            problems.append(f"{name}: {row[name]}")
    if source.new_columns == "quarantine":
        problems += sorted(undeclared(row))
    is_gone = source.changes and row[source.changes.operation] in source.changes.deletes
    for rule in source.all_rules:
        if rule.severity == "error" and not (is_gone and isinstance(rule, Required)) and not holds(rule, values):
            problems.append(rule.name)
    return problems


def value(text: Any, column: Field) -> Any:
    if not isinstance(text, str) or column.type == "string":
        return text
    if column.type.startswith(NESTED_TYPES):
        return json.loads(text)
    if column.type in ("date", "timestamp"):
        return moment(text, column.pattern)
    if column.type == "boolean":
        yes, no = column.truth or ("true", "false")
        if text not in (yes, no):
            raise ValueError(text)
        return text == yes
    groups = rf"\d{{1,3}}({re.escape(column.thousands)}\d{{3}})+|" if column.thousands else ""
    if not re.fullmatch(rf"[+-]?({groups}\d*)({re.escape(column.decimal)}\d+)?", text):
        raise ValueError(text)
    number = Decimal(text.replace(column.thousands or "\0", "").replace(column.decimal, "."))
    if scale := re.match(r"decimal\(\d+,(\d+)\)", column.type):
        places = int(scale[1])
    else:
        places = 0 if column.type.endswith("int") else 99
    if -int(number.as_tuple().exponent) > places:
        raise ValueError(text)
    return number


def moment(text: str, pattern: str | None) -> datetime:
    if pattern in EPOCH:
        if not re.fullmatch(EPOCH[pattern], text):
            raise ValueError(text)
        return datetime.fromtimestamp(int(text) / (1000 if pattern == "epoch_ms" else 1))
    if not pattern:
        return datetime.fromisoformat(text)
    spelled = re.sub("|".join(letters for letters, _ in LETTERS), lambda found: SPARK[found[0]], pattern)
    return datetime.strptime(text, spelled)


def holds(rule: Rule, values: Mapping[str, Any]) -> bool:
    """As in SQL: a rule about a value that is not there is kept, unless it is about that."""
    found = values.get(getattr(rule, "column", ""))
    if isinstance(rule, Required):
        return found is not None
    if found is None:
        return True
    if isinstance(rule, Between):
        return (rule.low is None or found >= rule.low) and (rule.high is None or found <= rule.high)
    if isinstance(rule, OneOf):
        return found in rule.values
    if isinstance(rule, Matches):
        return re.fullmatch(rule.pattern, found) is not None
    return True


def undeclared(row: Row) -> set[str]:
    """The names of what no one declared, whatever it is within."""
    names: set[str] = set()
    with suppress(TypeError):
        names = set(leaves(json.loads(row["_rescued"])))
    return names


def leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, inner in tree.items():
        if isinstance(inner, Mapping):
            yield from leaves(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}"
