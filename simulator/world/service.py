"""What follows a purchase: parcels, failures and the hurt they do, returns, and what people say."""

from typing import TYPE_CHECKING

import numpy as np

from simulator.world.catalogue import CATEGORIES, DEPARTMENTS, PER_CATEGORY
from simulator.world.config import STORE
from simulator.world.events import TOPICS
from simulator.world.places import DAY_US, FIRST_STORE, HOUR_US, STORES_IN_CITY
from simulator.world.randomness import Array, Ints
from simulator.world.shopping import Lines, Orders
from simulator.world.state import State

if TYPE_CHECKING:
    from simulator.world.week import Week

PROMISED_DAYS = 4
LATE, DAMAGED, LOST = 0.06, 0.008, 0.003
HURT_LEFT = 0.85  # of a hurt, a week later
RETURNED = {"fashion": 0.12, "electronics": 0.06, "home": 0.04, "baby": 0.03, "beauty": 0.02}
SHIPPED, DELAYED, IS_DAMAGED, DELIVERED, IS_LOST = range(5)


def deliver(week: "Week", orders: Orders, after: State) -> None:
    """Ship what was ordered online. A failure hurts from the next week on; some people call about it."""
    dice, traits = week.dice, week.traits
    sent = np.flatnonzero(orders.is_shipped)
    who, order_id, day = orders.who[sent], orders.order_id[sent], orders.day[sent]
    promised = day + PROMISED_DAYS
    is_busy = 1 + 1.5 * (week.demand[who, day - week.monday] > 1.4)
    fate = dice.uniform("parcel", order_id)
    is_late, is_damaged = fate < LATE * is_busy, fate > 1 - DAMAGED
    is_lost = (fate <= 1 - DAMAGED) & (fate > 1 - DAMAGED - LOST)
    shipped = (day + 1) * DAY_US + 6 * HOUR_US + dice.below(8 * HOUR_US, "shipped", order_id)
    wait = np.where(
        is_late, PROMISED_DAYS + 2 + dice.geometric(3, "late by", order_id), 2 + dice.below(3, "days", order_id)
    )
    arrived = (day + wait) * DAY_US + 9 * HOUR_US + dice.below(9 * HOUR_US, "arrived", order_id)
    for status, rows, at in (
        (SHIPPED, np.full(len(sent), True), shipped),
        (DELAYED, is_late, promised * DAY_US + 17 * HOUR_US),
        (IS_DAMAGED, is_damaged, arrived - HOUR_US),
        (IS_LOST, is_lost, (promised + 8) * DAY_US + 12 * HOUR_US),
        (DELIVERED, ~is_lost, arrived),
    ):
        chosen = np.flatnonzero(rows)
        week.happenings.add(
            "shipments", who[chosen], at[chosen], order_id=order_id[chosen], status=status,
            promised_day=promised[chosen], carrier=dice.below(3, "carrier", order_id[chosen]),
        )  # fmt: skip
    failed = is_late | is_damaged | is_lost
    severity = np.where(is_lost, 2.0, np.where(is_damaged, 1.5, 1.0)) * failed
    after.hurt = HURT_LEFT * week.state.hurt + np.bincount(who, weights=severity, minlength=len(traits))
    complains = np.flatnonzero(failed & (dice.uniform("complains", order_id) < 0.4 * traits.touchiness[who]))
    topic = np.where(is_lost, 2, np.where(is_damaged, 1, 0))[complains]
    at = np.where(is_damaged, arrived + 3 * HOUR_US, (promised + 1) * DAY_US + 10 * HOUR_US)[complains]
    call(week, who[complains], at, topic, order_id[complains], "complaint")


def call(week: "Week", who: Ints, local_us: Ints, topic: Ints, order_id: Ints, why: str) -> None:
    """A contact with care, by the way that the person prefers."""
    dice, person = week.dice, week.person_id[who]
    key = local_us // DAY_US
    kind = np.searchsorted(np.array([0.45, 0.75]), dice.uniform("way to care", person))
    angry = topic <= 2
    week.happenings.add(
        "care", who, local_us + dice.below(4 * HOUR_US, "calls at", person, key),
        contact_id=(order_id << 2) | (why == "question"), kind=kind, topic=topic,
        order_id=order_id, seconds=60 + dice.exponential(280, "talks", person, key),
        satisfaction=np.where(angry, 1, 3) + dice.below(3, "satisfied", person, key),
    )  # fmt: skip


