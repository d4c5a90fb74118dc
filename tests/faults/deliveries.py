"""Files that arrive, with a ledger of all that was ever delivered: bronze and quarantine must equal it as multisets."""

import hashlib
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from bronze.ledger import FILES, LOADS, QUARANTINE
from bronze.registry import declared_sources
from lakehouse.tables import Table
from tests.faults.campaign import Tally
from tests.faults.compare import log_of, rows_of

DECLARED = Path(__file__).parent / "declared"
SOURCES = declared_sources(DECLARED)
FORMATS = {source.name: source.format for source in SOURCES}
NOW = 1_719_835_200
YEAR = 365 * 86_400
DISTURBED = 6  # files at most, before each round

Line = tuple[int, int]  # id and amount


def spelled(source: str, line: Line) -> str:
    """The line as its feed delivers it, and as quarantine keeps it."""
    if FORMATS[source] == "csv":
        return "{},{}".format(*line)
    return json.dumps(dict(zip(("id", "amount"), line, strict=True)), separators=(",", ":"))


def encoded(source: str, lines: list[Line]) -> bytes:
    if FORMATS[source] != "parquet":
        return "".join(f"{spelled(source, line)}\n" for line in lines).encode()
    file = BytesIO()
    schema = pa.schema([("id", pa.int32()), ("amount", pa.int32())])
    pq.write_table(pa.table([*zip(*lines, strict=True)], schema=schema), file)
    return file.getvalue()


@dataclass
class Deliveries:
    """What is in the landing folder, and the ledger: each content once, and each version of a file."""

    landing: Path
    chance: random.Random
    now: dict[str, list[Line]] = field(default_factory=dict)  # of each file that is there
    contents: set[tuple[str, tuple[Line, ...]]] = field(default_factory=set)
    of_file: defaultdict[str, list[list[Line]]] = field(default_factory=lambda: defaultdict(list))  # that it ever held
    versions: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)  # how often what was done to files
    number: int = 0

    def round(self) -> None:
        """Some files that are there are renamed, delivered again, copied, or written again with more lines; some come
        new. To be called when all that came before has landed: else no run would see what is written over."""
        for file in self.chance.sample(sorted(self.now), min(len(self.now) // 2, DISTURBED)):
            self.disturb(file)
        for source in FORMATS:
            self.new(source)

    def disturb(self, file: str) -> None:
        lines, source = self.now[file], file.partition("/")[0]
        beside = f"{source}/{self.count()}"
        what = self.chance.choice(("renamed", "again", "copied", "longer"))
        self.done[what] += 1
        match what:
            case "renamed":
                at = round((self.landing / file).stat().st_mtime)
                (self.landing / file).unlink()
                del self.now[file]
                self.put(beside, lines, at)
            case "again":
                self.put(file, lines)
            case "copied":
                self.put(beside, lines)
            case "longer":
                self.put(file, lines + self.lines())

    def new(self, source: str | None = None) -> None:
        source = source or self.chance.choice(sorted(FORMATS))
        self.done["new"] += 1
        self.put(f"{source}/{self.count()}", self.lines())

    def time(self) -> int:
        """A third of all come late, by up to a year: before what is there already."""
        is_late = self.chance.random() < 1 / 3
        self.done["late"] += is_late
        return NOW + self.count() - (self.chance.randint(1, YEAR) if is_late else 0)

    def lines(self) -> list[Line]:
        """Some lines, no two alike; of some the amount is refused."""
        return [(self.count(), self.chance.choice((1, 2, -1))) for _ in range(self.chance.randint(1, 4))]

    def count(self) -> int:
        self.number += 1
        return self.number

    def put(self, file: str, lines: list[Line], at: int | None = None) -> None:
        """The file is there at once, and whole, as one that is moved into the folder."""
        source = file.partition("/")[0]
        path, content, at = self.landing / file, encoded(source, lines), at or self.time()
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = path.with_name(f".{path.name}")
        hidden.write_bytes(content)
        os.utime(hidden, (at, at))
        hidden.rename(path)
        self.now[file] = lines
        self.of_file[file].append(lines)
        self.contents.add((source, tuple(lines)))
        self.versions[file, hashlib.sha256(content).hexdigest(), at] += 1


Read = Callable[[Table], DataFrame]


def reader(spark: SparkSession, home: Path) -> Read:
    """The tables of a lakehouse that other processes write: by path; one that is not there yet is empty."""

    def read(table: Table) -> DataFrame:
        return rows_of(spark, home, table) if log_of(home, table) else spark.createDataFrame([], table.schema)

    return read


LandedLine = tuple[str, str, int, str]  # of a source and file, by a load: its text


def landed_lines(read: Read) -> Iterator[LandedLine]:
    for source in SOURCES:
        for row in read(source.table).select("_file", "_load_id", "id", "amount").collect():
            yield source.name, row._file, row._load_id, spelled(source.name, (row.id, row.amount))


def refused_lines(read: Read) -> Iterator[LandedLine]:
    for row in read(QUARANTINE).select("source", "file", "load_id", "raw").collect():
        yield row.source, row.file, row.load_id, row.raw


def compare(read: Read, deliveries: Deliveries) -> Tally:
    """The ledger beside what is there once all has landed."""
    expected = Counter((source, spelled(source, line)) for source, lines in deliveries.contents for line in lines)
    found = Counter((source, text) for source, _, _, text in (*landed_lines(read), *refused_lines(read)))
    noted = Counter((row.file, row.content_hash, round(row.arrived_at.timestamp())) for row in read(FILES).collect())
    versions = deliveries.versions
    last = {(row.source, row.load_id): row.status for row in read(LOADS).orderBy("ended_at").collect()}
    return Tally(
        lost=(expected - found).total(),
        duplicated=(found - expected).total(),
        unflagged=(versions - noted).total()
        + (noted - versions).total()
        + sum(status != "landed" for status in last.values()),
    )


def parts(read: Read, deliveries: Deliveries) -> list[str]:
    """Files of which a load has brought a part. The good rows of a content land together, and then its refused ones: a
    kill may come between the two."""
    good, refused = by_load(landed_lines(read)), by_load(refused_lines(read))
    found = []
    for file, load_id in sorted(good.keys() | refused.keys()):
        source = file.partition("/")[0]
        there = good[file, load_id], refused[file, load_id]
        delivered = [split(source, lines) for lines in deliveries.of_file[file]]
        if not any(there in ((rows, others), (rows, Counter())) for rows, others in delivered):
            found.append(f"{file} of load {load_id}: {there[0].total()} good rows, {there[1].total()} refused")
    return found


def by_load(lines: Iterable[LandedLine]) -> defaultdict[tuple[str, int], Counter[str]]:
    found: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for _, file, load_id, text in lines:
        found[file, load_id][text] += 1
    return found


def split(source: str, lines: Sequence[Line]) -> tuple[Counter[str], Counter[str]]:
    """The lines that are good, and those that are refused."""
    good = Counter(spelled(source, line) for line in lines if line[1] >= 0)
    return good, Counter(spelled(source, line) for line in lines) - good
