"""What each person is like as a customer: the parameters that the world acts by, and that models try to learn."""

from dataclasses import dataclass

import numpy as np

from simulator.world.catalogue import DEPARTMENTS, catalogue
from simulator.world.config import (
    CHANNELS,
    EFFECT_DAYS,
    NEVER,
    OFFERS,
    RESPONSE_SHARES,
    RESPONSES,
    SEGMENTS,
    Config,
)
from simulator.world.households import ADULT_AGE, YEAR, Members, members
from simulator.world.identities import device_ids
from simulator.world.randomness import Array, Dice, Floats, Ints
from simulator.world.tastes import favourites, staples, taste_shares

MOST_A_DAY = 1.2  # orders, as a rate
ALREADY_CUSTOMERS = 0.45  # when the world begins; the others join later
LIKES, IGNORES, HATES = range(3)


@dataclass(frozen=True)
class Customs:
    """When people come, how often they buy, and how long they stay: Pareto/NBD."""

    people: Members
    segment: Ints
    joined_day: Ints  # the day of the first purchase; NEVER for who is a child on it
    lam: Floats  # orders a day while alive, on a mean day
    mu: Floats  # hazard of drop-out a day
    lifetime: Floats  # how much hazard they live through: exponential of mean 1


@dataclass(frozen=True)
class Traits(Customs):
    """By person of a block."""

    lines: Floats  # the median basket
    lines_sigma: Floats  # the spread of the person's baskets in log
    spend_level: Floats  # standard normal: which of a category's products they choose
    staples: Ints  # products: one row of STAPLES a person
    tastes: Array  # by department: the share of their lines
    favourites: Ints  # by category: a product of the brand they like best
    brand_loyalty: Floats  # the chance that they choose it
    price_sensitivity: Floats  # the share of their lines on which they go by price
    payday: Floats  # how much they wait for one
    channel_edges: Floats  # cumulative shares of SALES_CHANNELS
    attitude: Ints  # by channel: LIKES, IGNORES or HATES
    openness: Floats  # by channel: the chance that a message is seen
    fatigue: Floats  # how fast messages wear off
    response: Ints
    log_lift: Floats  # by channel and offer: of the purchase rate, for EFFECT_DAYS
    hazard_lift: Floats  # of the hazard in log, by any action that reaches a sleeping dog
    touchiness: Floats  # how much a service failure hurts
    browsing: Floats  # visits a day beside those that buy
    guest: Floats  # the chance to buy without an account
    wants_loyalty: np.ndarray
    uses_app: np.ndarray
    devices: Ints  # phone, computer, shared tablet; -1 for none

    def __len__(self) -> int:
        return len(self.segment)


def of_segments(name: str, segment: Ints) -> Floats:
    return np.array([getattr(one, name) for one in SEGMENTS])[segment]


def customs(config: Config, dice: Dice, people: Members) -> Customs:
    person = people.person_id
    segment = dice.choice([segment.share for segment in SEGMENTS], "segment", person)
    r, alpha, s, beta = (of_segments(name, segment) for name in ("r", "alpha", "s", "beta"))
    return Customs(
        people=people,
        segment=segment,
        joined_day=joining(config, dice, people),
        lam=np.minimum(dice.gamma(r, alpha * 7, "rate", person), MOST_A_DAY),
        mu=dice.gamma(s, beta * 7, "hazard", person),
        lifetime=dice.exponential(1.0, "lifetime", person),
    )


