"""Ingest, killed at random moments of its work and started again, beside a ledger of all that was delivered.

`python -m tests.faults.killed` kills it 200 times. What goes on after a kill is the next to be killed, until a run gets
to its end: then each content must be there once, and none in part after any kill. Half of the kills come by the clock,
half right after a write.
"""

import random
import re
import time
from argparse import ArgumentParser
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyspark.sql import SparkSession

from tests.faults.campaign import Tally, finish, small_session
from tests.faults.deliveries import DECLARED, Deliveries, compare, parts, reader
from tests.faults.kills import Course, Lake, Moment, Step

INGEST = Step("ingest", ("--sources", str(DECLARED), "--memory", "1g", "ingest"), ("bronze",))
BEGINS = "Bronze: taking in"  # what it says when Spark is there and the work begins
ENDS = re.compile(r"([\d.]+) s in all")
ROUNDS = 6  # on one lake; then on a new one, whose tables and catalog are made under fire
MOST = 5  # kills until a run is left in peace


@dataclass
class Victim:
    """A lake whose ingest is killed, and how the last run went that got to its end."""

    lake: Lake
    deliveries: Deliveries
    course: Course = field(default_factory=lambda: Course(seconds=10.0, marks=20))

    def moment(self) -> Moment:
        return replace(self.course.moment(self.deliveries.chance), said=BEGINS)

    def is_killed(self) -> bool:
        """False where it got to its end."""
        before = self.lake.marks()
        if self.lake.kill(INGEST, self.moment()):
            return True
        self.learn(before)
        return False

    def finish(self) -> None:
        before = self.lake.marks()
        self.lake.run(INGEST)
        self.learn(before)

    def learn(self, before: set[Path]) -> None:
        output = self.lake.log.read_text()
        said = ENDS.search(output)
        assert said, f"ingest did not get to its end:\n{output[-4000:]}"
        self.course = Course(float(said[1]), len(self.lake.marks() - before))


def campaign(spark: SparkSession, folder: Path, *, kills: int, seed: int) -> Tally:
    chance = random.Random(seed)
    tally = Tally()
    lakes = 0
    while tally.faults < kills and tally.is_clean:
        lakes += 1
        home, landing = folder / f"lake_{lakes}", folder / f"landing_{lakes}"
        home.mkdir(parents=True)
        victim = Victim(Lake(home, landing), Deliveries(landing, chance))
        for _ in range(ROUNDS):
            if tally.faults < kills and tally.is_clean:
                one_round(spark, victim, tally, min(chance.randint(1, MOST), kills - tally.faults))
    return tally


def one_round(spark: SparkSession, victim: Victim, tally: Tally, most: int) -> None:
    started, killed = time.monotonic(), 0
    read = reader(spark, victim.lake.home)
    victim.deliveries.round()
    try:
        while killed < most and victim.is_killed():
            killed += 1
            if halves := parts(read, victim.deliveries):
                raise AssertionError("\n".join(["after a kill files are there in part:", *halves]))
            victim.deliveries.new()
        if killed == most:
            victim.finish()
        found = compare(read, victim.deliveries)
    except AssertionError as error:
        found = Tally(failed=[str(error)])
    found.faults = killed
    tally.faults += killed
    tally.add(found)
    seconds = time.monotonic() - started
    print(f"{victim.lake.home.name}: {found}; {seconds:.0f} s, {victim.course}", flush=True)


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.faults.killed", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="(200)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="by default another each time")
    parser.add_argument("--folder", type=Path, help="where to work; kept afterwards. By default a temporary one")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with small_session("killed", given.folder) as (spark, folder):
        tally = campaign(spark, folder, kills=given.kills, seed=given.seed)
    finish(kills_of_ingest=tally)


if __name__ == "__main__":
    main()
