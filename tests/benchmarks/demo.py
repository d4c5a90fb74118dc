"""How long `make demo` takes after set-up: two years of a made-up retailer, and the whole job on what it landed.

As its command runs it, in a lakehouse of its own; then once more, when nothing has changed.
"""

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from simulator.feeds.landing import manifest_path
from simulator.warts import Manifest
from tests.benchmarks.measure import of_command
from tests.processes import ROOT, Took, run

FEW = ("SIMULATED=world --processes 2 --people 60 --until 2025-03-31", "AS_OF=2025-03-31")
STAGE = re.compile(r"^(\w.*)\n(?:  .*\n)*?  +([\d.]+) s in all$", re.MULTILINE)


def whole(folder: Path, *, runs: int, small: bool) -> dict[str, Any]:
    """`runs` is of no matter here: a run takes minutes."""
    home = folder / "demo"
    shutil.rmtree(home, ignore_errors=True)
    first, log = made(folder, home, small=small)
    found = STAGE.findall(log)
    assert len(found) == log.count("s in all"), log
    stages: Counter[str] = Counter()
    for title, seconds in found:
        stages[title] += float(seconds)
    again, _ = made(folder, home, small=small)
    manifest = Manifest.from_json(manifest_path(home / "landing").read_bytes())
    shutil.rmtree(home)
    return {
        "feeds": len(manifest.totals),
        "files": len(manifest.files),
        "rows": sum(file.rows for file in manifest.files),
        "first": of_command(first),
        "again": of_command(again),
        "stages": stages,
    }


def made(folder: Path, home: Path, *, small: bool) -> tuple[Took, str]:
    log = folder / "demo.log"
    took = run(["make", "-C", str(ROOT), "demo", *(FEW if small else ())], log, {"ORRERY_HOME": str(home)})
    print(f"  demo: {took.seconds:.0f} s", flush=True)
    return took, log.read_text()
