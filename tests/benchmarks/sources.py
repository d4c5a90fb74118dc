"""All of a retailer's sources beside as many plain Structured Streaming queries, one after the other in one session.

Two jobs of each, in processes of their own: all files that arrived before the last day, and then that day's. The peer
is what one writes by hand for each source (`plain.py`), in a plain session and in ours; the files are without the
simulator's broken lines and re-deliveries, which the peer would land.
As a program: `python -m tests.benchmarks.sources RESULT ours|peer|tuned|check HOME LANDING`.
"""

import os
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pyspark.sql import SparkSession

from bronze.registry import declared_sources
from bronze.source import Source
from lakehouse.settings import Settings
from simulator.feeds import landing as feeds
from simulator.world.config import Config
from simulator.world.run import simulate
from tests.benchmarks import plain
from tests.benchmarks.ingest import as_program, digest, numbers, ours, table_of
from tests.benchmarks.measure import in_fresh_process, medians

PEOPLE, FEW_PEOPLE = 2_000, 300
BEGINS, LAST_DAY = date(2024, 7, 1), date(2024, 9, 30)  # a Monday that ends a month: on it the most sources deliver
JOBS = {"first": "the first load", "day": "one more day"}
CONTENDERS = ("peer", "tuned", "ours")  # `tuned` is the peer in our session
AIM = 5


def compare(folder: Path, *, runs: int, small: bool) -> dict[str, Any]:
    """Peer and ours in turn, `runs` times each; after the first of each their rows are checked to be the same."""
    files = make_world(folder, small=small)
    rows: dict[str, int] = {}
    of: dict[str, dict[str, list[dict[str, float]]]] = {who: {job: [] for job in JOBS} for who in CONTENDERS}
    for number in range(runs):
        for who in CONTENDERS:
            for job, took in once(who, folder).items():
                of[who][job].append(took)
                print(
                    f"  sources {number + 1}/{runs} {who}, {JOBS[job]}: {took['seconds']:.1f} s, "
                    f"CPU {took['cpu_seconds']:.1f} s",
                    flush=True,
                )
        rows = rows or checked(folder)
    for who in CONTENDERS:
        shutil.rmtree(folder / who)
    found = {who: {job: medians(took) for job, took in jobs.items()} for who, jobs in of.items()}
    faster = {who: {job: found[who][job]["seconds"] / found["ours"][job]["seconds"] for job in JOBS} for who in found}
    about = {
        "people": FEW_PEOPLE if small else PEOPLE,
        "files": files,
        "declared": len(declared_sources()),
        "sources": len(rows),
        "rows": sum(rows.values()),
    }
    return {**about, "runs": runs, **found, "ours is so many times faster": faster, "aim": AIM}


def once(who: str, folder: Path) -> dict[str, dict[str, float]]:
    """Both jobs in a lake of their own, which stays."""
    shutil.rmtree(folder / who, ignore_errors=True)
    landing = folder / who / "landing"
    took = {}
    for job in JOBS:
        linked(folder / job, landing)
        arguments = [who, folder / who, landing]
        took[job] = numbers(in_fresh_process("tests.benchmarks.sources", arguments, folder / f"{who}.{job}.log"))
    return took


def checked(folder: Path) -> dict[str, int]:
    """Of each source the rows of both, which must be the same as a multiset. Returns how many."""
    arguments = ["check", folder, folder / "ours" / "landing"]
    told = in_fresh_process("tests.benchmarks.sources", arguments, folder / "check.log").told
    differ = [name for name in told["ours"] if len({str(told[who][name]) for who in CONTENDERS}) > 1]
    assert not differ, f"they do not hold the same rows of {', '.join(differ)}: {told}"
    return {name: rows for name, (rows, _) in told["ours"].items()}


def make_world(folder: Path, *, small: bool) -> dict[str, int]:
    """A folder of files for each job. Returns how many."""
    world = folder / "world" / "landing"
    config = Config(people=FEW_PEOPLE if small else PEOPLE, begins_on=BEGINS)
    last_day = BEGINS + timedelta(days=14) if small else LAST_DAY
    flawless = {feed.name: replace(feed, wrong=()) for feed in feeds.FEEDS}
    with patch.object(feeds, "BY_NAME", flawless), patch.object(feeds, "FEEDS", tuple(flawless.values())):
        for job, until in (("first", last_day - timedelta(days=1)), ("day", last_day)):
            simulate(world, config, until, foresee_weeks=0)
            linked(world, folder / job, but=folder / "first")
    return {job: len(files_of(folder / job)) for job in JOBS}


def linked(files: Path, to: Path, *, but: Path | None = None) -> None:
    """The files in another folder too, but those that a third has."""
    for file in files_of(files):
        if but is None or not (but / file).exists():
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            os.link(files / file, to / file)


def files_of(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def delivered(landing: Path) -> list[Source]:
    """The sources of which a file has arrived: Spark's streams fail where there is no folder yet."""
    return [source for source in declared_sources() if any((landing / source.folder).glob(source.glob))]


# As a program


def peer(spark: SparkSession, settings: Settings, sources: list[Source] | None = None) -> None:
    spark.conf.set("spark.sql.legacy.javaCharsets", "true")  # for Windows-1252
    for source in delivered(Path(settings.landing_dir)) if sources is None else sources:
        plain.run(plain.stream(spark, source, settings.landing_dir), source.name, f"{settings.home}/checkpoints")


def check(spark: SparkSession, settings: Settings) -> dict[str, Any]:
    return {
        who: {
            source.name: digest(spark.read.format("delta").load(str(table_of(who, settings.home, source))), source)
            for source in delivered(Path(settings.landing_dir))
        }
        for who in CONTENDERS
    }


if __name__ == "__main__":
    as_program(
        {"ours": lambda spark, settings: ours(spark, settings, declared_sources()), "peer": peer, "tuned": peer},
        check,
        {"peer": plain.session},
    )
