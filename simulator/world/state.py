"""What a person carries from one week into the next."""

from dataclasses import dataclass, fields, replace

import numpy as np

from simulator.world.config import APP, CHANNELS, EFFECT_DAYS, NEVER, STORE, Config
from simulator.world.events import Tables
from simulator.world.randomness import Array, Dice, Floats, Ints
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
        pending={},
    )
