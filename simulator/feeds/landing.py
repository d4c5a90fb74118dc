"""Files from pieces: put together when all blocks of their days are there, each with its time and what is wrong there.

What is not complete, or has not arrived yet, waits in a folder beside the landing folder. Killed anywhere, the same
pieces come again and make the same files.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate, chain, pairwise
from pathlib import Path

import pyarrow as pa

from simulator.complete_journey import put, put_parts
from simulator.feeds import Written
from simulator.feeds.feed import Broken, ByteOrderMark, Empty, Late, NoFinalNewline, RawFeed, Resent
from simulator.feeds.formats import Lines, without_end, zipped
from simulator.feeds.pieces import Piece, Pieces, Place
from simulator.feeds.systems import BY_NAME, FEEDS
from simulator.warts import Manifest, RawFile, Wart, counted
from simulator.world.config import Config, day_number
from simulator.world.households import block_count
from simulator.world.truth import write_records


def manifest_path(landing: Path) -> Path:
    """Beside the landing folder, not in it: it is no delivery."""
    return landing.absolute().parent / "world_manifest.json"


def unfinished_path(landing: Path) -> Path:
    return landing.absolute().parent / "unfinished_feeds"


@dataclass(frozen=True)
class Chunk:
    """Rows of a file, of one day: the pieces of one block of people after another."""

    pieces: Sequence[Place]
    rows: int
    schema: str


class Landing:
    """The landing folder of a world that has lived up to, not including, `next_day`."""

    def __init__(self, folder: Path, config: Config, truth: Path, next_day: int) -> None:
        self.folder, self.config, self.truth = folder, config, truth
        self.waiting: dict[int, list[Written]] = defaultdict(list)  # by first day
        self.unfinished = unfinished_path(folder)
        self.used: set[Path] = set()  # of what waited: needed again if this run is killed
        self.files = {file.path: file for file in known_files(folder)}
        shutil.rmtree(self.unfinished / "pieces", ignore_errors=True)
        for path in self.unfinished.glob("*/[0-9]*"):
            if int(path.name[:6]) >= next_day or has_landed(path, next_day):  # of a run that was killed
                path.unlink()
        for path in truth.glob("records/*/[0-9]*.parquet"):
            if int(path.name[:6]) >= next_day:
                path.unlink()

    def add(self, written: Written) -> None:
        """The pieces of a block come in the order of their days."""
        waiting = self.waiting[written.first_day]
        waiting.append(written)
        if len(waiting) == block_count(self.config):
            self.land(waiting)
            for each in waiting:
                each.pieces.unlink()
            del self.waiting[written.first_day]

    def land(self, waiting: Sequence[Written]) -> None:
        """File by file, of which no more is in hand than a piece."""
        span, blocks = waiting[0], [Pieces(written.pieces) for written in waiting]
        for feed in FEEDS:
            found: dict[tuple[int, int], list[tuple[Place, Piece]]] = defaultdict(list)
            records = []
            for block in blocks:
                for piece in block.of(feed.name):
                    if piece.kind == "records":
                        records.append(block.place(piece))
                    else:
                        found[piece.day, piece.minute].append((block.place(piece), piece))
            for (day, minute), pieces in sorted(found.items(), key=lambda item: item[0]):
                places = [place for place, _ in pieces]
                chunk = Chunk(places, sum(piece.rows for _, piece in pieces), pieces[0][1].schema)
                if feed.every == "month":
                    self.keep(feed, day, chunk)
                else:
                    self.deliver(feed, day, minute, [chunk], span)
            if feed.every == "month":
                self.deliver_periods(feed, span)
            if records:
                tables = (pa.ipc.open_stream(place.read()).read_all() for place in records)
                write_records(self.truth, feed.name, f"{span.first_day:06}", tables)
        self.release(span.last_day)

    def keep(self, feed: RawFeed, day: int, chunk: Chunk) -> None:
        """Until the file's last day is over."""
        sizes = [place.end - place.start for place in chunk.pieces]
        about = json.dumps({"rows": chunk.rows, "schema": chunk.schema, "sizes": sizes}).encode() + b"\n"
        put_parts(self.unfinished / feed.name / f"{day:06}", chain([about], (place.read() for place in chunk.pieces)))

    def deliver_periods(self, feed: RawFeed, span: Written) -> None:
        periods: dict[int, list[Path]] = defaultdict(list)
        for path in sorted((self.unfinished / feed.name).glob("[0-9]*")):
            if path not in self.used:
                periods[feed.first_day(int(path.name))].append(path)
        for first, paths in periods.items():
            if day_number(feed.ends(first, 0).date()) > span.last_day + 1:
                continue
            self.deliver(feed, first, 0, [chunk_of(path) for path in paths], span)
            self.used.update(paths)

    def deliver(self, feed: RawFeed, day: int, minute: int, chunks: Sequence[Chunk], span: Written) -> None:
        for file, parts in files_of(feed, day, minute, chunks, self.config.first_day):
            lands_on = day_number(file.arrived_at.date()) - 1
            if lands_on > span.last_day:
                about = json.dumps(asdict(file), default=str).encode() + b"\n"
                name = f"{span.first_day:06}-{lands_on:06}-{file.path.replace('/', '+')}"
                put_parts(self.unfinished / "held" / name, chain([about], parts))
            else:
                self.put(file, parts)

    def release(self, last_day: int) -> None:
        """What was late has arrived."""
        for path in sorted((self.unfinished / "held").glob("[0-9]*")):
            if int(path.name[7:13]) <= last_day and path not in self.used:
                with path.open("rb") as held:
                    file = raw_file(json.loads(held.readline()))
                    self.put(file, iter(partial(held.read, 2**20), b""))
                self.used.add(path)

    def put(self, file: RawFile, parts: Iterable[bytes]) -> None:
        size = put_parts(self.folder / file.path, parts, file.arrived_at)
        self.files[file.path] = replace(file, bytes=size)

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


