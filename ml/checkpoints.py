"""Where training was when it stopped."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from ml.workers import Workers

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Checkpoints:
    """Each worker's state after each epoch, whole or not at all. A run can go on from the last that all have."""

    folder: Path
    workers: Workers

    def save(self, epoch: int, arrays: Arrays, notes: Any) -> None:
        write_whole(self.path(epoch), lambda file: np.savez(file, notes=np.array(json.dumps(notes)), **arrays))

    def load(self, epoch: int) -> tuple[dict[str, np.ndarray], Any]:
        with np.load(self.path(epoch), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return arrays, json.loads(str(arrays.pop("notes")))

    def newest(self) -> int:
        """The last epoch that every worker has finished; 0 at the start."""
        return self.workers.smallest(max(self.epochs(), default=0))

    def keep(self, epochs: Iterable[int]) -> None:
        """Delete all others. Another worker may be one epoch behind: keep the last two."""
        for epoch in set(self.epochs()) - set(epochs):
            self.path(epoch).unlink()

    def epochs(self) -> list[int]:
        return sorted(int(path.name.split("-")[1]) for path in self.folder.glob(f"epoch-*-{self.owner}.npz"))

    def path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:04}-{self.owner}.npz"

    @property
    def owner(self) -> str:
        return f"rank-{self.workers.rank:04}-of-{self.workers.size:04}"


def write_whole(path: Path, write: Any) -> None:
    """`write(file)` to a temporary file, then to one beside it, which takes the name only once all is on disk.

    The folder may be a volume of Databricks, which takes no writes out of order, as zip files need them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    with TemporaryFile() as whole, unfinished.open("wb") as file:
        write(whole)
        whole.seek(0)
        shutil.copyfileobj(whole, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
