"""What the platform does to people, and what of it falls on a week.

A person is named by their number, or by a record of them in a source, which is all that a platform can know.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

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

    def without(self, known: "Actions") -> "Actions":
        """Those that are not known already, each once."""
        both = np.stack(known.and_then(self).columns)
        first = np.unique(both, axis=1, return_index=True)[1]
        new = np.sort(first[first >= len(known)]) - len(known)
        return Actions(*(column[new] for column in self.columns))

    @property
    def columns(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.person_id, self.day, self.channel, self.offer


def with_people(decided: pa.Table, truth: Path) -> pa.Table:
    """Decisions about records (columns source and record_id) as decisions about whom the truth knows them to be.

    A record that is several people's, as the cookie of a household's tablet, is the first one's.
    """
    if "person_id" in decided.column_names or not {"source", "record_id"} <= set(decided.column_names):
        return decided
    known = [pd.DataFrame(columns=["source", "record_id", "person_id"])]
    wanted = pc.unique(decided["record_id"].cast("string"))
    for source in pc.unique(decided["source"].cast("string")).to_pylist():
        for path in sorted((truth / f"records/source={source}").glob("*.parquet")):
            for told in pq.ParquetFile(path).iter_batches():
                found = told.filter(pc.is_in(told["record_id"], wanted))
                known.append(found.to_pandas().assign(source=source))
    people = pd.concat(known).groupby(["source", "record_id"], as_index=False)["person_id"].min()
    found = (
        decided.to_pandas()
        .astype({"source": str, "record_id": str})
        .merge(people, how="left", on=["source", "record_id"])
    )
    lost = found[found["person_id"].isna()]
    if len(lost):
        example = f"{lost['record_id'].iloc[0]} of {lost['source'].iloc[0]}"
        problem = f"  record_id: expected records of this world; found {len(lost):,} others, as {example}"
        raise ValueError("\n".join(["Cannot act on the world:", problem, "Correct the actions."]))
    return pa.Table.from_pandas(found.astype({"person_id": "int64"}), preserve_index=False)


def unknown(column: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    odd = sorted(set(names) - set(known))
    return [f"{column}: expected one of {', '.join(known)}; found {', '.join(odd)}"] if odd else []
