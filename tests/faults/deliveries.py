"""Files that arrive, with a ledger of all that was ever delivered: bronze and quarantine must equal it as multisets."""

import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from bronze.ledger import FILES, LOADS, QUARANTINE
from bronze.registry import declared_sources
from lakehouse.tables import Table
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
    versions: Counter[tuple[str, str, int]] = field(default_factory=Counter)
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
        match self.chance.choice(("rename", "again", "copy", "longer")):
            case "rename":
                (self.landing / file).unlink()
                del self.now[file]
                self.put(beside, lines)
            case "again":
                self.put(file, lines)
            case "copy":
                self.put(beside, lines, is_late=True)
            case "longer":
                self.put(file, lines + self.lines())

    def new(self, source: str | None = None) -> None:
        source = source or self.chance.choice(sorted(FORMATS))
        self.put(f"{source}/{self.count()}", self.lines(), is_late=self.chance.random() < 1 / 3)

    def lines(self) -> list[Line]:
        """Some lines, no two alike; of some the amount is refused."""
        return [(self.count(), self.chance.choice((1, 2, -1))) for _ in range(self.chance.randint(1, 4))]

    def count(self) -> int:
        self.number += 1
        return self.number

    def put(self, file: str, lines: list[Line], *, is_late: bool = False) -> None:
        """The file is there at once, and whole, as one that is moved into the folder; a late one up to a year late."""
        source = file.partition("/")[0]
        path, content = self.landing / file, encoded(source, lines)
        path.parent.mkdir(parents=True, exist_ok=True)
        at = NOW + self.count() - (self.chance.randint(1, YEAR) if is_late else 0)
        hidden = path.with_name(f".{path.name}")
        hidden.write_bytes(content)
        os.utime(hidden, (at, at))
        hidden.rename(path)
        self.now[file] = lines
        self.contents.add((source, tuple(lines)))
        self.versions[file, hashlib.sha256(content).hexdigest(), at] += 1


@dataclass
class Tally:
    """What became of the faults. Unflagged: a version of a file that bronze.files lacks or has too often, a load that
    is not noted as landed, or a fault that was not named in time."""

    faults: int = 0
    lost: int = 0
    duplicated: int = 0
    unflagged: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicated or self.unflagged or self.failed)

    def add(self, found: "Tally") -> None:
        self.lost += found.lost
        self.duplicated += found.duplicated
        self.unflagged += found.unflagged
        self.failed += found.failed

    def __str__(self) -> str:
        counts = f"lost {self.lost}, duplicated {self.duplicated}, unflagged {self.unflagged}"
        return f"faults {self.faults}, {counts}" + (f", failed {len(self.failed)}" if self.failed else "")


Read = Callable[[Table], DataFrame]


def reader(spark: SparkSession, home: Path) -> Read:
    """The tables of a lakehouse that other processes write: by path; one that is not there yet is empty."""

    def read(table: Table) -> DataFrame:
        return rows_of(spark, home, table) if log_of(home, table) else spark.createDataFrame([], table.schema)

    return read


def landed_rows(read: Read) -> Counter[tuple[str, str]]:
    return Counter(
        (source.name, spelled(source.name, (row.id, row.amount)))
        for source in SOURCES
        for row in read(source.table).select("id", "amount").collect()
    )


def compare(read: Read, deliveries: Deliveries) -> Tally:
    """The ledger beside what is there once all has landed."""
    expected = Counter((source, spelled(source, line)) for source, lines in deliveries.contents for line in lines)
    found = landed_rows(read) + Counter((row.source, row.raw) for row in read(QUARANTINE).collect())
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


def halves(read: Read, deliveries: Deliveries) -> int:
    """How many contents are there in part: their good rows must land together or not at all."""
    found = landed_rows(read)
    there = [
        [found[source, spelled(source, line)] for line in lines if line[1] >= 0]
        for source, lines in deliveries.contents
    ]
    return sum(0 < sum(counts) != len(counts) for counts in there)