def give_back(week: "Week", orders: Orders, lines: Lines) -> None:
    dice = week.dice
    per_department = len(CATEGORIES) // len(DEPARTMENTS)
    rates = np.array([RETURNED.get(name, 0.003) for name in DEPARTMENTS])
    department = lines.product // PER_CATEGORY // per_department
    order_id = orders.order_id[lines.order]
    back = np.flatnonzero(dice.uniform("returns", order_id, lines.line) < rates[department])
    order, order_id, line = lines.order[back], order_id[back], lines.line[back]
    day = orders.day[order] + 4 + dice.below(24, "returned", order_id, line)
    local_us = day * DAY_US + 10 * HOUR_US + dice.below(8 * HOUR_US, "returned at", order_id)
    week.happenings.add(
        "returns", orders.who[order], local_us, order_id=order_id, line=line + 1, product_id=lines.product[back],
        quantity=lines.quantity[back], amount_cents=lines.paid[back],
        reason=dice.choice((0.5, 0.2, 0.1, 0.2), "reason", order_id, line),
    )  # fmt: skip


def speak(week: "Week", orders: Orders, lines: Lines) -> None:
    """Questions, surveys, reviews, mentions, recommendations, and visits to the store without a purchase."""
    dice, traits = week.dice, week.traits
    who, order_id, local_us = orders.who, orders.order_id, orders.local_us
    mood = traits.touchiness[who] * week.state.hurt[who]
    asks = np.flatnonzero(dice.uniform("asks", order_id) < 0.012)
    topic = 3 + dice.below(len(TOPICS) - 3, "topic", order_id[asks])
    call(week, who[asks], local_us[asks] + 2 * DAY_US, topic, order_id[asks], "question")

    first_product = lines.product[lines.first] if len(orders) else order_id
    for kind, share, days, most in ((0, 0.03, 7, 10), (1, 0.01, 10, 5), (2, 0.025, 12, 5)):
        asked = np.flatnonzero((dice.uniform("survey", order_id, kind) < share) & ((kind == 0) | orders.is_shipped))
        pleased = 0.85 + 0.12 * dice.normal("score", order_id[asked], kind) - 0.3 * mood[asked]
        week.happenings.add(
            "surveys", who[asked], local_us[asked] + days * DAY_US, survey_id=order_id[asked] << 2 | kind, kind=kind,
            score=np.clip(np.round(pleased * most), 0 if kind == 0 else 1, most),
            product_id=-1 if kind == 0 else first_product[asked], order_id=order_id[asked],
        )  # fmt: skip
    talks = np.flatnonzero(dice.uniform("mentions", order_id) < 0.008 + 0.02 * (mood > 0.3))
    sentiment = np.where(mood[talks] > 0.3, 0, 1 + dice.below(2, "sentiment", order_id[talks]))
    week.happenings.add(
        "mentions", who[talks], local_us[talks] + DAY_US, kind=dice.choice((0.5, 0.2, 0.3), "mention", order_id[talks]),
        sentiment=sentiment,
    )  # fmt: skip
    recommend(week, orders)
    in_store = np.flatnonzero((orders.channel == STORE) & (dice.uniform("comes again", order_id) < 0.2))
    city = week.city[who[in_store]]
    home = (dice.uniform("home store", week.person_id[who[in_store]]) * STORES_IN_CITY[city]).astype(np.int64)
    week.happenings.add(
        "store_visits", who[in_store], local_us[in_store] + 3 * DAY_US, store_id=FIRST_STORE[city] + home,
        kind=dice.uniform("appointment", order_id[in_store]) < 0.05,
    )  # fmt: skip


def recommend(week: "Week", orders: Orders) -> None:
    """To another person of the block who is not a customer yet."""
    dice = week.dice
    says = np.flatnonzero(dice.uniform("recommends", orders.order_id) < 0.004)
    other = dice.below(len(week.traits), "to whom", orders.order_id[says])
    new: Array = week.traits.joined_day[other] > orders.day[says]
    says, other = says[new], other[new]
    week.happenings.add(
        "referrals", orders.who[says], orders.local_us[says] + DAY_US, referred_id=week.person_id[other]
    )
