"""The folder where ingest keeps how far it is: for one run at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InUseError(Exception):
    """A folder that another run has."""


@contextmanager
def held(folder: str) -> Iterator[None]:
    """Have the folder alone until the end, or until the process ends: a second run would work on the same loads, and of
    two streams Spark would stop the first in the midst of its work."""
    lock = Path(folder.rstrip("/") + ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError(
                f"Cannot take files in: expected {folder} for this run alone, found another run that has it.\n"
                "Wait for that to end, or stop it, or give this run a state folder of its own (--state)."
            ) from None
        except OSError:  # of a file system that knows no locks
            pass
        yield
