"""What a command took counts all that it started."""

import sys
from pathlib import Path

from tests.processes import run

UNWAITED = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # as Spark's parent of Python workers does
if not os.fork():
    while time.process_time() < 1.5:
        pass
else:
    time.sleep(3)
"""


def test_the_time_of_processes_that_nobody_waits_for_is_counted(tmp_path: Path) -> None:
    took = run([sys.executable, "-c", UNWAITED], tmp_path / "log")

    assert 0.9 < took.cpu_seconds < 2.5
