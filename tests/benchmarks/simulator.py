"""How long the simulated retailer takes at scale: all feeds' files and the truth of 100,000 people; rows of a million.

Each once, as its command takes it, in a process of its own with two for the work.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.warts import Manifest
from tests.benchmarks.measure import of_command
from tests.processes import Took, run

PEOPLE, ROWS_OF = 100_000, 1_000_000


def at_scale(folder: Path, *, runs: int, small: bool) -> dict[str, Any]:
    """`runs` is of no matter here: a run takes minutes, and its bytes are the same each time."""
    return {"world": world(folder, 200 if small else PEOPLE), "rows": rows(folder, 5_000 if small else ROWS_OF)}


def world(folder: Path, people: int) -> dict[str, Any]:
    home = folder / "world"
    shutil.rmtree(home, ignore_errors=True)
    took, log = simulated(folder, "world", "--landing", home / "landing", "--people", people)
    manifest = Manifest.from_json((home / "world_manifest.json").read_bytes())
    counts = dict(counted(log))
    found = {
        "people": people,
        "feeds": len(manifest.totals),
        "files": len(manifest.files),
        "rows": sum(file.rows for file in manifest.files),
        "gib": sum(file.bytes for file in manifest.files) / 2**30,
        "order_lines": counts["order_lines"],
        **of_command(took),
    }
    shutil.rmtree(home)
    print(f"  world of {people:,} people: {took.seconds:.0f} s, {found['peak_gib']:.1f} GiB", flush=True)
    return found


def rows(folder: Path, people: int) -> dict[str, Any]:
    home = folder / "rows"
    took, log = simulated(folder, "rows", home, "--people", people)
    total = sum(count for _, count in counted(log))
    shutil.rmtree(home)
    print(f"  rows of {people:,} people: {total / took.seconds:,.0f} rows/s", flush=True)
    return {"people": people, "rows": total, "rows_per_second": total / took.seconds, **of_command(took)}


def simulated(folder: Path, *arguments: object) -> tuple[Took, str]:
    log = folder / f"simulate_{arguments[0]}.log"
    command = [sys.executable, "-m", "simulator.cli", *map(str, arguments), "--processes", "2"]
    return run(command, log), log.read_text()


def counted(log: str) -> Iterator[tuple[str, int]]:
    for line in log.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].replace(",", "").isdigit():
            yield words[0], int(words[1].replace(",", ""))
