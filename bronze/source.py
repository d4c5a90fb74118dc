"""What a source is: a declaration, checked on import, from which it is read, kept, checked and conformed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatch
from typing import Literal

from bronze.declaration import ARRIVAL_DAY, problems_of
from lakehouse.rules import OneOf, Required, Rule
from lakehouse.tables import Column, ContractError, Privacy, Table

Format = Literal["csv", "jsonl", "json", "xml", "avro", "fixed", "parquet"]
Delivery = Literal["append", "snapshot", "changes"]
NewColumns = Literal["rescue", "quarantine", "evolve"]

LINEAGE = {
    "_rescued": Column("string", "What the file held that no column declares, as a JSON object.", "personal"),
    "_file": Column("string", "The file, relative to the landing folder."),
    "_position": Column("bigint", "The line of its file; where records are no lines, which of them it is. From 1."),
    "_arrived_at": Column("timestamp", "When the file arrived: its modification time."),
    "_load_id": Column("bigint", "The load that brought the row in: with `_file`, the version in bronze.files."),
}


@dataclass(frozen=True)
class Field:
    """A column of a source, and how its texts are spelled where that is not plain.

    path: where a nested record holds it: `customer.id`; in XML `customer.@id` is an attribute; where the option
        `records` names arrays, `orders[].lines[].sku`.
    pattern: of a date or timestamp: Spark's (`dd.MM.yyyy HH:mm`), `epoch_s` or `epoch_ms`.
    from_year: the first of the hundred years that a two-digit year in the pattern is of.
    width: characters of a fixed-width column; columns are declared in the order of the file.
    decimal, thousands: what sets off the decimals, and what may group the digits before them.
    truth: how true and false are spelled, if not `true` and `false`.
    """

    type: str
    doc: str = ""
    privacy: Privacy = "none"
    path: str | None = None
    pattern: str | None = None
    required: bool = False
    from_year: int | None = None
    width: int | None = None
    decimal: str = "."
    thousands: str | None = None
    truth: tuple[str, str] | None = None


@dataclass(frozen=True)
class Undeclared(Field):
    """A column of a table that no one declared: whatever files have of its name, as text."""


@dataclass(frozen=True)
class Feed:
    """Which silver table a source fills, and each of its columns as an expression over the source's columns.

    `where` keeps only the rows that speak of this table.
    """

    to: str
    columns: Mapping[str, str]
    where: str | None = None


@dataclass(frozen=True)
class Changes:
    """How a change log says what became of a row.

    operation: the column that names it; `deletes` are those after which the row is gone. Their rows need only a key.
    sequence: the column that numbers the changes of a key: the highest holds, whenever it arrives.
    """

    operation: str
    sequence: str
    deletes: tuple[str, ...] = ("D",)

    @property
    def is_delete(self) -> str:
        """The condition that a row meets after which there is none, in SQL."""
        return OneOf(column=self.operation, values=self.deletes).sql


@dataclass(frozen=True)
class Source:
    """One raw feed. Its rows land in bronze.<name>; what cannot be read or breaks a rule goes to bronze.quarantine.

    path: the folder below landing, with a glob for the files (`pos/transactions/*.csv`).
    key, newest_by: which rows are versions of one thing, and the column by which the newest is known
        (the arrival of the file, where it is not given or equal).
    fresh_within: how old the newest file may be before the source is reported as stale.
    timezone: of timestamps that do not say their own.
    delivery: append: each file adds rows, and newer versions of rows. snapshot: the files of one day are all that
        there is, and what the newest lacks is gone. changes: rows tell what was changed, as `changes` says.
    snapshot_of: the day (or the moment) that a row's snapshot is of, in SQL over its columns, `_file` and
        `_arrived_at`: a snapshot that comes late is known by it.
    new_columns: what becomes of columns that files have and no one declared. rescue: they are kept in `_rescued`.
        quarantine: a record that has one is refused. evolve: they become columns of the table, as text.
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
    delivery: Delivery = "append"
    changes: Changes | None = None
    snapshot_of: str = ARRIVAL_DAY
    new_columns: NewColumns = "rescue"

    def __post_init__(self) -> None:
        if problems := problems_of(self):
            raise ContractError(f"Cannot declare the source {self.name}:\n  " + "\n  ".join(problems))

    @property
    def folder(self) -> str:
        """The path without the glob."""
        return self.path.rsplit("/", 1)[0]

    @property
    def glob(self) -> str:
        return self.path.rsplit("/", 1)[1] or "*"

    @property
    def names_columns(self) -> bool:
        """Whether its files name their columns, so that one which no one declared is known."""
        return self.format != "fixed" and self.options.get("header") != "false"

    def claims(self, file: str) -> bool:
        """Whether a file of the landing folder is one of its files."""
        return fnmatch(file, f"{self.folder}/{self.glob}")

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        always = {*self.key, *((self.changes.operation, self.changes.sequence) if self.changes else ())}
        unless = self.changes.is_delete if self.changes else None
        required = tuple(
            Required(column=name, unless=None if name in always else unless)
            for name, f in self.columns.items()
            if f.required or name in always
        )
        return required + self.rules

    @property
    def table(self) -> Table:
        """The bronze table of this source."""
        columns = {name: Column(f.type, f.doc, f.privacy) for name, f in self.columns.items()}
        return Table(
            name=f"bronze.{self.name}",
            doc=self.doc,
            grain="one row per good record of a version of a file, as delivered",
            key=("_file", "_position", "_load_id"),
            columns={**columns, **LINEAGE},
            rules=self.all_rules,
            cluster_by=("_load_id",),
        )
