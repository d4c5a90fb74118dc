"""Pieces of files: the rows of one block of people and a day, as bytes, until those of all blocks are there.

A file of pieces has their bytes, one after the other; then what there is of each feed, as JSON; where that is, and how
long that is.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern

import numpy as np
import pyarrow as pa

from simulator.feeds.feed import RawFeed, Recorded
from simulator.feeds.formats import zipped
from simulator.feeds.seen import Seen
from simulator.world.randomness import Array
from simulator.world.world import Batch


@dataclass(frozen=True)
class Place:
    """Bytes in a file. It is opened for them alone: there can be more blocks of people than files that may be open."""

    path: Path
    start: int
    end: int

    def read(self) -> bytes:
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            return file.read(self.end - self.start)


@dataclass(frozen=True)
class Piece:
    """Where the bytes are of a feed's rows of a day (and minute); of `records`, which record is which person."""

    day: int
    minute: int
    rows: int
    start: int
    end: int
    schema: str  # of its columns, as base16 of Arrow's
    kind: str = "rows"


def write_pieces(path: Path, batch: Batch, feeds: Sequence[RawFeed]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    seen = Seen(batch)
    index: dict[str, list[Piece]] = defaultdict(list)
    with path.open("wb") as file:

        def put(feed: RawFeed, day: int, minute: int, rows: int, content: bytes, schema: pa.Schema, kind: str) -> None:
            start = file.tell()
            file.write(content)
            described = schema.serialize().to_pybytes().hex()
            index[feed.name].append(Piece(day, minute, rows, start, file.tell(), described, kind))

        for feed in feeds:
            recorded = feed.record(seen)
            if not len(recorded.day):
                continue
            for columns, where in by_columns(feed, recorded, batch.config.first_day):
                if not len(where):
                    continue
                render = feed.form.rendered(columns)
                schema = pa.schema([(name, array.type) for name, array in columns.items()])
                holds = np.ones(len(where), np.int64) if recorded.holds is None else recorded.holds[where]
                for day, minute, start, end in runs(recorded.day[where], slots(feed, recorded)[where]):
                    content = zipped(render(start, end)) if feed.is_zipped else render(start, end)
                    put(feed, day, minute, int(holds[start:end].sum()), content, schema, "rows")
            if recorded.record_id is not None:
                assert recorded.person_id is not None
                table = pa.table({"record_id": recorded.record_id, "person_id": recorded.person_id})
                content = stream_of(table.filter(pa.compute.is_valid(table["record_id"])))
                put(feed, batch.first_day, 0, table.num_rows, content, table.schema, "records")
        places = {}
        for name, pieces in index.items():
            start = file.tell()
            file.write(json.dumps([vars(piece) for piece in pieces]).encode())
            places[name] = (start, file.tell())
        listed = json.dumps(places).encode()
        file.write(listed + len(listed).to_bytes(8, "big"))


def by_columns(feed: RawFeed, recorded: Recorded, first_day: int) -> Iterator[tuple[dict[str, pa.Array], Array]]:
    """The rows in the order of their files; those of days with other columns apart."""
    late = sorted({first_day + since for since in feed.since.values()})
    era = np.searchsorted(late, recorded.day, side="right")
    order = np.lexsort([slots(feed, recorded), recorded.day])
    for number in range(len(late) + 1):
        where = order[era[order] == number]
        begins = late[number - 1] if number else first_day
        columns = {
            name: pa.array(values) if isinstance(values, np.ndarray) else values
            for name, values in recorded.columns.items()
            if name not in feed.since or first_day + feed.since[name] <= begins
        }
        is_all = len(where) == len(recorded.day) and (np.diff(where) == 1).all()
        yield (columns if is_all else {name: each.take(pa.array(where)) for name, each in columns.items()}), where


def slots(feed: RawFeed, recorded: Recorded) -> Array:
    if feed.every in ("minute", "hour"):
        assert recorded.minute is not None, f"{feed.name}: a file per {feed.every} needs the minute of each row"
        return feed.slot(recorded.minute)
    return np.zeros(len(recorded.day), dtype=np.int64)


def runs(day: Array, minute: Array) -> Iterator[tuple[int, int, int, int]]:
    """Each day and minute of sorted rows, with the places of its rows."""
    key = day.astype(np.int64) * 1440 + minute
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(key)], strict=True):
        yield int(day[start]), int(minute[start]), start, end


def stream_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


class Pieces:
    """A file of pieces. What there is of a feed is read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path, size = path, path.stat().st_size
        length = int.from_bytes(Place(path, size - 8, size).read(), "big")
        self.places = json.loads(Place(path, size - 8 - length, size - 8).read())

    def of(self, feed: str) -> list[Piece]:
        if feed not in self.places:
            return []
        found = json.loads(Place(self.path, *self.places[feed]).read())
        return [Piece(**each | {"schema": intern(each["schema"])}) for each in found]

    def place(self, piece: Piece) -> Place:
        return Place(self.path, piece.start, piece.end)
