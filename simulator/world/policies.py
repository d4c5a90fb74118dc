"""What policies earn, beside each other: the same people with the same luck, to whom other things were said.

A world in a folder is put down with all that it needs, so a copy of the folder is the same world: let one platform act
on the one and another on the other, and their truths say what each earned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from simulator.world.config import day_number
from simulator.world.households import block_count
from simulator.world.profit import EARNED, ORDERS, SPENT
from simulator.world.run import kept


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
    """The worlds must be copies of one, of which all have come as far as the others. Weeks that are over count."""
    worlds = []
    for landing in landings:
        if (world := kept(landing)) is None:
            raise ValueError(f"Cannot compare these worlds:\n  {landing}: expected a world; found none\nSimulate it.")
        worlds.append(world)
    config, until = worlds[0].config, worlds[0].until
    first, end = config.week_of(day_number(since) + 6), config.week_of(worlds[0].next_day)
    problems = []
    for landing, world in zip(landings[1:], worlds[1:], strict=True):
        if world.config != config:
            problems.append(f"  {landing}: expected a world of the same seed and people as {landings[0]}")
        elif world.until != until:
            problems.append(f"  {landing}: expected days up to {until}; found {world.until}")
    if first >= end:
        problems.append(f"  {landings[0]}: expected a week that begins on {since} or later and is over; found none")
    if problems:
        raise ValueError("\n".join(["Cannot compare these worlds:", *problems, "Let all of them come as far."]))
    sums = np.zeros((len(worlds), 5))  # orders, spent, profit, profit beyond the first world's, and that squared
    for block in range(block_count(config)):
        totals = [world.lived(block).weekly[:, :, first:end].sum(axis=2, dtype=np.int64) for world in worlds]
        for at, total in enumerate(totals):
            more = (total[EARNED] - totals[0][EARNED]) / 100
            orders, spent, earned = (total[row].sum() for row in (ORDERS, SPENT, EARNED))
            sums[at] += (orders, spent, earned / 100, more.sum(), (more**2).sum())
    monday = config.monday(first)
    return [
        Earned(
            landing=landing,
            weeks=end - first,
            people=config.people,
            actions=int((world.actions.day >= monday).sum()),
            orders=int(orders),
            spent=int(spent),
            profit=float(profit),
            more=float(more),
            give_or_take=float(2 * np.sqrt(max(0.0, squares - more**2 / config.people))),
        )
        for landing, world, (orders, spent, profit, more, squares) in zip(landings, worlds, sums, strict=True)
    ]
