"""What all campaigns have: a session over few rows, in a folder of its own; and what became of the faults."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pyspark.sql import SparkSession

from lakehouse.session import open_session
from lakehouse.settings import Settings
from tests.conftest import FOR_FEW_ROWS


@dataclass
class Tally:
    """What became of the faults. Unflagged: a version of a file that bronze.files lacks or has too often, a load that
    is not noted as landed, or a fault that was not named, or not in time."""

    faults: int = 0
    lost: int = 0
    duplicated: int = 0
    unflagged: int = 0
    failed: list[str] = field(default_factory=list)
    named_after: float = 0.0  # seconds, at most, where that is measured

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
        if self.named_after:
            counts += f", named after {self.named_after:.1f} s at most"
        return f"faults {self.faults}, {counts}" + (f", failed {len(self.failed)}" if self.failed else "")


@dataclass
class Outcome:
    """What became of a file: rows that were lost or doubled, and records that are not there as they should be."""

    kind: str
    lost: int = 0
    duplicated: int = 0
    unflagged: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicated or self.unflagged)


@contextmanager
def small_session(name: str, folder: Path | None = None) -> Iterator[tuple[SparkSession, Path]]:
    """A session, and the folder where it is at home; a temporary one where none is given."""
    with tempfile.TemporaryDirectory(prefix=name, ignore_cleanup_errors=True) as temporary:
        home = (folder or Path(temporary)).absolute()
        spark = for_few_rows(open_session(Settings(home=home, cores="2", memory="1g")))
        try:
            yield spark, home
        finally:
            spark.stop()


def for_few_rows(spark: SparkSession) -> SparkSession:
    for name, value in FOR_FEW_ROWS.items():
        spark.conf.set(name, value)
    return spark


def tally_of(outcomes: Sequence[Outcome]) -> Tally:
    """The outcomes, each of which is told as well."""
    for each in outcomes:
        print(f"{each.kind:<46} {'clean' if each.is_clean else each}")
    return Tally(
        faults=len(outcomes),
        lost=sum(each.lost for each in outcomes),
        duplicated=sum(each.duplicated for each in outcomes),
        unflagged=sum(len(each.unflagged) for each in outcomes),
    )


def finish(**tallies: Tally) -> NoReturn:
    """Tell all, and end with 1 where anything is wrong."""
    for tally in tallies.values():
        for error in tally.failed:
            print(error)
    for name, tally in tallies.items():
        print(f"{name.replace('_', ' ')}: {tally}")
    raise SystemExit(0 if all(each.is_clean for each in tallies.values()) else 1)


os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")  # as in the tests: short lives
