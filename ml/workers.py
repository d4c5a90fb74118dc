"""Who trains together. Models are given `Workers`; whether these are Horovod's, they do not know."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Workers:
    """One of `size` processes that train together; `rank` is its number. This one is alone: it has nothing to ask."""

    rank: int = 0
    size: int = 1

    def owns(self, shards: np.ndarray) -> np.ndarray:
        """Which of these shards are this worker's. Nobody else sees their customers, nor trains their embedding."""
        return shards % self.size == self.rank

    def sum(self, tensors: Sequence[Any]) -> list[Any]:
        """The sum of each tensor over all workers, the same bits on each of them. Can be called in a tf.function."""
        return list(tensors)

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """The rows of all workers, in the order of their ranks."""
        return rows

    def smallest(self, number: int) -> int:
        return int(self.gather(np.array([number])).min())

    def largest(self, number: int) -> int:
        return int(self.gather(np.array([number])).max())


class HorovodWorkers(Workers):
    """Processes that Horovod started."""

    @classmethod
    def join(cls) -> "HorovodWorkers":
        import horovod.tensorflow as hvd

        hvd.init()
        return cls(rank=hvd.rank(), size=hvd.size())

    def sum(self, tensors: Sequence[Any]) -> list[Any]:
        """All tensors as one: a single exchange, in one order."""
        import horovod.tensorflow as hvd
        import tensorflow as tf

        flat = tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)
        summed = hvd.allreduce(flat, op=hvd.Sum, name="sum")
        parts = tf.split(summed, [int(np.prod(tensor.shape)) for tensor in tensors])
        return [tf.reshape(part, tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]

    def gather(self, rows: np.ndarray) -> np.ndarray:
        import horovod.tensorflow as hvd

        gathered: np.ndarray = hvd.allgather(rows, name="gather").numpy()
        return gathered


def together(work: Callable[..., Any], *arguments: Any, workers: int) -> Any:
    """What `work(workers, *arguments)` returns to rank 0, done by this many processes: this one, if it is alone.

    More than one run as tasks of the active Spark session, by horovod.spark.
    """
    if workers == 1:
        return work(Workers(), *arguments)
    import horovod.spark
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    cores = session.sparkContext.defaultParallelism if session else 0
    if cores < workers:
        raise ValueError(
            f"Cannot start {workers} Horovod workers:\n"
            f"  cores of the Spark session: expected at least {workers}, found {cores}\n"
            "Give fewer workers, or more cores (ORRERY_CORES)."
        )
    results = horovod.spark.run(joined, args=(work, *arguments), num_proc=workers, use_gloo=True, verbose=0)
    return results[0]


def joined(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(HorovodWorkers.join(), *arguments)