def has_landed(path: Path, next_day: int) -> bool:
    """Whether what waited there has come to its file by then."""
    if path.parent.name == "held":
        return int(path.name[7:13]) < next_day
    feed = BY_NAME[path.parent.name]
    return day_number(feed.ends(feed.first_day(int(path.name)), 0).date()) <= next_day


def known_files(folder: Path) -> tuple[RawFile, ...]:
    path = manifest_path(folder)
    return Manifest.from_json(path.read_bytes()).files if path.exists() else ()


def raw_file(about: dict[str, object]) -> RawFile:
    file = about | {"arrived_at": datetime.fromisoformat(str(about["arrived_at"]))}
    return RawFile(**file | {"warts": tuple(Wart(**wart) for wart in about["warts"])})  # type: ignore


def chunk_of(path: Path) -> Chunk:
    """What was kept of a day."""
    with path.open("rb") as file:
        line = file.readline()
    about = json.loads(line)
    ends = accumulate(about.pop("sizes"), initial=len(line))
    return Chunk([Place(path, start, end) for start, end in pairwise(ends)], **about)


def files_of(
    feed: RawFeed, day: int, minute: int, chunks: Sequence[Chunk], first_day: int
) -> Iterator[tuple[RawFile, Iterator[bytes]]]:
    """The file of a day, part by part, and those that come again or without rows, as the feed says. How many bytes it
    has is not known yet."""
    begins = feed.begins(day, minute)
    arrived_at = feed.ends(day, minute).replace(tzinfo=UTC) + timedelta(hours=feed.arrives)
    path = feed.path.format(at=begins)
    here = [wrong for wrong in feed.wrong if feed.first_day(first_day + wrong.day) == day]
    broken = [line for wrong in here if isinstance(wrong, Broken) for line in wrong.lines]
    schema = schema_of(chunks[0].schema)
    rows = sum(chunk.rows for chunk in chunks)
    warts = [*counted(broken)]
    warts += [Wart(f"undeclared column {name}", rows) for name in schema.names if name in feed.since]
    for wrong in here:
        if isinstance(wrong, ByteOrderMark):
            warts.append(Wart("byte order mark", 1))
        elif isinstance(wrong, NoFinalNewline):
            warts.append(Wart("no final newline", 1))
        elif isinstance(wrong, Late):
            arrived_at += timedelta(days=wrong.by)
            warts.append(Wart(f"{wrong.by} days late", 1))

    def parts() -> Iterator[bytes]:
        found = feed.form.finished(pieces_of(feed, chunks, broken), schema, feed.is_zipped)
        if any(isinstance(wrong, ByteOrderMark) for wrong in here):
            found = chain([b"\xef\xbb\xbf"], found)
        if isinstance(feed.form, Lines) and any(isinstance(wrong, NoFinalNewline) for wrong in here):
            return without_end(found, feed.form.encoded(b"\n"))
        return found

    file = RawFile(feed.name, path, arrived_at, 0, rows, 0, len(broken), 0, tuple(warts))
    yield file, parts()
    for wrong in here:
        if isinstance(wrong, Resent):
            resent_at, again = arrived_at + timedelta(days=wrong.after), (*warts, Wart("re-delivered", rows))
            resent = replace(file, path=named(path, "resend"), arrived_at=resent_at, repeated=rows, warts=again)
            yield resent, parts()
        elif isinstance(wrong, Empty):
            empty_at, none = arrived_at + timedelta(hours=1), (Wart("no rows", 1),)
            empty = replace(file, path=named(path, "empty"), arrived_at=empty_at, rows=0, broken=0, warts=none)
            yield empty, feed.form.finished([], schema, feed.is_zipped)


def pieces_of(feed: RawFeed, chunks: Sequence[Chunk], broken: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    """Broken lines come after the first block of people."""
    first, *others = (place for chunk in chunks for place in chunk.pieces)
    yield first.read()
    if broken:
        lines = b"".join(feed.form.broken(line) for _, line in broken)
        yield zipped(lines) if feed.is_zipped else lines
    for place in others:
        yield place.read()


def schema_of(described: str) -> pa.Schema:
    return pa.ipc.read_schema(pa.BufferReader(bytes.fromhex(described)))


def named(path: str, what: str) -> str:
    """
    >>> named("pos/tickets/tickets_2024-01-01.csv.gz", "resend")
    'pos/tickets/tickets_2024-01-01_resend.csv.gz'
    """
    folder, _, name = path.rpartition("/")
    stem, dot, suffix = name.partition(".")
    return f"{folder}/{stem}_{what}{dot}{suffix}"
