"""What a person carries from one week into the next, and what is kept of a block of people on disk."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from simulator.world.config import APP, CHANNELS, EFFECT_DAYS, NEVER, STORE, Config
from simulator.world.events import EVENTS, Tables
from simulator.world.randomness import Array, Dice, Floats, Ints
from simulator.world.tastes import STAPLES
from simulator.world.traits import Traits

LONG_AGO = -NEVER


@dataclass
class State:
    """By person of a block, at the start of a week; and the rows that have been set in motion for later days."""

    lived: Floats  # hazard lived through: gone when it reaches the person's lifetime
    gone_day: Ints  # the first day on which they will not buy again
    lift: Floats  # of the log purchase rate, for each of the days to come
    offended: Floats  # of the log hazard, for each of the days to come
    contacts: Floats  # messages of late: what wears off
    hurt: Floats  # by service failures of late
    consents: Array  # by channel
    account_day: Ints
    loyalty_day: Ints
    last_order_day: Ints
    points: Ints
    offer: Ints  # an offer that can be redeemed: -1 for none
    offer_campaign: Ints
    offer_until: Ints
    stocked: Array  # by staple: the weeks that what they have at home will last
    pending: Tables

    def copied(self) -> "State":
        columns = {f.name: getattr(self, f.name).copy() for f in fields(self) if f.name != "pending"}
        return replace(self, **columns, pending=dict(self.pending))


def at_the_beginning(config: Config, traits: Traits) -> State:
    """Who was a customer before has lived through some hazard, and may be gone already."""
    count = len(traits)
    tenure = np.maximum(config.first_day - traits.joined_day, 0)
    lived = traits.mu * tenure
    already = traits.joined_day < config.first_day
    dice, person = Dice(config.seed), traits.people.person_id
    online = np.minimum(2 * (traits.channel_edges[:, APP] - traits.channel_edges[:, STORE]), 1)
    has_account = already & (dice.uniform("account before", person) < (1 - traits.guest) * online)
    day_gone = traits.joined_day + np.ceil(np.minimum(traits.lifetime / traits.mu, NEVER / 2)).astype(np.int64)
    return State(
        lived=lived,
        gone_day=np.where(already & (lived >= traits.lifetime), day_gone, NEVER),
        lift=np.zeros((count, EFFECT_DAYS)),
        offended=np.zeros((count, EFFECT_DAYS)),
        contacts=np.zeros(count),
        hurt=np.zeros(count),
        consents=np.zeros((count, len(CHANNELS)), dtype=bool),
        account_day=np.where(has_account, traits.joined_day, NEVER),
        loyalty_day=np.where(already & traits.wants_loyalty, traits.joined_day, NEVER),
        last_order_day=np.where(already, traits.joined_day, LONG_AGO),
        points=np.zeros(count, dtype=np.int64),
        offer=np.full(count, -1),
        offer_campaign=np.full(count, -1),
        offer_until=np.full(count, LONG_AGO),
        stocked=np.zeros((count, STAPLES), dtype=np.int8),
        pending={},
    )


@dataclass(frozen=True)
class Lived:
    """What has become of the people of a block."""

    state: State  # at the start of the week of the first day that is still to come
    weekly: Array  # what came of each week: see profit.py

    def write(self, path: Path) -> None:
        state = self.state
        columns = {f.name: getattr(state, f.name) for f in fields(state) if f.name != "pending"}
        for table, rows in state.pending.items():
            columns |= {f"pending/{table}/{name}": values for name, values in rows.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, weekly=self.weekly, **columns)

    @classmethod
    def read(cls, path: Path) -> "Lived":
        with np.load(path, allow_pickle=False) as columns:
            pending: Tables = {table: {} for table in EVENTS if f"pending/{table}/at" in columns}
            for name in columns.files:
                if name.startswith("pending/"):
                    _, table, column = name.split("/")
                    pending[table][column] = columns[name]
            state = {f.name: columns[f.name] for f in fields(State) if f.name != "pending"}
            return cls(State(**state, pending=pending), columns["weekly"])
