"""What the platform does to people, and what of it falls on a week."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.world.config import CHANNELS, OFFERS
from simulator.world.randomness import Array, Ints


@dataclass(frozen=True)
class Actions:
    """One row per person, day and channel: an offer that is put to them."""

    person_id: Ints
    day: Ints
    channel: Ints
    offer: Ints

    @classmethod
    def none(cls) -> "Actions":
        return cls(*(np.empty(0, dtype=np.int64) for _ in range(4)))

    @classmethod
    def of(cls, table: pa.Table) -> "Actions":
        """From columns person_id, on (a date), channel and offer (their names)."""
        problems = [f"{name}: expected, found no such column" for name in ("person_id", "on", "channel", "offer")
                    if name not in table.column_names]  # fmt: skip
        if not problems:
            problems = unknown("channel", table["channel"].to_pylist(), CHANNELS)
            problems += unknown("offer", table["offer"].to_pylist(), OFFERS)
        if problems:
            raise ValueError("\n  ".join(["Cannot act on the world:", *problems]) + "\nCorrect the actions.")
        return cls(
            table["person_id"].to_numpy().astype(np.int64),
            table["on"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64),
            np.array([CHANNELS.index(name) for name in table["channel"].to_pylist()], dtype=np.int64),
            np.array([OFFERS.index(name) for name in table["offer"].to_pylist()], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.person_id)

    def where(self, chosen: Array) -> "Actions":
        return Actions(self.person_id[chosen], self.day[chosen], self.channel[chosen], self.offer[chosen])

    def within(self, first_person: int, last_person: int, first_day: int, last_day: int) -> "Actions":
        of_people = (self.person_id >= first_person) & (self.person_id <= last_person)
        return self.where(of_people & (self.day >= first_day) & (self.day <= last_day))

    def and_then(self, later: "Actions") -> "Actions":
        pairs = zip(self.columns, later.columns, strict=True)
        return Actions(*(np.concatenate([before, after]) for before, after in pairs))

    @property
    def columns(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.person_id, self.day, self.channel, self.offer


def unknown(column: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    odd = sorted(set(names) - set(known))
    return [f"{column}: expected one of {', '.join(known)}; found {', '.join(odd)}"] if odd else []
