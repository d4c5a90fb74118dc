"""What a source is: a declaration, checked on import, from which it is read, kept, checked and conformed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from lakehouse.rules import Required, Rule
from lakehouse.tables import Column, ContractError, Privacy, Table
from lakehouse.types import data_type

Format = Literal["csv", "jsonl", "json", "parquet"]

LINEAGE = {
    "_rescued": Column("string", "What the file held that no column declares, as a JSON object.", "personal"),
    "_file": Column("string", "The file, relative to the landing folder."),
    "_position": Column("bigint", "Which record of its file this is, counted from 1."),
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
        if self.format not in OPTIONS:
            problems.append(f"format: expected one of {', '.join(OPTIONS)}, found {self.format!r}")
        else:
            problems += [
                f"options: {option!r} is not an option of {self.format}; it takes "
                f"{', '.join(sorted(OPTIONS[self.format])) or 'none'}"
                for option in self.options
                if option not in OPTIONS[self.format]
            ]
        for named in (*self.key, *([self.newest_by] if self.newest_by else [])):
            if named not in self.columns:
                problems.append(f"key or newest_by names {named}, which is not a column")
        for name, column in self.columns.items():
            if name.startswith("_"):
                problems.append(f"{name}: names that begin with _ are kept for lineage")
            try:
                data_type(column.type)
            except ValueError as error:
                problems.append(f"{name}: {error}")
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
        )
