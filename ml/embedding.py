"""What a model has learned of each single customer."""

from dataclasses import dataclass

import numpy as np


@dataclass
class CustomerEmbedding:
    """A vector per customer of this worker's shards, kept outside the network.

    A step costs as much as its batch has customers, however many there are: only their rows are read and written.
    A customer who was never trained has the zero vector, which is where all start.
    """

    core_ids: np.ndarray
    vectors: np.ndarray

    @classmethod
    def of(cls, core_ids: np.ndarray, size: int) -> "CustomerEmbedding":
        known = np.unique(core_ids)
        return cls(known, np.zeros((len(known), size), np.float32))

    def rows_of(self, core_ids: np.ndarray) -> np.ndarray:
        """Where each customer is; -1 for one who is not here."""
        if not len(self.core_ids):
            return np.full(len(core_ids), -1)
        rows = np.searchsorted(self.core_ids, core_ids).clip(max=len(self.core_ids) - 1)
        return np.where(self.core_ids[rows] == core_ids, rows, -1)

    def look_up(self, rows: np.ndarray) -> np.ndarray:
        vectors = self.vectors[rows]
        vectors[rows < 0] = 0
        return vectors

    def update(self, rows: np.ndarray, gradients: np.ndarray, *, rate: float, pull: float) -> None:
        """One step against the gradients of the customers' losses, and `pull` of the way back to zero."""
        touched, place = np.unique(rows[rows >= 0], return_inverse=True)
        summed = np.zeros((len(touched), self.vectors.shape[1]), np.float32)
        np.add.at(summed, place, gradients[rows >= 0])
        self.vectors[touched] -= rate * (summed + pull * self.vectors[touched])

    def forget(self) -> None:
        self.vectors[:] = 0
