"""A small lakehouse that `orrery run` made in a process of its own, shared by the end-to-end tests of the whole job.

While it trained it was stopped for a moment, and its folder copied: that is what a kill at that point leaves behind.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from simulator import complete_journey
from simulator.warts import Manifest
from tests.faults.compare import GROCER, Contents, contents
from tests.faults.kills import Lake
from tests.processes import Running, Took

AS_OF = "2017-12-31"
HOUSEHOLDS = 60
WORKERS = "2"
RUN = ("run", "--as-of", AS_OF, "--workers", WORKERS)
IN_TRAINING = "state/**/epoch-0002-*.npz"


@dataclass(frozen=True)
class SmallLake:
    """The lake after the run; a copy of it `finished`, and one of when it was `in_training`."""

    lake: Lake
    manifest: Manifest
    took: Took
    output: str

    @property
    def home(self) -> Path:
        return self.lake.home

    @property
    def finished(self) -> Path:
        return self.lake.copies["finished"]

    def contents(self, spark: SparkSession) -> dict[str, Contents]:
        return contents(spark, self.finished)

    def versions(self) -> dict[str, int]:
        """Of every table in the warehouse, the marts among them."""
        logs = self.home.glob("warehouse/*.db/*/_delta_log")
        return {
            str(log.parent.relative_to(self.home / "warehouse")): max(int(each.stem) for each in log.glob("*.json"))
            for log in logs
        }

    @contextmanager
    def as_it_was(self, name: str) -> Iterator[Lake]:
        """The lake as a copy of it has it; afterwards as it was finished."""
        self.lake.put_back(name)
        try:
            yield self.lake
        finally:
            self.lake.put_back("finished")


def build(where: Path) -> SmallLake:
    lake = Lake(where / "lake", where / "landing", GROCER)
    manifest = complete_journey.write(lake.landing, households=HOUSEHOLDS, promotion_weeks=1)
    running = Running(lake.command(*RUN), where / "run.log")
    while not running.has_ended:
        if "in_training" not in lake.copies and any(lake.home.glob(IN_TRAINING)):
            running.freeze()
            lake.keep("in_training")
            running.thaw()
        time.sleep(0.05)
    took = running.wait()
    assert took.code == 0, running.output[-4000:]
    lake.keep("finished")
    return SmallLake(lake, manifest, took, running.output)
