"""Processes that share the work end with the one that they work for."""

import subprocess
import sys

from tests.processes import ROOT

KILLED = """
import os, signal, time
from simulator.world.processes import pool_of
pool = pool_of(1)
pool.submit(os.getpid).result()
pool.submit(time.sleep, 300)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_who_works_for_a_process_that_is_killed_is_killed_too() -> None:
    """As long as it lives, it has the output open."""
    subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, timeout=60)
