"""One week of one block of people: what it knows, and the order in which things happen.

A day depends on the state at the start of the week and on the days before it, never on a later one. So a week can be
lived again with what the platform has done since, and its past stays as it was.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.world import browsing, lifetimes, messaging, seasons, service, shopping
from simulator.world.actions import Actions
from simulator.world.config import Config
from simulator.world.events import Happenings, Tables, after_day, in_days, joined
from simulator.world.places import CITY_COUNTRY, CITY_ZONE
from simulator.world.randomness import Array, Dice, Floats, Ints
from simulator.world.state import State
from simulator.world.traits import Traits


@dataclass
class Week:
    config: Config
    traits: Traits
    state: State  # at its start
    number: int
    actions: Actions
    happenings: Happenings

    @cached_property
    def dice(self) -> Dice:
        return Dice(self.config.seed)

    @property
    def monday(self) -> int:
        return self.config.monday(self.number)

    @cached_property
    def days(self) -> Ints:
        return self.monday + np.arange(7)

    @property
    def person_id(self) -> Ints:
        return self.traits.people.person_id

    @cached_property
    def city(self) -> Array:
        people = self.traits.people
        return np.where(people.moved_day <= self.monday, people.new_city, people.city)

    @cached_property
    def zone(self) -> Array:
        return CITY_ZONE[self.city]

    @cached_property
    def demand(self) -> Floats:
        """By person and day: how much is bought where they live, beside a mean day."""
        return seasons.demand(self.days)[CITY_COUNTRY[self.city]]

    @cached_property
    def payday(self) -> Floats:
        return seasons.paydays(self.days)[CITY_COUNTRY[self.city]]


def live(
    config: Config, traits: Traits, state: State, number: int, actions: Actions, *, is_watched: bool = True
) -> tuple[State, Tables]:
    """The state after a week, and all that happened in it; unwatched, only what the weeks to come depend on."""
    week = Week(config, traits, state, number, actions, Happenings.of(traits.people.person_id, np.empty(0)))
    week.happenings.zone = week.zone
    after = state.copied()

    lifetimes.sign_up(week, after)
    browsed = browsing.browse_days(week)
    contacts = messaging.contacts(week, browsed)
    lift, offence = messaging.effects(week, contacts, after)
    alive = lifetimes.survive(week, offence, after)
    orders = shopping.orders(week, alive, lift, contacts, after)
    lines = shopping.lines(week, orders, after)
    shopping.pay(week, orders, after)
    clicks = messaging.reactions(week, contacts, alive, after)
    service.deliver(week, orders, after)
    if is_watched:
        browsing.visits(week, orders, lines, browsed, clicks, after)
        service.give_back(week, orders, lines)
        service.speak(week, orders, lines)

    everything = joined([state.pending, week.happenings.tables()])
    first = -(2**31) if number == 0 else week.monday  # with the first week comes what the systems knew before
    after.pending = after_day(everything, week.monday + 6)
    return after, in_days(everything, first, week.monday + 6)
