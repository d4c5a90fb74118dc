"""Randomness that is looked up, not drawn: a hash of the seed, the purpose and whom it is about.

A person's chance of a purpose on a day is the same number whatever else is simulated: in whatever order, by however
many processes, in however many steps, and whatever the platform does to other people. That is what lets two policies be
compared on the same luck (common random numbers).
"""

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

Array = NDArray[Any]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@lru_cache(maxsize=4096)
def purpose_key(seed: int, purpose: str) -> np.ndarray:
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
    return np.array([int.from_bytes(digest, "little")], dtype=np.uint64)


def mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64, in place: every bit of the input changes half of the output's."""
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


class Dice:
    """Chance by purpose and key. Keys are broadcast against each other: give the coarse ones first."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def bits(self, purpose: str, *keys: Any) -> NDArray[np.uint64]:
        hashed = purpose_key(self.seed, purpose)
        for key in keys:
            scrambled = np.atleast_1d(np.asarray(key)).astype(np.uint64) * GOLDEN
            hashed = mixed(np.atleast_1d(hashed + scrambled))
        return hashed

    def uniform(self, purpose: str, *keys: Any) -> Floats:
        """Above 0 and below 1."""
        bits = self.bits(purpose, *keys)
        bits >>= np.uint64(12)
        chance = bits.astype(np.float64)
        chance += 0.5
        chance *= 2.0**-52
        return chance

    def normal(self, purpose: str, *keys: Any) -> Floats:
        return ndtri(self.uniform(purpose, *keys))

    def gamma(self, shape: Any, rate: Any, purpose: str, *keys: Any) -> Floats:
        return gammaincinv(shape, self.uniform(purpose, *keys)) / rate

    def exponential(self, mean: Any, purpose: str, *keys: Any) -> Floats:
        return -np.log(self.uniform(purpose, *keys)) * mean

    def below(self, stop: Any, purpose: str, *keys: Any) -> Ints:
        """A whole number from 0 up to, not including, `stop`."""
        return (self.uniform(purpose, *keys) * stop).astype(np.int64)

    def geometric(self, mean: Any, purpose: str, *keys: Any) -> Ints:
        """How many more than none: 0, 1, 2, ... with the given mean."""
        return np.floor(np.log(self.uniform(purpose, *keys)) / np.log1p(-1 / (1 + np.asarray(mean)))).astype(np.int64)

    def choice(self, weights: Any, purpose: str, *keys: Any) -> Ints:
        """An index into `weights`: one list of weights for all."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        return np.searchsorted(edges / edges[-1], self.uniform(purpose, *keys), side="right")
