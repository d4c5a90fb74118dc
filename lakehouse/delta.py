"""Every read and write of the lakehouse's tables. No other module touches storage."""

import hashlib
import json
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import pyarrow as pa
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from lakehouse.files import Files, files_of
from lakehouse.history import DECLARED, Commit, commits_of, declaration_of, entries_in, entries_told, touches
from lakehouse.rules import Rule, quoted
from lakehouse.session import FEW_ROWS, NOT_COMPILED
from lakehouse.settings import Settings
from lakehouse.tables import ContractError, Table, conform, widens
from lakehouse.types import data_type

LAYERS = ("lakehouse", "bronze", "silver", "gold", "ml")
METADATA = "spark.databricks.delta.commitInfo.userMetadata"

# Tables and schemas that are being made, one maker at a time: only one process has a local catalog open.
MAKING: defaultdict[str, Lock] = defaultdict(Lock)

# What is added to local tables once, one at a time of each table and writer: all who write are in this process.
ADDING: defaultdict[tuple[str, str], Lock] = defaultdict(Lock)

# Tables whose rows are being replaced or merged, one writer at a time: two would be each other's conflict, or, where
# both find nothing that is to go, would both add their rows.
REPLACING: defaultdict[str, Lock] = defaultdict(Lock)

# Delta takes what a merge notes from the session alone.
MERGING = Lock()

NOT_EMPTY = "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION"

# How Delta says that a row breaks the CHECK or a NOT NULL, and it and `held_to` that one does not meet a condition.
UNMET = "expected rows that meet"
REFUSED = ("DELTA_VIOLATE_CONSTRAINT", "DELTA_NOT_NULL_CONSTRAINT", "DELTA_REPLACE_WHERE_MISMATCH", UNMET)
OF_CONDITION = re.compile(rf"(?:{UNMET} (.*?), found another|overwrite condition or constraint '(.*?)'\.)", re.DOTALL)

# How Delta says that another has just added rows of the same writer and number, or a column.
AT_ONCE = (
    "DELTA_CONCURRENT_TRANSACTION",
    "ConcurrentTransactionException",
    "DELTA_METADATA_CHANGED",
    "MetadataChangedException",
)

ATTEMPTS = 3


@dataclass(frozen=True)
class Appended:
    """What became of rows that were to be added once: how many there are, and whether an earlier attempt added them."""

    rows: int
    is_repeat: bool


class OvertakenError(Exception):
    """Rows that were not added, since their writer has added those of a higher number."""