def traits(config: Config, block: int) -> Traits:
    dice = Dice(config.seed)
    people = members(config, block)
    person = people.person_id
    custom = customs(config, dice, people)
    segment, lam = custom.segment, custom.lam
    attitude = dice.choice((0.45, 0.38, 0.17), "attitude", person[:, None], np.arange(len(CHANNELS)))
    uses_app = dice.uniform("app", person) < np.array([0.5, 0.35, 0.15])[segment]
    openness = opennesses(dice, person, attitude)
    openness[~uses_app, CHANNELS.index("push")] = 0.0
    response = dice.choice(RESPONSE_SHARES, "response", person)
    level = dice.normal("spend level", person)
    tastes = taste_shares(dice, person, segment)
    favourite = favourites(dice, person, level)
    loyalty = dice.uniform("brand loyalty", person)
    return Traits(
        **vars(custom),
        lines=of_segments("lines", segment)
        * np.exp(of_segments("lines_between", segment) * dice.normal("lines", person)),
        lines_sigma=of_segments("lines_within", segment),
        spend_level=level,
        staples=staples(dice, catalogue(config.seed), person, tastes, favourite, loyalty, level),
        tastes=tastes.reshape(len(person), len(DEPARTMENTS), -1).sum(axis=2).astype(np.float32),
        favourites=favourite,
        brand_loyalty=loyalty,
        price_sensitivity=0.8 * dice.uniform("price sensitivity", person) ** 2,
        payday=0.6 * dice.uniform("payday", person) ** 2,
        channel_edges=channel_edges(dice, person, segment),
        attitude=attitude,
        openness=openness,
        fatigue=0.1 + 0.4 * dice.uniform("fatigue", person),
        response=response,
        log_lift=log_lifts(dice, person, response, lam, openness),
        hazard_lift=np.where(response == RESPONSES.index("sleeping_dog"), 0.5, 0.0),
        touchiness=0.3 + 1.2 * dice.uniform("touchiness", person),
        browsing=0.35 * np.minimum(lam, 0.5) ** 0.6 * np.exp(0.5 * dice.normal("browsing", person)),
        guest=dice.uniform("guest", person) ** 1.5,
        wants_loyalty=dice.uniform("loyalty", person) < np.array([0.85, 0.6, 0.3])[segment],
        uses_app=uses_app,
        devices=np.stack(device_ids(dice, people), axis=1),
    )


def joining(config: Config, dice: Dice, people: Members) -> Ints:
    """Some were customers for up to a year when the world began; others join later, if they are no children then."""
    chance = dice.uniform("joining", people.person_id)
    before = config.first_day - 1 - (chance / ALREADY_CUSTOMERS * 365).astype(np.int64)
    later = -np.log((1 - chance).clip(1e-9) / (1 - ALREADY_CUSTOMERS)) * config.joining_days
    day = np.where(chance < ALREADY_CUSTOMERS, before, config.first_day + later.astype(np.int64))
    is_adult = day - people.born_day >= ADULT_AGE * YEAR
    return np.where(is_adult, day, NEVER)


def opennesses(dice: Dice, person: Ints, attitude: Ints) -> Floats:
    low, high = np.array([[0.35, 0.02, 0.0], [0.85, 0.15, 0.02]])[:, attitude]
    return low + (high - low) * dice.uniform("openness", person[:, None], np.arange(len(CHANNELS)))


def channel_edges(dice: Dice, person: Ints, segment: Ints) -> Floats:
    typical = np.array([[3.0, 0.6, 0.5, 0.1], [1.4, 1.2, 0.6, 0.3], [0.7, 1.4, 0.3, 0.5]])[segment]
    weights = dice.gamma(typical, 1.0, "sales channel", person[:, None], np.arange(typical.shape[1]))
    edges = np.cumsum(weights, axis=1)
    return edges / edges[:, -1:]


def log_lifts(dice: Dice, person: Ints, response: Ints, lam: Floats, openness: Floats) -> Floats:
    """The effect of each action on each person: none on sure things and lost causes.

    A persuadable's lift is such that an action that is seen and liked adds a personal number of orders, whatever their
    own rate; a sleeping dog loses a personal share of theirs.
    """
    channel, offer = np.arange(len(CHANNELS))[:, None], np.arange(len(OFFERS))
    appeal = np.array([0.4, 1.0, 1.6, 0.8, 0.7]) * np.exp(
        0.4 * dice.normal("appeal", person[:, None, None], channel, offer)
    )
    seen = openness[:, :, None] / 0.6
    added = 0.12 * np.exp(0.5 * dice.normal("persuadable", person))[:, None, None] * appeal * seen
    persuaded = np.minimum(np.log1p(added / (lam * EFFECT_DAYS)[:, None, None]), 3.0)
    annoyed = (
        -0.5 * np.exp(0.4 * dice.normal("annoyed", person))[:, None, None] * np.sqrt(seen + 0.1) * np.ones(len(OFFERS))
    )
    kind = response[:, None, None]
    return np.select(
        [kind == RESPONSES.index("persuadable"), kind == RESPONSES.index("sleeping_dog")], [persuaded, annoyed], 0.0
    ).astype(np.float32)
