"""The same files taken in by 2 to 8 runs at once, over one lake, while more arrive: renamed, again, longer, late.

`python -m tests.faults.at_once` goes on for several rounds. Each content must land once, and each version of a file be
noted. Runs are threads with a session and a state folder of their own: the local catalog lets in one process, and on a
local disk Delta keeps only the writers of one process apart. Then whole processes start at once: all but the one that
has it must say so, and change nothing.
"""

import random
import time
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from pyspark.sql import SparkSession

from bronze.ingest import ingest
from lakehouse.delta import Lakehouse
from lakehouse.settings import Settings
from tests.faults.campaign import Tally, finish, for_few_rows, small_session
from tests.faults.deliveries import SOURCES, Deliveries, compare, reader
from tests.faults.killed import INGEST
from tests.faults.kills import Lake
from tests.processes import Running

IN_USE = ("Another process has this lakehouse open", "found another run that has it")  # of its catalog, or its state


def campaign(spark: SparkSession, folder: Path, home: Path, *, rounds: int, most: int, seed: int) -> Tally:
    """Faults are the versions of files that all runs were given at once."""
    chance = random.Random(seed)
    deliveries = Deliveries(folder / "landing", chance)
    tally = Tally()
    for number in range(rounds):
        deliveries.round()
        runs = chance.randint(2, most)
        lakes = [own_lake(spark, home, folder / f"state {at}") for at in range(runs)]
        tally.failed += at_once(lakes, deliveries)
        tally.failed += run(lakes[0])  # and once more, for what arrived too late for all of them
        found = compare(lakes[0].read, deliveries)
        tally.add(found)
        print(f"round {number + 1}, {runs} runs: {found}", flush=True)
        if not found.is_clean:
            break
    tally.faults = deliveries.versions.total()
    print(f"files: {', '.join(f'{count} {what}' for what, count in sorted(deliveries.done.items()))}", flush=True)
    return tally


def processes(spark: SparkSession, folder: Path, *, rounds: int, most: int, seed: int) -> Tally:
    """Faults are the processes."""
    chance = random.Random(seed)
    lake = Lake(folder / "lake", folder / "landing")
    lake.home.mkdir(parents=True)
    deliveries = Deliveries(lake.landing, chance)
    tally = Tally()
    for number in range(rounds):
        deliveries.round()
        runs = chance.randint(2, most)
        started = [Running(lake.command(*INGEST.arguments), folder / f"{at}.log") for at in range(runs)]
        refused = [each.output for each in started if each.wait().code]
        tally.failed += [output[-2000:] for output in refused if not any(each in output for each in IN_USE)]
        lake.run(INGEST)
        found = compare(reader(spark, lake.home), deliveries)
        tally.add(found)
        tally.faults += runs
        print(f"round {number + 1}, {runs} processes, {len(refused)} not let in: {found}", flush=True)
        if not tally.is_clean:
            break
    return tally


def own_lake(spark: SparkSession, home: Path, state: Path) -> Lakehouse:
    session = for_few_rows(spark.newSession())
    return Lakehouse(session, Settings(home=home, landing=str(state.parent / "landing"), state=str(state)))


def at_once(lakes: list[Lakehouse], deliveries: Deliveries) -> list[str]:
    begin = Barrier(len(lakes) + 1)
    with ThreadPoolExecutor(len(lakes)) as pool:
        runs = [pool.submit(run, lake, begin) for lake in lakes]
        begin.wait()
        for _ in range(2):
            time.sleep(deliveries.chance.random())
            deliveries.new()
    return [error for each in runs for error in each.result()]


def run(lake: Lakehouse, begin: Barrier | None = None) -> list[str]:
    """What failed."""
    failed: list[str] = []
    if begin:
        begin.wait()
    try:
        ingest(lake, SOURCES, on_landed=lambda landed: failed.append(landed.error) if landed.error else None)
    except Exception as error:
        failed.append(f"{type(error).__name__}: {error}"[:1000])
    return failed


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.faults.at_once", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="(20)")
    parser.add_argument("--most", type=int, default=8, help="runs at once (8)")
    parser.add_argument("--processes", type=int, default=5, help="rounds of whole processes (5)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="by default another each time")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    with small_session("at_once") as (spark, folder):
        tally = campaign(spark, folder, folder, rounds=given.rounds, most=given.most, seed=given.seed)
        others = processes(spark, folder / "processes", rounds=given.processes, most=4, seed=given.seed)
    finish(versions_of_files_taken_in_by_runs_at_once=tally, processes_at_once=others)


if __name__ == "__main__":
    main()
