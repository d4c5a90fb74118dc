import numpy as np
import pytest

from ml.workers import Workers, together


def test_every_shard_has_one_owner():
    shards = np.arange(16)

    owners = sum(Workers(rank, 3).owns(shards).astype(int) for rank in range(3))

    assert owners.tolist() == [1] * 16


def test_one_worker_works_in_this_process_and_asks_nobody():
    def work(workers: Workers, number: int) -> list[int]:
        return [workers.size, workers.sum([number])[0], workers.largest(number), workers.smallest(number)]

    assert together(work, 7, workers=1) == [1, 7, 7, 7]


def test_more_workers_than_cores_are_refused(spark):
    with pytest.raises(ValueError, match="expected at least 64, found 1"):
        together(print, workers=64)
