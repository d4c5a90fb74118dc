"""Which load takes in which file. It is noted in `bronze.files` before anything is read, and then fixed.

A content lands once: under the same name again, or under another, it is noted and does not land. A file that is written
again is a new version of itself, and lands whole. A snapshot is the state of its day, so that there only a file which
says the same as its own version before lands no more.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from bronze.landing import CHANGED, DELETED, Found, hashed
from bronze.ledger import FILES, LOADS, QUARANTINE
from bronze.records.content import is_local
from bronze.shares import Arrival
from bronze.source import Source
from lakehouse.delta import Lakehouse
from lakehouse.tables import ContractError


@dataclass(frozen=True)
class Load:
    """Files of one source that land together."""

    source: Source
    load_id: int
    arrivals: Sequence[Arrival]


class Noted(NamedTuple):
    """A row of bronze.files; `modified` is when it arrived, in milliseconds since 1970."""

    file: str
    version: int
    source: str | None
    bytes: int
    content_hash: str | None
    arrived_at: datetime
    load_id: int
    same_as: str | None
    modified: int


@dataclass
class Known:
    """What bronze.files says: of each file its newest version, of each source and content the file and load that
    brought it first, and which files are to be planned again."""

    newest: dict[str, Noted] = field(default_factory=dict)
    brought: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    again: dict[str, Noted] = field(default_factory=dict)
    last_load: int = -1

    def add(self, row: Noted) -> None:
        before = self.newest.get(row.file)
        if before is None or before.version < row.version:
            self.newest[row.file] = row
            self.again.pop(row.file, None)
            is_brought = row.same_as is None or (row.source, row.content_hash) in self.brought
            if row.content_hash is None or not is_brought:
                self.again[row.file] = row  # it was not read, or the one that was to bring its content was not
        if row.source and row.content_hash and row.same_as is None:
            self.brought.setdefault((row.source, row.content_hash), (row.file, row.load_id))
        self.last_load = max(self.last_load, row.load_id)

    def has(self, found: Found) -> bool:
        """Whether its newest version is this one, and was read or is to be."""
        newest = self.newest.get(found.file)
        if newest is None or newest.content_hash is None:
            return False
        return (newest.bytes, newest.modified) == (found.bytes, found.modified)

    def same_as(self, found: Found, source: Source | None, content: str | None) -> str | None:
        """The file that brought this content before, if that is reason enough not to land it."""
        if source is None or content is None:
            return None
        newest = self.newest.get(found.file)
        if source.delivery == "snapshot":
            is_again = newest is not None and newest.source == source.name and newest.content_hash == content
            return found.file if is_again else None
        file, _ = self.brought.get((source.name, content), (None, 0))
        return file


class Ledger:
    """bronze.files as this run knows it: read once, then added to. `is_new` says that nothing has been noted yet."""

    def __init__(self, lake: Lakehouse, sources: Sequence[Source], *, is_new: bool = False) -> None:
        self.lake, self.sources = lake.for_few_rows, {source.name: source for source in sources}
        self.of_folder = by_first_folder(sources)
        self.rows: list[Noted] = []
        self.unread: set[tuple[str, int]] = set()
        self.unreadable: dict[str, str] = {}  # files that could not be opened when they were last planned, and why
        self.known = Known()
        if not is_new:
            self.learn()

    def learn(self) -> None:
        """Read what was noted since. A file that was changed or gone before it was read has not brought its content."""
        not_read = is_not_read(F.col("position"), F.col("reasons"))
        refused = self.lake.read(QUARANTINE).where(not_read).select("file", "load_id")
        unread = {(row.file, row.load_id) for row in refused.collect()}
        noted = self.lake.read(FILES).where(F.col("load_id") > self.known.last_load)
        noted = noted.withColumn("modified", F.unix_millis("arrived_at")).select(*Noted._fields)
        more = [Noted(*row) for row in noted.collect()]
        more.sort(key=lambda row: (row.load_id, row.arrived_at, row.file))
        self.rows += more
        if unread != self.unread:  # what they brought is not known any more: begin again
            self.unread, self.known, more = unread, Known(), self.rows
        for row in more:
            is_unread = (row.file, row.load_id) in unread
            self.known.add(row._replace(content_hash=None) if is_unread else row)

    def outstanding(self) -> list[Load]:
        """Loads that were planned and have not landed, oldest first."""
        if not self.rows:
            return []
        landed = self.lake.read(LOADS).where("status = 'landed'").select("source", "load_id").collect()
        done = {(row.source, row.load_id) for row in landed}
        waiting = [row for row in self.rows if (row.source, row.load_id) not in done]
        return self.loads_of(sorted(waiting, key=lambda row: (row.load_id, row.source or "", row.file)))

    def plan(self, found: Sequence[Found]) -> list[Load]:
        """Note which load takes in each file that is new or not as it was, or that a source claims only now. From here
        on the load's files are fixed. Where another run has noted that load meanwhile, it is landed first, and what is
        left is planned anew."""
        before: list[Load] = []
        while rows := self.next_load(found):
            noted = self.lake.rows([{name: getattr(row, name) for name in FILES.columns} for row in rows], FILES)
            appended = self.lake.append(noted, FILES, writer="bronze.files", number=rows[0].load_id)
            if not appended.is_repeat:
                self.rows += rows
                return [*before, *self.loads_of(sorted(rows, key=lambda row: row.file))]
            self.known, self.rows = Known(), []
            self.learn()
            if self.known.last_load < rows[0].load_id:
                raise ContractError(
                    f"Cannot plan: expected the files of load {rows[0].load_id} in bronze.files, which noted them, "
                    "found none: rows were deleted, or the table was restored.\nRestore a version of it that has them."
                )
            before = self.outstanding()
        return before

    def next_load(self, found: Sequence[Found]) -> list[Noted]:
        known, landing = self.known, self.lake.settings.landing_dir
        claimable = [row for row in known.newest.values() if row.source is None and self.claimant(row.file)]
        again = {row.file: found_again(row, landing) for row in (*claimable, *known.again.values())}
        new = {each.file: each for each in found if not known.has(each)}
        rows = []
        load_id = known.last_load + 1
        in_order = sorted({**again, **new}.values(), key=lambda each: (each.modified, each.file))
        readable, self.unreadable = hashed(in_order)
        for each, content in readable:
            name = self.claimant(each.file)
            newest = known.newest.get(each.file)
            row = Noted(
                file=each.file,
                version=newest.version + 1 if newest else 1,
                source=name,
                bytes=each.bytes,
                content_hash=content,
                arrived_at=each.arrived_at,
                load_id=load_id,
                same_as=known.same_as(each, self.sources.get(name or ""), content),
                modified=each.modified,
            )
            known.add(row)
            rows.append(row)
        return rows

    def claimant(self, file: str) -> str | None:
        return claimant(file, (*self.of_folder.get(file.partition("/")[0], ()), *self.of_folder.get("", ())))

    def loads_of(self, files: Sequence[Noted]) -> list[Load]:
        """Rows of bronze.files as loads, in their order; files of other sources are left out."""
        found: dict[tuple[int, str], list[Arrival]] = {}
        for row in files:
            if row.source in self.sources and row.same_as is None:
                each = found_again(row, self.lake.settings.landing_dir)
                arrival = Arrival(each.path, each.file, each.bytes, each.arrived_at, row.content_hash)
                found.setdefault((row.load_id, row.source), []).append(arrival)
        return [Load(self.sources[name], load_id, arrivals) for (load_id, name), arrivals in found.items()]


def found_again(row: Noted, landing: str) -> Found:
    """The file of a row of bronze.files. Its time says its zone, which that of a row of Spark's does not."""
    return Found(posixpath.join(landing, row.file), row.file, row.bytes, row.modified)


