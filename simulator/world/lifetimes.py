"""Becoming a customer, and ceasing to be one."""

from typing import TYPE_CHECKING

import numpy as np

from simulator.world.config import CHANNELS, NEVER
from simulator.world.identities import email_counts
from simulator.world.places import DAY_US, HOUR_US
from simulator.world.randomness import Array, Floats
from simulator.world.state import State
from simulator.world.traits import HATES, Traits

if TYPE_CHECKING:
    from simulator.world.week import Week

CONSENT_GIVEN = {"email": 0.75, "sms": 0.35, "push": 0.70, "onsite": 1.0, "ads": 0.8, "mail": 0.85}
MONTH, YEAR = 30, 365


def regime(traits: Traits, days: Array) -> Floats:
    """What their life has done to the log of each person's purchase rate, by day."""
    people = traits.people
    change = np.zeros((len(traits), len(days)))
    for since, first_days, log_rate, then in (
        (people.moved_day, 2 * MONTH, 0.4, -0.15),
        (people.married_day, 3 * MONTH, 0.3, 0.10),
        (people.child_born_day, 3 * YEAR, 0.35, 0.0),
        (people.job_lost_day, YEAR // 2, -0.7, 0.0),
    ):
        who = np.flatnonzero(since <= days[-1])
        age = days - since[who, None]
        change[who] += np.where(age < 0, 0.0, np.where(age < first_days, log_rate, then))
    return change


def survive(week: "Week", offence: Floats, after: State) -> Array:
    """By person and day: whether they are a customer. Hazard adds up until it reaches what they live through."""
    traits, state = week.traits, week.state
    log_hazard = offence + (0.8 * state.hurt * traits.touchiness)[:, None]
    is_customer = week.days >= traits.joined_day[:, None]
    since_first = week.days > traits.joined_day[:, None]  # whoever comes, buys once
    lived = state.lived[:, None] + np.cumsum(since_first * traits.mu[:, None] * np.exp(log_hazard), axis=1)
    has_gone = lived >= traits.lifetime[:, None]
    first_gone = week.monday + has_gone.argmax(axis=1)
    after.lived = lived[:, -1]
    after.gone_day = np.where(has_gone.any(axis=1), np.minimum(state.gone_day, first_gone), state.gone_day)
    return is_customer & ~has_gone


def sign_up(week: "Week", after: State) -> None:
    """What a person agrees to on becoming a customer; and the app, some weeks later."""
    traits, dice, person = week.traits, week.dice, week.person_id
    joined = traits.joined_day
    is_new = (joined >= week.monday) & (joined <= week.days[-1])
    if week.number == 0:
        is_new |= joined < week.monday
        tell_history(week)
    who = np.flatnonzero(is_new)
    when = joined[who] * DAY_US + 19 * HOUR_US + dice.below(HOUR_US, "sign-up time", person[who])
    for code, channel in enumerate(CHANNELS):
        asked = CONSENT_GIVEN[channel] * np.where(traits.attitude[who, code] == HATES, 0.5, 1.0)
        granted = dice.uniform("consent", person[who], code) < asked
        granted &= (channel != "push") | traits.uses_app[who]
        after.consents[who, code] = granted
        is_asked = np.flatnonzero(granted if channel != "email" else granted | True)
        if channel not in ("onsite", "ads"):
            week.happenings.add(
                "consents", who[is_asked], when[is_asked], channel=code, is_granted=granted[is_asked], source=0
            )
    email = CHANNELS.index("email")
    reads = who[after.consents[who, email] & (dice.uniform("newsletter", person[who]) < 0.6)]
    note(week, "newsletter", reads, traits.joined_day[reads])
    card = who[(dice.uniform("store card", person[who]) < 0.06) & (traits.segment[who] < 2)]
    note(week, "store card", card, traits.joined_day[card])
    installed = app_day(week)
    note(week, "app install", *in_this_week(week, installed))


def tell_history(week: "Week") -> None:
    """Who was a customer when the world began is known to some systems since then."""
    for kind, since in (("web account", week.state.account_day), ("loyalty", week.state.loyalty_day)):
        known = np.flatnonzero(since < week.monday)
        note(week, kind, known, since[known])


def app_day(week: "Week") -> Array:
    """The day on which each person installs the app."""
    traits = week.traits
    wait = week.dice.geometric(40, "app install", week.person_id)
    return np.where(traits.uses_app & (traits.joined_day < NEVER), traits.joined_day + wait, NEVER)


def in_this_week(week: "Week", day: Array) -> tuple[Array, Array]:
    inside = (day <= week.days[-1]) & ((day >= week.monday) | (week.number == 0))
    who = np.flatnonzero(inside)
    return who, day[who]


def note(week: "Week", kind: str, who: Array, day: Array) -> None:
    kinds = ("web account", "loyalty", "app install", "newsletter", "store card")
    person = week.person_id[who]
    time = 9 * HOUR_US + week.dice.below(12 * HOUR_US, f"{kind} at", person)
    week.happenings.add(
        "signups", who, day * DAY_US + time, kind=kinds.index(kind), email_slot=email_slot(week, who, kind),
        device_id=week.traits.devices[who, 0] if kind == "app install" else -1,
    )  # fmt: skip


def email_slot(week: "Week", who: Array, use: str) -> Array:
    """Which of their addresses people give: mostly the first, by the use it is for."""
    person = week.person_id[who]
    wanted = np.searchsorted(np.array([0.7, 0.93]), week.dice.uniform(f"address for {use}", person))
    return np.minimum(wanted, email_counts(week.dice, person) - 1)
