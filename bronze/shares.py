"""What the Python workers of a load do: each reads its share of the files into typed batches.

Workers import this module and what it needs, each of them anew: nothing of Spark's sessions or tables belongs here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from bronze.landing import ChangedError, Found, change, is_on_disk
from bronze.records import Layout, read_records
from bronze.records.layout import refused
from bronze.records.small_files import SMALL, Lines, lines_of, may_be_joined, read_joined
from bronze.records.undeclared import with_undeclared
from bronze.typed import typed

OPENING = 10_000  # bytes that are read in the time that it takes to open a file
ENOUGH = 1 << 20  # bytes that are worth a batch, and more than this process
OF_A_TASK = 16 << 20  # bytes that are worth a task on one machine: to begin it takes a tenth of a second
UNZIPPED = 8  # bytes of text in a byte of gzip, or about as many
FEW = 8 << 20  # bytes of records that are held in this process
MANY = 10_000  # records of a batch
TIME = pa.timestamp("us", tz="UTC")
LINEAGE = ("_rescued", "_position", "_raw", "_error", "_file", "_arrived_at")


@dataclass(frozen=True)
class Arrival:
    """A file in the landing folder. `file` is its path there."""

    path: str
    file: str
    bytes: int
    arrived_at: datetime
    content_hash: str | None = None

    @property
    def found(self) -> Found:
        modified = round(self.arrived_at.timestamp() * 1000)
        return Found(self.path, self.file, self.bytes, modified, self.content_hash)


def shares(arrivals: Sequence[Arrival], tasks: int) -> list[list[Arrival]]:
    """The files in at most as many shares as there are tasks, of about equal cost: the largest first, to the
    emptiest. Small files have fewer shares; those of a store, which opens them slowly, have more."""
    costs = {arrival: cost(arrival) for arrival in arrivals}
    worth = OF_A_TASK if all(is_on_disk(arrival.path) for arrival in arrivals) else ENOUGH
    found: list[list[Arrival]] = [[] for _ in range(min(tasks, len(costs), -(-sum(costs.values()) // worth)))]
    sizes = [0] * len(found)
    for arrival in sorted(arrivals, key=lambda a: (-costs[a], a.file)):
        least = sizes.index(min(sizes))
        found[least].append(arrival)
        sizes[least] += costs[arrival]
    return found


def cost(arrival: Arrival) -> int:
    return arrival.bytes * (UNZIPPED if arrival.path.endswith(".gz") else 1) + OPENING


def are_few(arrivals: Iterable[Arrival]) -> bool:
    """Whether all of them together are read sooner by this process, uncompiled, than by a task."""
    return sum(cost(each) for each in arrivals) <= ENOUGH


def share_reader(
    shared: Sequence[Sequence[Arrival]], layout: Layout, plain: Mapping[str, pa.DataType]
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """The function that Spark runs in each task: numbers of shares in, the records of their files out."""

    def read_shares(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from records_of_share(shared[number], layout, plain)

    return read_shares


def records_of_share(
    share: Iterable[Arrival], layout: Layout, plain: Mapping[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    """The records of the files, those of many small ones in one batch: to type a batch takes as long for few as for
    hundreds."""
    for batch in gathered(placed(share, layout)):
        yield with_types(batch, layout, plain)


def placed(share: Iterable[Arrival], layout: Layout) -> Iterator[pa.RecordBatch]:
    """The records of the files, each with which file it is of. Small files are joined, as many as have one header."""
    joins = may_be_joined(layout)
    waiting: dict[bytes, list[tuple[Arrival, Lines]]] = {}
    sizes: Counter[bytes] = Counter()
    for arrival in share:
        lines = small_lines(arrival, layout) if joins and arrival.bytes <= SMALL else None
        if lines is None:
            yield from one_by_one([arrival], layout)
            continue
        waiting.setdefault(lines.header, []).append((arrival, lines))
        sizes[lines.header] += len(lines.text)
        if sizes[lines.header] >= ENOUGH:
            del sizes[lines.header]
            yield from joined(waiting.pop(lines.header), layout)
    for alike in waiting.values():
        yield from joined(alike, layout)


def small_lines(arrival: Arrival, layout: Layout) -> Lines | None:
    """The lines of a small file that is as it was planned, before and after it was read."""
    if change(arrival.path, arrival.found):
        return None
    lines = lines_of(arrival.path, layout)
    return None if change(arrival.path, arrival.found) else lines


def joined(files: Sequence[tuple[Arrival, Lines]], layout: Layout) -> Iterator[pa.RecordBatch]:
    """The records of files that may be read as one. Where they may not, the one that stands out is found by halves, and
    read by itself."""
    arrivals = [arrival for arrival, _ in files]
    try:
        found = read_joined([lines for _, lines in files], layout)
    except (OSError, MemoryError):
        raise
    except Exception:  # a fault of the reader: who reads the file by itself refuses it, and no other
        found = None
    if found is not None:
        for records, counts in found:
            if records.num_rows:
                yield with_files(records, list(zip(arrivals, counts, strict=True)))
    elif len(files) == 1:
        yield from one_by_one(arrivals, layout)
    else:
        half = len(files) // 2
        yield from joined(files[:half], layout)
        yield from joined(files[half:], layout)


def one_by_one(files: Iterable[Arrival], layout: Layout) -> Iterator[pa.RecordBatch]:
    for arrival in files:
        for records in records_of(arrival, layout):
            yield with_files(records, [(arrival, len(records))])


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same records in fewer batches: each is typed, sent to Spark, and taken apart there, by itself."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= MANY or batch.nbytes >= ENOUGH:
            yield together(waiting)
            waiting, rows = [], 0
    if waiting:
        yield together(waiting)


def together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def few_records(
    arrivals: Sequence[Arrival], layout: Layout, plain: Mapping[str, pa.DataType]
) -> list[pa.RecordBatch] | None:
    """The records of few files, read in this process; None of more, and where their records turn out to be many."""
    if not are_few(arrivals):
        return None
    found: list[pa.RecordBatch] = []
    size = 0
    for records in records_of_share(sorted(arrivals, key=lambda a: a.file), layout, plain):
        found.append(records)
        size += records.nbytes
        if size > FEW:
            return None
    return found


def records_of(arrival: Arrival, layout: Layout) -> Iterator[pa.RecordBatch]:
    """The records of a file that is as it was planned, all of them. Of one that was changed before, none; if it changes
    meanwhile the load fails, and its next attempt finds it changed."""
    if why := change(arrival.path, arrival.found):
        yield refused([(0, None, why)], layout)
        return
    yield from read_records(arrival.path, layout)
    if why := change(arrival.path, arrival.found):
        raise ChangedError(f"{arrival.file}: {why}")


def with_files(records: pa.RecordBatch, counts: Sequence[tuple[Arrival, int]]) -> pa.RecordBatch:
    """The records of some files, so many of each in turn, with which file each is of and when that arrived."""
    of = np.repeat(np.arange(len(counts)), [count for _, count in counts])
    files = pa.array([arrival.file for arrival, _ in counts])
    times = pa.array([arrival.arrived_at.astimezone(UTC) for arrival, _ in counts], TIME)
    names = [*records.schema.names, "_file", "_arrived_at"]
    return pa.RecordBatch.from_arrays([*records.columns, files.take(of), times.take(of)], names=names)


def with_types(records: pa.RecordBatch, layout: Layout, plain: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    """The records' columns that are plainly spelled as values, the others as text for Spark to type."""
    rows = records.num_rows
    values, texts = {}, {}
    for name in layout.columns:
        said = records.column(name)
        value = typed(said, plain[name]) if name in plain else None
        if name in plain:
            values[name] = pa.nulls(rows, plain[name]) if value is None else value
        texts[name] = said if value is None else pa.nulls(rows, pa.string())
    others = {name: records.column(name) for name in LINEAGE}
    if layout.refuses_undeclared:
        others["_error"] = with_undeclared(others["_error"], others["_rescued"])
    text = pa.StructArray.from_arrays([*texts.values()], names=[*texts])
    return pa.RecordBatch.from_arrays([*values.values(), text, *others.values()], names=[*values, "_text", *others])
