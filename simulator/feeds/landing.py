"""Files from pieces: put together when all blocks of their days are there, each with its time and what is wrong there.

What is not complete, or has not arrived yet, waits in a folder beside the landing folder. Killed anywhere, the same
pieces come again and make the same files.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from simulator.complete_journey import put
from simulator.feeds import Written
from simulator.feeds.feed import Broken, ByteOrderMark, Empty, Late, NoFinalNewline, RawFeed, Resent
from simulator.feeds.formats import zipped
from simulator.feeds.pieces import Piece, Pieces
from simulator.feeds.systems import FEEDS
from simulator.warts import Content, Manifest, RawFile, Wart, counted
from simulator.world.config import Config, day_number
from simulator.world.households import block_count
from simulator.world.truth import write_records

BY_NAME = {feed.name: feed for feed in FEEDS}


def manifest_path(landing: Path) -> Path:
    """Beside the landing folder, not in it: it is no delivery."""
    return landing.absolute().parent / "world_manifest.json"


def unfinished_path(landing: Path) -> Path:
    return landing.absolute().parent / "unfinished_feeds"


@dataclass(frozen=True)
class Chunk:
    """Rows of a file, of one day."""

    content: bytes
    rows: int
    schema: str
    first: int  # bytes of the first block, after which broken lines come


class Landing:
    """The landing folder of a world that has lived up to, not including, `next_day`."""

    def __init__(self, folder: Path, config: Config, truth: Path, next_day: int) -> None:
        self.folder, self.config, self.truth = folder, config, truth
        self.waiting: list[Written] = []
        self.unfinished = unfinished_path(folder)
        self.used: set[Path] = set()  # of what waited: needed again if this run is killed
        self.files = {file.path: file for file in known_files(folder)}
        shutil.rmtree(self.unfinished / "pieces", ignore_errors=True)
        for path in self.unfinished.glob("*/[0-9]*"):
            if int(path.name[:6]) >= next_day:  # of a run that was killed
                path.unlink()
        for path in truth.glob("records/*/[0-9]*.parquet"):
            if int(path.name[:6]) >= next_day:
                path.unlink()

    def add(self, written: Written) -> None:
        """Pieces come in the order of their days, then of blocks."""
        self.waiting.append(written)
        if len(self.waiting) == block_count(self.config):
            self.land()
            for each in self.waiting:
                each.pieces.unlink()
            self.waiting.clear()

    def land(self) -> None:
        blocks = [Pieces(written.pieces) for written in self.waiting]
        first_day, last_day = self.waiting[0].first_day, self.waiting[0].last_day
        found: dict[tuple[str, int, int], list[tuple[Pieces, Piece]]] = defaultdict(list)
        records: dict[str, list[pa.Table]] = defaultdict(list)
        for block in blocks:
            for piece in block.index:
                if piece.kind == "records":
                    records[piece.feed].append(pa.ipc.open_stream(block.bytes_of(piece)).read_all())
                else:
                    found[piece.feed, piece.day, piece.minute].append((block, piece))
        for (name, day, minute), pieces in sorted(found.items(), key=lambda item: item[0]):
            feed = BY_NAME[name]
            if feed.every in ("month", "year"):
                self.keep(feed, day, chunk_of(pieces))
            else:
                self.deliver(feed, day, minute, [chunk_of(pieces)])
        for feed in FEEDS:
            if feed.every in ("month", "year"):
                self.deliver_periods(feed, last_day)
        for name, tables in records.items():
            table = pa.concat_tables(tables)
            write_records(
                self.truth, name, f"{first_day:06}", record_id=table["record_id"], person_id=table["person_id"]
            )
        self.release(last_day)

    def keep(self, feed: RawFeed, day: int, chunk: Chunk) -> None:
        """Until the file's last day is over."""
        about = {"rows": chunk.rows, "schema": chunk.schema, "first": chunk.first}
        put(self.unfinished / feed.name / f"{day:06}", json.dumps(about).encode() + b"\n" + chunk.content)

    def deliver_periods(self, feed: RawFeed, last_day: int) -> None:
        periods: dict[int, list[Path]] = defaultdict(list)
        for path in sorted((self.unfinished / feed.name).glob("[0-9]*")):
            if path not in self.used:
                periods[feed.first_day(int(path.name))].append(path)
        for first, paths in periods.items():
            if day_number(feed.ends(first, 0).date()) > last_day + 1:
                continue
            chunks = []
            for path in paths:
                about, _, content = path.read_bytes().partition(b"\n")
                chunks.append(Chunk(content=content, **json.loads(about)))
            self.deliver(feed, first, 0, chunks)
            self.used.update(paths)

    def deliver(self, feed: RawFeed, day: int, minute: int, chunks: Sequence[Chunk]) -> None:
        for file, data in files_of(feed, day, minute, chunks, self.config.first_day):
            lands_on = day_number(file.arrived_at.date()) - 1
            if lands_on > self.waiting[0].last_day:
                about = json.dumps(asdict(file), default=str).encode()
                name = f"{self.waiting[0].first_day:06}-{lands_on:06}-{file.path.replace('/', '+')}"
                put(self.unfinished / "held" / name, about + b"\n" + data)
            else:
                self.put(file, data)

    def release(self, last_day: int) -> None:
        """What was late has arrived."""
        for path in sorted((self.unfinished / "held").glob("[0-9]*")):
            if int(path.name[7:13]) <= last_day and path not in self.used:
                about, _, data = path.read_bytes().partition(b"\n")
                self.put(raw_file(json.loads(about)), data)
                self.used.add(path)

    def put(self, file: RawFile, data: bytes) -> None:
        put(self.folder / file.path, data, file.arrived_at)
        self.files[file.path] = file

    def finish(self) -> None:
        """Say what is in the files. A run that does not come so far is run again."""
        files = tuple(self.files[path] for path in sorted(self.files))
        made_by = f"world of {self.config.people} people, seed {self.config.seed}"
        put(manifest_path(self.folder), Manifest(made_by, None, files).to_json())

    def forget(self) -> None:
        """What waited and has landed, once the world is saved: before, a run that is killed would need it again."""
        for path in self.used:
            path.unlink()
        self.used.clear()


