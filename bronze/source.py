"""What a source is: a declaration, checked on import, from which it is read, kept, checked and conformed."""

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from lakehouse.rules import Required, Rule
from lakehouse.tables import Column, ContractError, Privacy, Table
from lakehouse.types import data_type

Format = Literal["csv", "jsonl", "json", "parquet"]

ORDERED = r"(tiny|small|big)?int|decimal|float|double|date|timestamp"

LINEAGE = {
    "_rescued": Column("string", "What the file held that no column declares, as a JSON object.", "personal"),
    "_file": Column("string", "The file, relative to the landing folder."),
    "_position": Column("bigint", "The line of its file; of a JSON document or Parquet, which record. From 1."),
    "_arrived_at": Column("timestamp", "When the file arrived: its modification time."),
    "_load_id": Column("bigint", "The load that brought the row in."),
}

OPTIONS: Mapping[Format, frozenset[str]] = {
    "csv": frozenset({"sep", "quote", "escape", "encoding", "header", "multiline", "null"}),
    "jsonl": frozenset({"encoding"}),
    "json": frozenset({"encoding", "records"}),
    "parquet": frozenset(),
}


@dataclass(frozen=True)
class Field:
    """A column of a source. `path` is where a nested JSON holds it; `pattern` how a text spells a date or timestamp."""

    type: str
    doc: str = ""
    privacy: Privacy = "none"
    path: str | None = None
    pattern: str | None = None
    required: bool = False


@dataclass(frozen=True)
class Feed:
    """Which silver table a source fills, and each of its columns as an expression over the source's columns.

    `where` keeps only the rows that speak of this table.
    """

    to: str
    columns: Mapping[str, str]
    where: str | None = None


@dataclass(frozen=True)
class Source:
    """One raw feed. Its rows land in bronze.<name>; what cannot be read or breaks a rule goes to bronze.quarantine.

    path: the folder below landing, with a glob for the files (`pos/transactions/*.csv`).
    key, newest_by: which rows are versions of one thing, and the column by which the newest is known
        (the arrival of the file, where it is not given or equal).
    fresh_within: how old the newest file may be before the source is reported as stale.
    timezone: of timestamps that do not say their own.
    """

    name: str
    doc: str
    path: str
    format: Format
    columns: Mapping[str, Field]
    key: tuple[str, ...]
    newest_by: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    feeds: tuple[Feed, ...] = ()
    fresh_within: timedelta = timedelta(days=2)
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        problems = []
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            problems.append(f"name: expected snake_case, found {self.name!r}")
        if self.name in ("files", "loads", "quarantine"):
            problems.append(f"name: bronze.{self.name} is the name of a table of bronze's own")
        if "/" not in self.path.lstrip("/"):
            problems.append(f"path: expected a folder and a glob, such as crm/consents/*.csv, found {self.path!r}")
        if self.timezone != "UTC" and not is_known(ZoneInfo, self.timezone):
            problems.append(f"timezone: expected one such as Europe/Berlin, found {self.timezone!r}")
        if self.format not in OPTIONS:
            problems.append(f"format: expected one of {', '.join(OPTIONS)}, found {self.format!r}")
        else:
            problems += problems_of_options(self)
        for named in (*self.key, *([self.newest_by] if self.newest_by else [])):
            if named not in self.columns:
                problems.append(f"key or newest_by names {named}, which is not a column")
        newest_by = self.columns.get(self.newest_by or "")
        if newest_by and not re.match(ORDERED, newest_by.type):
            problems.append(
                f"newest_by: expected a number, date or timestamp, found {self.newest_by}, a {newest_by.type}"
            )
        problems += problems_of_columns(self)
        for rule in self.rules:
            column_of_rule = getattr(rule, "column", None)
            if column_of_rule and column_of_rule not in self.columns:
                problems.append(f"a rule names {column_of_rule}, which is not a column")
        if problems:
            raise ContractError(f"Cannot declare the source {self.name}:\n  " + "\n  ".join(problems))

    @property
    def folder(self) -> str:
        """The path without the glob."""
        return self.path.rsplit("/", 1)[0]

    @property
    def glob(self) -> str:
        return self.path.rsplit("/", 1)[1] or "*"

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        required = tuple(Required(column=name) for name, f in self.columns.items() if f.required or name in self.key)
        return required + self.rules

    @property
    def table(self) -> Table:
        """The bronze table of this source."""
        columns = {name: Column(f.type, f.doc, f.privacy) for name, f in self.columns.items()}
        return Table(
            name=f"bronze.{self.name}",
            doc=self.doc,
            grain="one row per good record of a file, as delivered",
            key=("_file", "_position"),
            columns={**columns, **LINEAGE},
            rules=self.all_rules,
            cluster_by=("_load_id",),
        )


def problems_of_options(source: Source) -> list[str]:
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
    return problems


def is_known(look_up: Callable[[str], object], name: str) -> bool:
    try:
        look_up(name)
    except (LookupError, ValueError):
        return False
    return True


def problems_of_columns(source: Source) -> list[str]:
    problems = []
    is_json = source.format in ("json", "jsonl")
    taken: dict[str, str] = {}
    for name, column in source.columns.items():
        if name.startswith("_"):
            problems.append(f"{name}: names that begin with _ are kept for lineage")
        if re.search(r"[ ,;{}()\n\t=.`]", name):
            problems.append(f"{name}: a table cannot have a column of this name")
        try:
            data_type(column.type)
        except ValueError as error:
            problems.append(f"{name}: {error}")
        if column.pattern and column.type not in ("date", "timestamp"):
            problems.append(f"{name}: a pattern is for a date or a timestamp, not for {column.type}")
        if column.path and not is_json:
            problems.append(f"{name}: a path is for JSON, not for {source.format}")
        path = (column.path or name) if is_json else name.lower()
        for other, where in taken.items():
            if f"{path}.".startswith(f"{where}.") or f"{where}.".startswith(f"{path}."):
                problems.append(f"{name}: is within, or the same as, {other}")
        taken[name] = path
    return problems
