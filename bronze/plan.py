"""Which load takes in which file. It is noted in `bronze.files` before anything is read, and then fixed.

A content lands once: under the same name again, or under another, it is noted and does not land. A file that is written
again is a new version of itself, and lands whole. A snapshot is the state of its day, so that there only a file which
says the same as its own version before lands no more.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from bronze.landing import Found, hashed
from bronze.ledger import FILES, LOADS, QUARANTINE
from bronze.read import Arrival
from bronze.source import Source
from lakehouse.delta import Lakehouse
from lakehouse.tables import ContractError


@dataclass(frozen=True)
class Load:
    """Files of one source that land together."""

    source: Source
    load_id: int
    arrivals: Sequence[Arrival]


@dataclass
class Known:
    """What bronze.files says: of each file its newest version, of each source and content who brought it first."""

    newest: dict[str, Row] = field(default_factory=dict)
    brought: dict[tuple[str, str], str] = field(default_factory=dict)
    last_load: int = -1

    def add(self, row: Row) -> None:
        before = self.newest.get(row.file)
        if before is None or before.version < row.version:
            self.newest[row.file] = row
        if row.source and row.content_hash and row.same_as is None:
            self.brought.setdefault((row.source, row.content_hash), row.file)
        self.last_load = max(self.last_load, row.load_id)

    def has(self, found: Found) -> bool:
        newest = self.newest.get(found.file)
        return newest is not None and (newest.bytes, newest.modified) == (found.bytes, found.modified)

    def same_as(self, found: Found, source: Source | None, content: str | None) -> str | None:
        """The file that brought this content before, if that is reason enough not to land it."""
        if source is None or content is None:
            return None
        newest = self.newest.get(found.file)
        if source.delivery == "snapshot":
            is_again = newest is not None and newest.source == source.name and newest.content_hash == content
            return found.file if is_again else None
        return self.brought.get((source.name, content))


def plan(lake: Lakehouse, sources: Sequence[Source], found: Sequence[Found]) -> list[Load]:
    """Note which load takes in each file that is new or not as it was. From here on the load's files are fixed."""
    known = known_files(lake)
    by_name = {source.name: source for source in sources}
    load_id = known.last_load + 1
    rows = []
    new = sorted((each for each in found if not known.has(each)), key=lambda each: (each.modified, each.file))
    for each, content in hashed(new):
        name = claimant(each.file, sources)
        newest = known.newest.get(each.file)
        row = Row(
            file=each.file,
            version=newest.version + 1 if newest else 1,
            source=name,
            bytes=each.bytes,
            content_hash=content,
            arrived_at=each.arrived_at,
            load_id=load_id,
            same_as=known.same_as(each, by_name.get(name or ""), content),
            modified=each.modified,
        )
        known.add(row)
        rows.append(row)
    if rows:
        lake.append(noted_files(lake, rows), FILES, writer="bronze.files", number=load_id)
    return loads_of(lake, sources, sorted(rows, key=lambda row: row.file))


def known_files(lake: Lakehouse) -> Known:
    """A file that was refused whole, such as one that was gone before it was read, has not brought its content."""
    refused = lake.read(QUARANTINE).where("position = 0").select("file", "load_id")
    unread = {(row.file, row.load_id) for row in refused.collect()}
    known = Known()
    columns = ("file", "version", "source", "bytes", "content_hash", "load_id", "same_as")
    modified = F.unix_millis("arrived_at").alias("modified")
    for row in lake.read(FILES).select(*columns, modified).orderBy("load_id", "arrived_at", "file").collect():
        is_unread = (row.file, row.load_id) in unread
        known.add(Row(**{**row.asDict(), "content_hash": None}) if is_unread else row)
    return known


def claim(lake: Lakehouse, sources: Sequence[Source]) -> None:
    """Put files that no source claimed when they arrived into a load, where one claims them now."""
    of_file = Window.partitionBy("file").orderBy(F.desc("version"))
    newest = lake.read(FILES).withColumn("_rank", F.row_number().over(of_file)).where("_rank = 1 AND source IS NULL")
    named = [(row, claimant(row.file, sources)) for row in newest.drop("_rank").orderBy("file").collect()]
    if not any(name for _, name in named):
        return
    load_id = lake.read(FILES).agg(F.max("load_id")).collect()[0][0] + 1
    claimed = [Row(**{**row.asDict(), "source": name, "load_id": load_id}) for row, name in named if name]
    lake.merge(noted_files(lake, claimed), FILES)


def claimant(file: str, sources: Sequence[Source]) -> str | None:
    """The source whose file it is, if any. Two would be a mistake in their declarations."""
    names = [s.name for s in sources if fnmatch(file, posixpath.join(s.folder, s.glob))]
    if len(names) > 1:
        raise ContractError(
            f"Cannot take in {file}: expected one source that claims it, found {' and '.join(names)}.\n"
            "Correct their paths."
        )
    return names[0] if names else None


def noted_files(lake: Lakehouse, files: Sequence[Row]) -> DataFrame:
    rows = [tuple(file[name] for name in FILES.columns) for file in files]
    return lake.spark.createDataFrame(rows, FILES.schema).coalesce(1)


def relative(path: str, landing: str) -> str:
    """A file's path below the landing folder, without the scheme that Spark puts before it.

    >>> relative("file:/data/landing/crm/50% off.csv", "/data/landing")
    'crm/50% off.csv'
    """
    if ":/" not in landing:
        path = re.sub(r"^[a-z]+:/+", "/", path)
    return path.removeprefix(landing).lstrip("/")


def in_batch(files: DataFrame, landing: str) -> list[Found]:
    """The files of a batch of the stream."""
    columns = ("path", "length", F.unix_millis("modificationTime").alias("modified"))
    named = [(relative(row.path, landing), row) for row in files.select(*columns).collect()]
    return [Found(posixpath.join(landing, file), file, row.length, row.modified) for file, row in named]


def outstanding(lake: Lakehouse, sources: Sequence[Source]) -> list[Load]:
    """Loads that were planned and have not landed, oldest first."""
    landed = lake.read(LOADS).where("status = 'landed'").select("source", "load_id")
    planned = (
        lake.read(FILES)
        .where(F.col("source").isin([s.name for s in sources]) & F.col("same_as").isNull())
        .join(landed, on=["source", "load_id"], how="left_anti")
        .orderBy("load_id", "source", "file")
        .collect()
    )
    return loads_of(lake, sources, planned)


def loads_of(lake: Lakehouse, sources: Sequence[Source], files: Sequence[Row]) -> list[Load]:
    """Rows of bronze.files as loads, in their order; files of other sources are left out."""
    by_name = {source.name: source for source in sources}
    found: dict[tuple[int, str], list[Arrival]] = {}
    for row in files:
        if row.source in by_name and row.same_as is None:
            found.setdefault((row.load_id, row.source), []).append(arrival_of(row, lake.settings.landing_dir))
    return [Load(by_name[name], load_id, arrivals) for (load_id, name), arrivals in found.items()]


def arrival_of(row: Row, landing: str) -> Arrival:
    return Arrival(posixpath.join(landing, row.file), row.file, row.bytes, row.arrived_at)
