"""A whole training run, for tests that kill it: `python -m tests.ml.churn.train_once ROWS RUN WORKERS [DIE_AFTER]`.

It kills itself (SIGKILL) in the middle of writing its checkpoint of the epoch DIE_AFTER.
"""

import os
import signal
import sys
from pathlib import Path

from ml.checkpoints import Checkpoints
from ml.churn.run import run
from tests.ml.churn.small import PARAMETERS


def main() -> None:
    rows_dir, run_dir, workers, *die_after = sys.argv[1:]
    if die_after:
        die(int(die_after[0]))
    if int(workers) > 1:
        from lakehouse.session import open_session
        from lakehouse.settings import Settings

        open_session(Settings(home=Path(run_dir).parent / "lake", cores=workers, memory="512m"))
    run(rows_dir, run_dir, PARAMETERS, workers=int(workers))


def die(epoch: int) -> None:
    path_of = Checkpoints.path

    def path(self: Checkpoints, number: int) -> Path:
        if number == epoch:
            (self.folder / f".epoch-{number:04}-{self.owner}.npz.unfinished").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        return path_of(self, number)

    Checkpoints.path = path  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
