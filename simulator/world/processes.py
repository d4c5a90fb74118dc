"""Processes that share the work."""

import ctypes
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

PR_SET_PDEATHSIG = 1


def pool_of(processes: int) -> ProcessPoolExecutor:
    """Processes that are killed with this one: what they write, the next run writes too."""
    return ProcessPoolExecutor(processes, get_context("spawn"), end_with, (os.getpid(),))


def end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before that
        os.kill(os.getpid(), signal.SIGKILL)