def is_not_read(position: Column, reasons: Column) -> Column:
    """Whether a whole file was refused since it was changed or gone before it was read."""
    return (position == 0) & reduce(Column.__or__, (reasons[0].startswith(why) for why in (CHANGED, DELETED)))


def by_first_folder(sources: Sequence[Source]) -> dict[str, list[Source]]:
    """Sources by the folder of the landing folder that all of their files are in, or by none: to try each file on every
    source takes seconds of a large landing."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        beginning = re.split(r"[*?[]", source.path, maxsplit=1)[0]
        found.setdefault(beginning.partition("/")[0] if "/" in beginning else "", []).append(source)
    return found


def claimant(file: str, sources: Sequence[Source]) -> str | None:
    """The source whose file it is, if any. Two would be a mistake in their declarations."""
    names = [source.name for source in sources if source.claims(file)]
    if len(names) > 1:
        raise ContractError(
            f"Cannot take in {file}: expected one source that claims it, found {' and '.join(names)}.\n"
            "Correct their paths."
        )
    return names[0] if names else None


def relative(path: str, landing: str) -> str:
    """A file's path below the landing folder, without the scheme that Spark puts before it.

    >>> relative("file:/data/landing/crm/50% off.csv", "/data/landing")
    'crm/50% off.csv'
    """
    if is_local(landing):
        path = re.sub(r"^[a-z]+:/+", "/", path)
    return path.removeprefix(landing).lstrip("/")


def in_batch(files: DataFrame, landing: str) -> list[Found]:
    """The files of a batch of the stream."""
    columns = ("path", "length", F.unix_millis("modificationTime").alias("modified"))
    named = [(relative(row.path, landing), row) for row in files.select(*columns).collect()]
    return [Found(posixpath.join(landing, file), file, row.length, row.modified) for file, row in named]