@dataclass(frozen=True)
class Lakehouse:
    """The tables of one catalog. Tables are made on their first write, from their declaration."""

    spark: SparkSession
    settings: Settings
    known: dict[str, list[Commit]] = field(default_factory=dict, compare=False)  # history, until a table is written
    made: set[str] = field(default_factory=set, compare=False)  # schemas, and fingerprints of tables, that are there
    found: set[str] = field(default_factory=set, compare=False)  # tables that were there when their schema was listed
    listed: set[str] = field(default_factory=set, compare=False)  # such schemas
    reads_files: bool = False  # of young local tables, without Delta's plan of a scan

    @cached_property
    def for_few_rows(self) -> "Lakehouse":
        """The same tables, in a session for loads of a few thousand rows."""
        return self.in_session_with({**FEW_ROWS, **NOT_COMPILED})

    @cached_property
    def for_some_rows(self) -> "Lakehouse":
        """The same tables, in a session for some hundred thousand rows or a few millions."""
        cores = self.spark.sparkContext.defaultParallelism
        return self.in_session_with({**FEW_ROWS, "spark.sql.shuffle.partitions": str(max(2, cores))})

    def in_session_with(self, settings: Mapping[str, str]) -> "Lakehouse":
        """Databricks' engine sees to few rows by itself."""
        if self.settings.target == "databricks":
            return self
        session = self.spark.newSession()
        for name, value in settings.items():
            session.conf.set(name, value)
        return replace(self, spark=session, reads_files=self.is_local)

    def in_few_tasks(self, df: DataFrame) -> DataFrame:
        """The same rows, by two tasks a core where they are no more than some millions: each task takes apart the whole
        plan of its stage, and that of dozens of tables takes longer than the rows of one."""
        return df.coalesce(2 * self.spark.sparkContext.defaultParallelism) if self.reads_files else df

    # Reading

    def read(self, table: Table, *, version: int | None = None, at: datetime | None = None) -> DataFrame:
        """The table now, at a version, or at a time. A table that nobody has written yet is empty."""
        name = self.settings.table(table.name)
        if not self.exists(table):
            return self.spark.createDataFrame([], table.schema)
        if self.reads_files and version is None and at is None and (young := self.young(table.name)):
            return self.in_files(young)
        if version is not None:
            return self.spark.read.option("versionAsOf", version).table(name)
        if at is not None:
            return self.spark.read.option("timestampAsOf", at.isoformat(sep=" ")).table(name)
        return self.spark.table(name)

    def is_without(self, table: Table, where: str | None) -> bool:
        """Whether a young table is known to hold no row that meets the condition, or none at all. Delta takes a second
        to find what of a table is to go, and then finds nothing."""
        young = self.young(table.name)
        if young is None:
            return False
        if not young.paths:
            return True
        if not where or not self.reads_files:
            return False
        return self.in_files(young).where(where).isEmpty()

    def in_files(self, young: Files) -> DataFrame:
        if not young.paths:
            return self.spark.createDataFrame([], young.schema)
        return self.spark.read.schema(young.schema).parquet(*young.paths)

    def counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows the tables of these names have."""
        young = {name: self.young(name) for name in names}
        known = {name: files.rows for name, files in young.items() if files and files.rows is not None}
        others = [name for name in names if name not in known]
        spelled = (self.settings.table(name.replace(".", ".`", 1)) + "`" for name in others)  # of others' tables, too
        asked = [f"(SELECT count(*) FROM {table}) AS c{at}" for at, table in enumerate(spelled)]
        if asked:
            known |= dict(zip(others, self.spark.sql(f"SELECT {', '.join(asked)}").collect()[0], strict=True))
        return {name: known[name] for name in names}

    def rows(self, rows: Sequence[Mapping[str, Any]], table: Table) -> DataFrame:
        """A few rows for a table, by column: through Arrow they take no job of Spark's."""
        for row in rows:
            if set(row) != set(table.columns):
                raise ContractError(
                    f"Cannot make rows of {table.name}: expected the columns {', '.join(table.columns)}, "
                    f"found {', '.join(row)}.\nCorrect what makes them."
                )
        content = pa.Table.from_pylist(list(rows), to_arrow_schema(table.schema))
        return self.spark.createDataFrame(content).coalesce(1)

    def exists(self, table: Table) -> bool:
        """Of a local catalog all tables of a schema are listed once: to ask for each takes as long as a small write."""
        name = self.settings.table(table.name)
        if table.fingerprint in self.made or name in self.found:
            return True
        if self.is_local and table.layer not in self.listed:
            self.listed.add(table.layer)
            if self.spark.catalog.databaseExists(table.layer):
                rows = self.spark.sql(f"SHOW TABLES IN {table.layer}").collect()
                self.found.update(f"{row.namespace}.{row.tableName}" for row in rows)
            return self.exists(table)
        return bool(self.spark.catalog.tableExists(name))

    def commits(self, table: Table) -> list[Commit]:
        """The commits of writers, newest first: those of the last 200 commits, or all if none of these changed rows."""
        if table.name not in self.known:
            newest = self.commits_in_log(table, 200)
            is_all = not newest or any(commit.is_change for commit in newest)
            self.known[table.name] = newest if is_all else self.commits_in_log(table)
        return self.known[table.name]

    def commits_in_log(self, table: Table, most: int | None = None) -> list[Commit]:
        if self.is_local and (log := self.folder(table) / "_delta_log").is_dir():
            return commits_of(entries_in(log, most))
        if not self.exists(table):
            return []
        return commits_of(entries_told(DeltaTable.forName(self.spark, self.settings.table(table.name)), most))

    @property
    def is_local(self) -> bool:
        """Whether tables are folders of this machine, in Spark's own catalog."""
        return self.settings.target == "local" and not self.settings.catalog

    def young(self, name: str) -> Files | None:
        """What the log of a local table says, as long as it is short: Delta takes a second to tell as much."""
        return files_of(self.folder_of(name)) if self.is_local else None

    def place(self, table: Table) -> str:
        """By which threads of this process know the table."""
        return f"{self.settings.warehouse_dir}/{table.name}"

    def folder(self, table: Table) -> Path:
        return self.folder_of(table.name)

    def folder_of(self, name: str) -> Path:
        """Where the local catalog keeps the table of this name: in the folder that the session began with."""
        layer, name = name.split(".")
        warehouse = re.sub("^file:/+", "/", str(self.spark.conf.get("spark.sql.warehouse.dir")))
        return Path(warehouse) / f"{layer}.db" / name

    def version(self, table: Table, days: Iterable[date] = ()) -> int:
        """The newest version that changed rows, of these days if any are given; -1 where nothing has been written."""
        wanted = {str(day) for day in days}
        return next((each.version for each in self.commits(table) if each.is_change and touches(each, wanted)), -1)

    def newest_note(self, table: Table) -> Mapping[str, Any]:
        """What the newest commit of a writer noted; nothing where there is none."""
        return next((commit.note for commit in self.commits(table)), {})

    # Writing

    def create(self, table: Table) -> bool:
        """Make the table, or add the columns that its declaration has gained. Never drops or retypes one: a column that
        is there with a type which cannot hold the declared one is a ContractError. True when it was not there."""
        if table.fingerprint in self.made:
            return False
        with MAKING[self.place(table)]:
            if table.fingerprint in self.made:  # meanwhile
                return False
            is_new = self.made_or_widened(table)
            self.made.add(table.fingerprint)
        return is_new

    def made_or_widened(self, table: Table) -> bool:
        name = self.settings.table(table.name)
        if self.exists(table):
            if self.is_local and declaration_of(self.folder(table) / "_delta_log") == table.fingerprint:
                return False  # Spark would take as long to tell its columns as for a small write
            there = {each.name.lower(): each for each in self.spark.table(name).schema.fields}
            refuse_other_types(table, there)
            missing = [column for column in table.columns if column.lower() not in there]
            if missing:
                self.spark.sql(f"ALTER TABLE {name} ADD COLUMNS ({column_ddl(table, missing)})")
            for column in table.columns:
                about = described(table, column)
                if column not in missing and there[column.lower()].metadata.get("comment") != about:
                    self.spark.sql(f"ALTER TABLE {name} ALTER COLUMN `{column}` COMMENT {quoted(about)}")
            return False
        schema = self.settings.table(table.layer)
        with MAKING[schema]:  # Hive prints a stack trace where two make one schema at once
            if schema not in self.made:
                self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                self.made.add(schema)
        cluster = f" CLUSTER BY ({', '.join(table.cluster_by)})" if table.cluster_by else ""
        # What a table was built from stands in its commits: they must outlive the longest pause between two builds.
        properties = {"delta.logRetentionDuration": "interval 400 days", DECLARED: table.fingerprint}
        if self.settings.target == "databricks":
            # Without Databricks' own planner, each step of a plan lists the files of every such table beneath it anew.
            properties["delta.enableDeletionVectors"] = "true"
        if skip_by := table.cluster_by or table.key:  # statistics of all columns would cost more than the write
            properties["delta.dataSkippingStatsColumns"] = ",".join(skip_by)
        if contract := contract_of(table):  # as ALTER TABLE ADD CONSTRAINT would note it, without its commit
            properties["delta.constraints.contract"] = contract
        spelled = ", ".join(f"{quoted(key)} = {quoted(value)}" for key, value in properties.items())
        about = quoted(f"{table.doc} Grain: {table.grain}.")
        make = (
            f"CREATE TABLE IF NOT EXISTS {name} ({column_ddl(table, table.columns)}) USING DELTA"
            f"{cluster} COMMENT {about} TBLPROPERTIES ({spelled})"
        )
        try:
            self.spark.sql(make)
        except PySparkException as error:
            if NOT_EMPTY not in str(error) or not self.removed_unfinished(table):
                raise
            self.spark.sql(make)
        return True

    def removed_unfinished(self, table: Table) -> bool:
        """Remove what a kill while a local table was being made has left: a folder that the catalog does not know, with
        no commit after the one that makes the table. Whoever makes it now in this process holds its lock."""
        folder = self.folder(table)
        commits = [int(path.stem) for path in folder.glob("_delta_log/[0-9]*.json")]
        is_unfinished = self.is_local and max(commits, default=0) == 0
        if is_unfinished:
            shutil.rmtree(folder)
        return is_unfinished

    def append(self, df: DataFrame, table: Table, *, writer: str, number: int) -> Appended:
        """Add rows once: a repeat of the same `writer` and `number` (which only grows) changes nothing, also one that
        runs at the same time."""
        note = {"writer": writer, "number": number, "attempt": uuid4().hex}
        for _ in range(ATTEMPTS):
            is_disturbed = False
            try:
                with self.ready(table, df), self.once(table, writer, number) as options:
                    if options is not None:
                        to = conform(df, table).writeTo(self.settings.table(table.name))
                        to.options(**options, userMetadata=noted(note, table)).append()
                        if not options and not self.commit_of(table, writer, number):
                            self.commit_nothing(table, note, writer, number)
            except (PySparkException, Py4JJavaError) as error:
                is_disturbed = any(each in str(error) for each in AT_ONCE)
                if not is_disturbed:
                    raise
                self.known.pop(table.name, None)
            if commit := self.commit_of(table, writer, number):
                return Appended(commit.rows, commit.note.get("attempt") != note["attempt"])
            if not is_disturbed:  # otherwise its writer added those of another number at that moment
                break
        raise OvertakenError(
            f"Cannot add rows to {table.name}: expected number {number} to be the next of '{writer}', "
            "found a higher one that was added before.\nRun again what plans them."
        )

    def add(self, df: DataFrame, table: Table) -> None:
        """Add rows, each time that it is called."""
        with self.ready(table, df):
            conform(df, table).writeTo(self.settings.table(table.name)).append()

    @contextmanager
    def once(self, table: Table, writer: str, number: int) -> Iterator[Mapping[str, str] | None]:
        """Around an append: the options with which Delta adds its rows once; None where its writer has added them, or
        those of a higher number. Delta finds a number by a job of Spark's that takes longer than a few rows do; of a
        local table the log tells it."""
        if not self.is_local:
            yield {"txnAppId": writer, "txnVersion": str(number)}
            return
        with ADDING[self.place(table), writer]:
            newest = next(self.commits_by(table, writer), None)
            yield {} if newest is None or newest.note["number"] < number else None

    def commit_of(self, table: Table, writer: str, number: int) -> Commit | None:
        """The commit that added the rows of this number; those of its writer only grow."""
        not_above = (commit for commit in self.commits_by(table, writer) if commit.note["number"] <= number)
        newest = next(not_above, None)
        return newest if newest and newest.note["number"] == number else None

    def commits_by(self, table: Table, writer: str) -> Iterator[Commit]:
        """The commits that added rows of this writer, newest first."""
        seen = 0
        for most in (10, 200, None):
            mine = [each for each in self.commits_in_log(table, most) if each.note.get("writer") == writer]
            yield from mine[seen:]
            seen = len(mine)

    def replace(
        self, df: DataFrame, table: Table, *, where: str | None = None, note: Mapping[str, Any] | None = None
    ) -> None:
        """Put `df` in place of the rows that meet `where`, or of all, in one commit."""
        with self.ready(table, df), REPLACING[self.place(table)]:
            name, rows = self.settings.table(table.name), conform(df, table)
            options = {"userMetadata": noted(note, table)}
            if self.is_without(table, where):
                held_to(rows, table, where).writeTo(name).options(**options).append()
            else:
                rows.writeTo(name).options(**options).overwrite(F.expr(where or "true"))
            if table.cluster_by:
                self.cluster(table)  # Delta forgets it when it replaces all rows
        self.see_to_note(table, note)

    def merge(
        self,
        df: DataFrame,
        table: Table,
        *,
        gone: DataFrame | None = None,
        note: Mapping[str, Any] | None = None,
    ) -> None:
        """Update the rows whose key is in `df` and that differ, add the new ones, delete those whose key is in `gone`,
        in one commit. Where nothing is new, an empty commit holds the note."""
        rows = conform(df, table).withColumn("_gone", F.lit(False))
        if gone is not None:
            keys = gone.select(*table.key).withColumn("_gone", F.lit(True))
            rows = rows.unionByName(keys, allowMissingColumns=True)
        same_key = " AND ".join(f"now.`{column}` <=> new.`{column}`" for column in table.key)
        others = [column for column in table.columns if column not in table.key]
        differs = " OR ".join(f"NOT (now.`{column}` <=> new.`{column}`)" for column in others) or "false"
        columns: dict[str, str | Column] = {f"`{column}`": f"new.`{column}`" for column in table.columns}
        with self.ready(table, df), REPLACING[self.place(table)], MERGING:
            self.spark.conf.set(METADATA, noted(note, table))
            try:
                (
                    DeltaTable.forName(self.spark, self.settings.table(table.name))
                    .alias("now")
                    .merge(rows.alias("new"), same_key)
                    .whenMatchedDelete(condition="new._gone")
                    .whenMatchedUpdate(condition=differs, set=columns)
                    .whenNotMatchedInsert(condition="NOT new._gone", values=columns)
                    .execute()
                )
            finally:
                self.spark.conf.unset(METADATA)
        self.see_to_note(table, note)

    def see_to_note(self, table: Table, note: Mapping[str, Any] | None) -> None:
        """Where a write changed nothing, Delta made no commit that could hold the note: make an empty one, which Delta
        does only for the sake of a transaction's number."""
        if not note or self.newest_note(table) == note:
            return
        with self.ready(table):
            self.commit_nothing(table, note, "note", time.time_ns())

    def commit_nothing(self, table: Table, note: Mapping[str, Any], writer: str, number: int) -> None:
        """A commit without rows, which Delta makes only for the sake of a number."""
        to = self.spark.createDataFrame([], table.schema).writeTo(self.settings.table(table.name))
        to.options(txnAppId=writer, txnVersion=str(number), userMetadata=noted(note, table)).append()

    @contextmanager
    def ready(self, table: Table, df: DataFrame | None = None) -> Iterator[None]:
        """Around a write: the table is there, and rows that it refuses are a ContractError. A contract that the
        declaration has changed is held against the rows after the write, since that may be what puts them right."""
        self.create(table)
        name, contract = self.settings.table(table.name), contract_of(table)
        is_changed = without_spaces(self.contract(table)) != without_spaces(contract)
        if is_changed:
            self.spark.sql(f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS contract")
        self.known.pop(table.name, None)
        try:
            yield
        except (PySparkException, Py4JJavaError) as error:
            self.made.difference_update({table.fingerprint, self.settings.table(table.layer)})  # they may be dropped
            self.found.discard(name)
            is_refused = any(each in str(error) for each in REFUSED)
            if df is not None and is_refused and (why := refusal(df, table) or unmet(str(error), table)):
                raise ContractError(why) from error
            raise
        self.known.pop(table.name, None)
        if is_changed and contract:
            self.spark.sql(f"ALTER TABLE {name} ADD CONSTRAINT contract CHECK ({contract})")

    def contract(self, table: Table) -> str | None:
        """The CHECK that the table holds its rows to, in Delta's spacing."""
        if table.layer == "bronze":
            return None
        if young := self.young(table.name):
            return young.properties.get("delta.constraints.contract")
        properties = self.spark.sql(f"SHOW TBLPROPERTIES {self.settings.table(table.name)}").collect()
        return next((row.value for row in properties if row.key == "delta.constraints.contract"), None)

    def refresh(
        self, table: Table, build: Callable[[], DataFrame], *, inputs: Iterable[Table], **arguments: Any
    ) -> bool:
        """Rebuild the table, unless these versions of `inputs`, these arguments and this code already made it. True
        when it was written."""
        origin = self.origin(table, inputs, arguments)
        if self.newest_note(table).get("built_from") == origin:
            return False
        self.replace(build(), table, note={"built_from": origin})
        return True

    def refresh_days(
        self,
        table: Table,
        build: Callable[[Sequence[date]], DataFrame],
        days: Sequence[date],
        *,
        inputs: Iterable[Table],
        **arguments: Any,
    ) -> list[date]:
        """Rebuild those days of a table (its column `as_of`) that are not made of these versions of `inputs`, these
        arguments and this code, in one commit. Returns the days that were written."""
        origin = self.origin(table, inputs, arguments)
        stale = [day for day in days if self.built_from(table, day) != origin]
        if stale:
            note = {"built_from": {str(day): origin for day in stale}}
            self.replace(build(stale), table, where=of_days(stale), note=note)
        return stale

    def built_from(self, table: Table, day: date) -> str | None:
        """What the newest commit that wrote this day of a table, or all of it, says that it was built from."""
        for commit in self.commits(table):
            origins = commit.note.get("built_from")
            if not isinstance(origins, dict):
                return None
            if str(day) in origins:
                return str(origins[str(day)])
        return None

    def origin(self, table: Table, inputs: Iterable[Table], arguments: Mapping[str, Any]) -> str:
        """A digest of all that a build depends on."""
        parts = {
            "table": table.fingerprint,
            "inputs": {each.name: self.version(each) for each in inputs},
            "arguments": {name: str(value) for name, value in arguments.items()},
            "code": code_version(table.layer),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    # Keeping

    def optimize(self, table: Table) -> None:
        """Compact small files, and cluster by the declared columns."""
        self.cluster(table)
        DeltaTable.forName(self.spark, self.settings.table(table.name)).optimize().executeCompaction()

    def cluster(self, table: Table) -> None:
        """Let the table be clustered as its declaration says."""
        name = self.settings.table(table.name)
        if young := self.young(table.name):
            now = young.clustered_by
        else:
            now = tuple(DeltaTable.forName(self.spark, name).detail().collect()[0].clusteringColumns or ())
        if now != table.cluster_by:
            columns = f"({', '.join(table.cluster_by)})" if table.cluster_by else "NONE"
            self.spark.sql(f"ALTER TABLE {name} CLUSTER BY {columns}")

    def vacuum(self, table: Table, hours: float = 168) -> None:
        """Delete the files that no version of the last `hours` needs."""
        DeltaTable.forName(self.spark, self.settings.table(table.name)).vacuum(hours)


def held_to(rows: DataFrame, table: Table, where: str | None) -> DataFrame:
    """The rows, of which one that does not meet the condition is an error, as where Delta replaces others by them."""
    if not where:
        return rows
    refused = f"{UNMET} {where}, found another."
    is_somewhere = F.spark_partition_id() >= 0  # always; without it Spark asks rows that a join is yet to drop
    return rows.where(F.assert_true(F.expr(where) & is_somewhere, refused).isNull())


def unmet(error: str, table: Table) -> str | None:
    """Which condition rows do not meet whose rows they are to replace, as an error of Spark's tells it."""
    said = OF_CONDITION.search(error)
    if said is None:
        return None
    told = f"{UNMET} {(said[1] or said[2])[:200]}, found another."
    return f"Cannot write {table.name} ({table.grain}): {told}\nCorrect the transformation."


def noted(note: Mapping[str, Any] | None, table: Table) -> str:
    """What a commit says: a writer's note, and by which declaration it wrote."""
    return json.dumps({**(note or {}), DECLARED: table.fingerprint})


def column_ddl(table: Table, names: Iterable[str]) -> str:
    """Columns with types and comments; key columns NOT NULL."""
    return ", ".join(
        f"`{name}` {table.columns[name].type}{' NOT NULL' if name in table.key else ''}"
        f" COMMENT {quoted(described(table, name))}"
        for name in names
    )


def refuse_other_types(table: Table, there: Mapping[str, T.StructField]) -> None:
    """Delta would cast what is written to the type that a column has, and say nothing."""
    problems = [
        f"{name}: declared {column.type}, the table has {found.dataType.simpleString()}"
        for name, column in table.columns.items()
        if (found := there.get(name.lower())) and not widens(data_type(column.type), found.dataType)
    ]
    if problems:
        raise ContractError(
            f"Cannot write {table.name} ({table.grain}):\n  "
            + "\n  ".join(problems)
            + "\nDeclare the type that the table has, and cast it where it is read, as in a source's feeds. A table "
            "that is built from others can be dropped instead: it is built again."
        )


def described(table: Table, name: str) -> str:
    """A column's meaning, with its privacy class where it has one."""
    column = table.columns[name]
    return column.doc if column.privacy == "none" else f"{column.doc} [{column.privacy}]"


def contract_of(table: Table) -> str | None:
    """All declared `error` rules as one CHECK. Bronze has none: its rules send rows to quarantine instead."""
    if table.layer == "bronze":
        return None
    return " AND ".join(met(rule) for rule in table.rules if rule.severity == "error") or None


def met(rule: Rule) -> str:
    """The rule's condition, with no value counted as good."""
    return f"coalesce(({rule.sql}), true)"


def refusal(df: DataFrame, table: Table) -> str | None:
    """Which rules the rows break, and how many do; no values, which may be personal."""
    rules = {rule.name: rule for rule in table.all_rules if rule.severity == "error"}.values()
    counts = [F.count_if(~F.expr(met(rule))).alias(str(number)) for number, rule in enumerate(rules)]
    rows, *broken = df.agg(F.count("*"), *counts).collect()[0]
    told = [f"{rule.name}: {number:,} of {rows:,} rows" for rule, number in zip(rules, broken, strict=True) if number]
    if not told:
        return None
    return (
        f"Cannot write {table.name} ({table.grain}):\n  "
        + "\n  ".join(told)
        + f"\nCorrect the transformation, or change the rules of {table.name}."
    )


def without_spaces(sql: str | None) -> str:
    return "".join((sql or "").split())


def of_days(days: Iterable[date]) -> str:
    """The condition that rows of these days meet."""
    return " OR ".join(f"as_of = DATE'{day}'" for day in days)


@cache
def code_version(layer: str) -> str:
    """A digest of the code of a layer and of those before it: a table that older code built is built again."""
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for each in LAYERS[: LAYERS.index(layer) + 1]:
        for path in sorted((root / each).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