def known_files(folder: Path) -> tuple[RawFile, ...]:
    path = manifest_path(folder)
    return Manifest.from_json(path.read_bytes()).files if path.exists() else ()


def raw_file(about: dict[str, object]) -> RawFile:
    file = about | {"arrived_at": datetime.fromisoformat(str(about["arrived_at"]))}
    return RawFile(**file | {"warts": tuple(Wart(**wart) for wart in about["warts"])})  # type: ignore


def chunk_of(pieces: list[tuple[Pieces, Piece]]) -> Chunk:
    contents = [block.bytes_of(piece) for block, piece in pieces]
    rows = sum(piece.rows for _, piece in pieces)
    return Chunk(b"".join(contents), rows, pieces[0][1].schema, len(contents[0]))


def files_of(
    feed: RawFeed, day: int, minute: int, chunks: Sequence[Chunk], first_day: int
) -> Iterator[tuple[RawFile, bytes]]:
    """The file of a day, and those that come again or without rows, as the feed says."""
    begins = feed.begins(day, minute)
    arrived_at = feed.ends(day, minute).replace(tzinfo=UTC) + timedelta(hours=feed.arrives)
    path = feed.path.format(at=begins)
    here = [wrong for wrong in feed.wrong if feed.first_day(first_day + wrong.day) == day]
    content = content_of(feed, chunks, [line for wrong in here if isinstance(wrong, Broken) for line in wrong.lines])
    found = list(content.warts)
    data = content.data
    for wrong in here:
        if isinstance(wrong, ByteOrderMark):
            data = b"\xef\xbb\xbf" + data
            found.append(Wart("byte order mark", 1))
        elif isinstance(wrong, NoFinalNewline):
            data = data.removesuffix(b"\n")
            found.append(Wart("no final newline", 1))
        elif isinstance(wrong, Late):
            arrived_at += timedelta(days=wrong.by)
            found.append(Wart(f"{wrong.by} days late", 1))
    content = replace(content, data=data, warts=tuple(found))
    yield raw(feed, path, arrived_at, content), data
    for wrong in here:
        if isinstance(wrong, Resent):
            again = (*found, Wart("re-delivered", content.rows))
            resent = replace(content, repeated=content.rows, warts=again)
            yield raw(feed, named(path, "resend"), arrived_at + timedelta(days=wrong.after), resent), data
        elif isinstance(wrong, Empty):
            schema = schema_of(chunks[0].schema)
            data_of_none = feed.form.finished(feed.form.of_no_rows(schema), schema, feed.is_zipped)
            empty = Content(data_of_none, 0, warts=(Wart("no rows", 1),))
            yield raw(feed, named(path, "empty"), arrived_at + timedelta(hours=1), empty), data_of_none


def content_of(feed: RawFeed, chunks: Sequence[Chunk], broken: list[tuple[str, str]]) -> Content:
    parts = [chunk.content for chunk in chunks]
    if broken:
        lines = b"".join(feed.form.broken(line) for _, line in broken)
        first, at = parts[0], chunks[0].first
        parts[0] = first[:at] + (zipped(lines) if feed.is_zipped else lines) + first[at:]
    schema = schema_of(chunks[0].schema)
    rows = sum(chunk.rows for chunk in chunks)
    undeclared = tuple(Wart(f"undeclared column {name}", rows) for name in schema.names if name in feed.since)
    data = feed.form.finished(b"".join(parts), schema, feed.is_zipped)
    return Content(data, rows, broken=len(broken), warts=(*counted(broken), *undeclared))


def schema_of(described: str) -> pa.Schema:
    return pa.ipc.read_schema(pa.BufferReader(bytes.fromhex(described)))


def raw(feed: RawFeed, path: str, arrived_at: datetime, content: Content) -> RawFile:
    counts = {name: getattr(content, name) for name in ("rows", "repeated", "broken", "blank", "warts")}
    return RawFile(feed.name, path, arrived_at, len(content.data), **counts)


def named(path: str, what: str) -> str:
    """
    >>> named("pos/tickets/tickets_2024-01-01.csv.gz", "resend")
    'pos/tickets/tickets_2024-01-01_resend.csv.gz'
    """
    folder, _, name = path.rpartition("/")
    stem, dot, suffix = name.partition(".")
    return f"{folder}/{stem}_{what}{dot}{suffix}"
