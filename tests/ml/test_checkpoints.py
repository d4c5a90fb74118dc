from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ml.checkpoints import Checkpoints, write_whole
from ml.workers import Workers


@dataclass(frozen=True)
class BesideOneAt(Workers):
    """A worker whose colleague has finished `other` epochs."""

    other: int = 0

    def gather(self, rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows, [self.other]])


def test_what_was_saved_is_loaded_bit_for_bit(tmp_path):
    weights = np.array([0.1, np.float32(1) / 3], dtype=np.float32)
    checkpoints = Checkpoints(tmp_path, Workers())

    checkpoints.save(2, {"weights": weights}, {"loss": 0.1})
    arrays, notes = checkpoints.load(2)

    assert arrays["weights"].tobytes() == weights.tobytes()
    assert notes == {"loss": 0.1}


def test_all_go_on_after_the_last_epoch_that_every_worker_has_finished(tmp_path):
    checkpoints = Checkpoints(tmp_path, BesideOneAt(size=2, other=1))
    for epoch in (1, 2):
        checkpoints.save(epoch, {}, None)

    assert checkpoints.newest() == 1


def test_without_any_checkpoint_training_starts_anew(tmp_path):
    assert Checkpoints(tmp_path, Workers()).newest() == 0


def test_a_worker_sees_only_its_own_checkpoints(tmp_path):
    Checkpoints(tmp_path, Workers(rank=1, size=2)).save(1, {}, None)

    assert Checkpoints(tmp_path, Workers(rank=0, size=2)).epochs() == []


def test_keep_deletes_all_others(tmp_path):
    checkpoints = Checkpoints(tmp_path, Workers())
    for epoch in (1, 2, 3, 4):
        checkpoints.save(epoch, {}, None)

    checkpoints.keep({2, 4, 9})

    assert checkpoints.epochs() == [2, 4]


def test_a_file_whose_writing_failed_is_not_there(tmp_path):
    def half(file):
        file.write(b"half")
        raise OSError("the disk is full")

    path = Path(tmp_path) / "whole"
    with pytest.raises(OSError, match="full"):
        write_whole(path, half)

    assert not path.exists()
