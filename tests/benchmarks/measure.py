"""A piece of work in a fresh process: its own time and CPU, and what the process with all its children took."""

import json
import os
import platform
import subprocess
import sys
import time
import timeit
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from tests.processes import Took, run

PACKAGES = ("pyspark", "delta-spark", "tensorflow-cpu", "keras", "numpy", "pyarrow")


@dataclass(frozen=True)
class Measured:
    """`told` is what the work said of itself: its `seconds` and `cpu_seconds`, without the start of the session."""

    took: Took
    told: dict[str, Any]


def in_fresh_process(module: str, arguments: Sequence[object], log: Path) -> Measured:
    """Run `python -m module RESULT arguments...`, which writes what it has to say to RESULT as JSON."""
    result = log.with_suffix(".told.json")
    result.unlink(missing_ok=True)
    took = run([sys.executable, "-m", module, str(result), *map(str, arguments)], log)
    return Measured(took, json.loads(result.read_bytes()))


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """The wall time of the block, and the CPU time of this process and all that it started."""
    told: dict[str, float] = {}
    cpu, started = cpu_of_tree(), time.monotonic()
    yield told
    told["seconds"] = time.monotonic() - started
    told["cpu_seconds"] = cpu_of_tree() - cpu


def cpu_of_tree() -> float:
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def of_command(took: Took) -> dict[str, float]:
    return {"seconds": took.seconds, "cpu_seconds": took.cpu_seconds, "peak_gib": took.peak_bytes / 2**30}


def medians(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: median(row[name] for row in rows) for name in rows[0]}


def additions() -> int:
    """Tells machines of one processor apart: what others do on it can halve its speed."""
    total = 0
    for number in range(5_000_000):
        total += number
    return total


def machine() -> dict[str, str]:
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr.splitlines()
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "five million additions in Python": f"{median(timeit.repeat(additions, number=1, repeat=5)):.2f} s",
        "system": f"{platform.system()} {platform.release()}",
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE", "not set"),
        "java": java[0] if java else "not in PATH",
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }
