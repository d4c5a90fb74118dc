"""What policies earn, beside each other: the same people with the same luck, to whom other things were said.

A world in a folder is put down with all that it needs, so a copy of the folder is the same world: let one platform act
on the one and another on the other, and their truths say what each earned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from simulator.world.truth import truth_path


@dataclass(frozen=True)
class Earned:
    """What was earned in a world's weeks from a day on: amounts are in cents.

    `more` is the profit beyond the first world's, and `give_or_take` twice its standard error over the people: what
    the same policy would have earned of other people like them may be so far off.
    """

    landing: Path
    weeks: int
    people: int
    actions: int
    orders: int
    spent: int
    profit: float
    more: float
    give_or_take: float


def compare(landings: Sequence[Path], since: date) -> list[Earned]:
    """The worlds must be copies of one, of which all have come as far as the others."""
    weeks = [weeks_of(landing, since) for landing in landings]
    problems = []
    for landing, (config, days, _) in zip(landings[1:], weeks[1:], strict=True):
        if config != weeks[0][0]:
            problems.append(f"  {landing}: expected a world of the same seed and people as {landings[0]}")
        elif days != weeks[0][1]:
            problems.append(f"  {landing}: expected weeks up to {weeks[0][1][-1:]}; found {days[-1:]}")
    if not weeks[0][1]:
        problems.append(f"  {landings[0]}: expected a week that begins on {since} or later and is over; found none")
    if problems:
        raise ValueError("\n".join(["Cannot compare these worlds:", *problems, "Let all of them come as far."]))
    first = weeks[0][2]["profit_cents"]
    found = []
    for landing, (_, days, of_people) in zip(landings, weeks, strict=True):
        more = of_people["profit_cents"] - first
        actions = pq.read_table(truth_path(landing) / "actions.parquet").to_pandas()
        found.append(
            Earned(
                landing=landing,
                weeks=len(days),
                people=len(of_people),
                actions=int((pd.to_datetime(actions["on"]) >= pd.Timestamp(since)).sum()),
                orders=int(of_people["orders"].sum()),
                spent=int(of_people["spent_cents"].sum()),
                profit=float(of_people["profit_cents"].sum()),
                more=float(more.sum()),
                give_or_take=float(2 * more.std() * np.sqrt(len(more))),
            )
        )
    return found


def weeks_of(landing: Path, since: date) -> tuple[str, list[date], pd.DataFrame]:
    """The world's configuration, the Sundays of its weeks from a day on, and by person what they came to."""
    truth = truth_path(landing)
    columns = ["person_id", "as_of_date", "orders", "spent_cents", "profit_cents"]
    first_sunday = since + timedelta(days=6)
    weeks = pq.read_table(truth / "weeks", columns=columns, filters=[("as_of_date", ">=", first_sunday)]).to_pandas()
    of_people = weeks.groupby("person_id")[columns[2:]].sum()
    return (truth / "config.json").read_text(), sorted(weeks["as_of_date"].unique()), of_people
