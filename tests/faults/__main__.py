"""`python -m tests.faults`: kill every step of the job again and again; not one row may be lost, doubled or changed."""

import os
import random
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.session import open_session
from lakehouse.settings import Settings
from simulator import complete_journey
from tests.faults.compare import GROCER, Contents, Difference, contents, differences
from tests.faults.kills import Course, Lake, Step, steps

AS_OF = "2017-12-31"


@dataclass
class Tally:
    """What became of the kills of one step."""

    step: str
    seconds: float
    kills: int = 0
    lost: int = 0
    duplicated: int = 0
    different: int = 0
    failed: int = 0

    def add(self, found: Sequence[Difference]) -> None:
        self.lost += sum(each.lost for each in found)
        self.duplicated += sum(each.duplicated for each in found)
        self.different += sum(each.different + bool(each.contract) for each in found)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicated or self.different or self.failed)


HEADER = f"{'step':<18} {'seconds':>8} {'kills':>6} {'lost':>6} {'duplicated':>10} {'different':>10} {'failed':>7}"


def main(arguments: list[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m tests.faults", description=__doc__)
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")  # as in the tests: short lives
    parser.add_argument("--kills", type=int, default=10, help="of each step (10)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--steps", help="only these, such as ingest,silver; those before run undisturbed")
    parser.add_argument("--households", type=int, default=60, help="of the small landing (60)")
    parser.add_argument("--folder", type=Path, help="where to work; kept afterwards. By default a temporary one")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="faults") as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        wanted = given.steps.split(",") if given.steps else None
        tallies = campaign(folder.absolute(), given.kills, given.seed, given.households, wanted)
    print(f"\n{HEADER}")
    for each in tallies:
        counts = f"{each.kills:>6} {each.lost:>6} {each.duplicated:>10} {each.different:>10} {each.failed:>7}"
        print(f"{each.step:<18} {each.seconds:>8.1f} {counts}")
    sys.exit(0 if all(each.is_clean for each in tallies) else 1)


def campaign(folder: Path, kills: int, seed: int, households: int, wanted: Sequence[str] | None) -> list[Tally]:
    complete_journey.write(folder / "landing", households=households, promotion_weeks=1)
    lake = Lake(folder / "lake", folder / "landing", GROCER)
    shutil.rmtree(lake.home, ignore_errors=True)
    lake.home.mkdir()
    plan = [step for step in steps(AS_OF) if wanted is None or step.name.split()[0] in wanted or step.name in wanted]
    before_or_wanted = steps(AS_OF)[: 1 + steps(AS_OF).index(plan[-1])]
    spark = open_session(Settings(home=folder / "comparing", cores="2", memory="1g"))
    try:
        return [
            tally
            for step in before_or_wanted
            if (tally := disturbed(spark, lake, step, kills if step in plan else 0, seed)).kills
        ]
    finally:
        spark.stop()


def disturbed(spark: SparkSession, lake: Lake, step: Step, kills: int, seed: int) -> Tally:
    """Run the step undisturbed; then, from the same beginning, kill it and run it again, as often as asked."""
    lake.keep("before")
    course = lake.run(step)
    after = lake.keep("after")
    known = contents(spark, after, step.layers)
    print(f"{step.name}: undisturbed {course.seconds:.1f} s, {course.marks} writes", flush=True)
    tally = Tally(step.name, course.seconds)
    chance = random.Random(f"{seed}/{step.name}")
    while tally.kills < kills:
        one_kill(spark, lake, step, course, chance, after, known, tally)
    lake.put_back("after")
    return tally


def one_kill(
    spark: SparkSession,
    lake: Lake,
    step: Step,
    course: Course,
    chance: random.Random,
    after: Path,
    known: dict[str, Contents],
    tally: Tally,
) -> None:
    """Every third kill is followed by one of the attempt to go on."""
    lake.put_back("before")
    moments = [course.moment(chance) for _ in range(2 if chance.random() < 1 / 3 else 1)]
    killed = [str(moment) for moment in moments if lake.kill(step, moment)]
    if not killed:
        return
    tally.kills += len(killed)
    try:
        lake.run(step)
    except AssertionError as error:
        tally.failed += 1
        print(f"  killed {', '.join(killed)}: cannot go on\n{error}", flush=True)
        lake.keep(f"failed_{step.arguments[0]}_{tally.kills}")
        return
    found = differences(spark, after, lake.home, known, step.layers)
    tally.add(found)
    print(f"  killed {', '.join(killed)}: {'; '.join(map(str, found)) or 'the same'}", flush=True)
    if found:
        lake.keep(f"differs_{step.arguments[0]}_{tally.kills}")


if __name__ == "__main__":
    main()
