"""Purchases: whether and where a person buys on a day, what is in the basket, and how it is paid."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.world import seasons
from simulator.world.catalogue import list_prices, price_cuts
from simulator.world.choice import choose
from simulator.world.config import (
    APP,
    DISCOUNTS,
    EFFECT_DAYS,
    MARKETPLACE,
    NEVER,
    OFFERS,
    STORE,
    WEB,
)
from simulator.world.events import TENDERS
from simulator.world.lifetimes import app_day, email_slot, note, regime
from simulator.world.messaging import Contacts
from simulator.world.places import DAY_US, FIRST_STORE, HOUR_US, STORES_IN_CITY
from simulator.world.randomness import Array, Dice, Floats, Ints
from simulator.world.state import State

if TYPE_CHECKING:
    from simulator.world.week import Week

REDEEMS = np.array([0.7, 0.85, 0.4, 0.3])  # by response
STORE_HOURS = np.array([0] * 8 + [3, 5, 7, 8, 8, 7, 6, 7, 8, 10, 9, 6, 3] + [0] * 3)
ONLINE_HOURS = np.array([2, 1, 0.5, 0.3, 0.3, 0.5, 1, 2, 3, 4, 5, 5, 6, 5, 5, 5, 5, 6, 7, 8, 10, 10, 7, 4])
SHIPPING_CENTS, FREE_FROM_CENTS = 499, 3_500
SHOWS_CARD = 0.93  # of the orders of who is in the loyalty programme
POINTS_WORTH = 500  # a redemption takes as many points, and gives as many cents


@dataclass
class Orders:
    """One row per purchase of the week, by person and day; `who` is the place in the block."""

    who: Ints
    day: Ints
    order_id: Ints
    channel: Ints
    local_us: Ints
    offer: Ints  # redeemed; -1 for none
    campaign_id: Ints
    is_guest: Array
    is_member: Array
    lines: Ints
    gross: Ints
    discount: Ints
    shipping: Ints

    def __len__(self) -> int:
        return len(self.who)

    @property
    def total(self) -> Ints:
        return self.gross - self.discount + self.shipping

    @property
    def is_online(self) -> Array:
        return (self.channel == WEB) | (self.channel == APP)

    @property
    def is_shipped(self) -> Array:
        return self.channel != STORE


@dataclass
class Lines:
    """One row per line; `order` is the place among the orders."""

    order: Ints
    line: Ints
    product: Ints
    quantity: Ints
    paid: Ints
    first: Ints  # by order: the place of its first line


def orders(week: "Week", alive: Array, lift: Floats, contacts: Contacts, after: State) -> Orders:
    traits, dice, state = week.traits, week.dice, week.state
    first_ever = week.days == traits.joined_day[:, None]
    bought = (dice.uniform("buys", week.person_id[:, None], week.days) < chances(week, lift)) & alive
    who, at = np.nonzero(bought | first_ever)
    day = week.days[at]
    order_id = (week.person_id[who] << 16) | (day - week.config.first_day)
    last = np.full(len(traits), -NEVER)
    np.maximum.at(last, who, day)
    after.last_order_day = np.maximum(after.last_order_day, last)

    channel = (dice.uniform("sales channel", order_id)[:, None] > traits.channel_edges[who]).sum(axis=1)
    channel = np.where((channel == APP) & (app_day(week)[who] > day), WEB, channel)
    hours = np.where(
        channel == STORE, dice.choice(STORE_HOURS, "hour", order_id), dice.choice(ONLINE_HOURS, "hour", order_id)
    )
    local_us = day * DAY_US + hours * HOUR_US + dice.below(HOUR_US, "minute", order_id)

    account_day = signed_up(
        week, "web account", state.account_day, who, day, wants_account(week, who, order_id, channel)
    )
    wants = traits.wants_loyalty[who] & (dice.uniform("enrols", order_id) < np.where(channel == STORE, 0.6, 0.25))
    loyalty_day = signed_up(week, "loyalty", state.loyalty_day, who, day, wants)
    after.account_day, after.loyalty_day = account_day, loyalty_day
    is_online = (channel == WEB) | (channel == APP)
    offer, campaign = offers_at_hand(week, contacts, after)
    redeems = (offer[who, at] >= 0) & (dice.uniform("redeems", order_id) < REDEEMS[traits.response[who]])
    return Orders(
        who=who,
        day=day,
        order_id=order_id,
        channel=channel,
        local_us=local_us,
        offer=np.where(redeems, offer[who, at], -1),
        campaign_id=np.where(redeems, campaign[who, at], -1),
        is_guest=is_online & (account_day[who] > day),
        is_member=(loyalty_day[who] <= day)
        & (dice.uniform("shows card", order_id) < SHOWS_CARD)
        & (channel != MARKETPLACE),
        lines=basket_sizes(week, who, order_id),
        gross=np.zeros(len(who), dtype=np.int64),
        discount=np.zeros(len(who), dtype=np.int64),
        shipping=np.zeros(len(who), dtype=np.int64),
    )


def chances(week: "Week", lift: Floats) -> Floats:
    """By person and day: the chance to buy, for who is alive."""
    traits = week.traits
    log_rate = regime(traits, week.days) + lift - (0.4 * week.state.hurt * traits.touchiness)[:, None]
    rate = traits.lam[:, None] * week.demand * np.exp(log_rate)
    rate *= 1 + (traits.price_sensitivity * seasons.promotions(week.number))[:, None]
    rate *= 1 + traits.payday[:, None] * week.payday
    return -np.expm1(-rate)


def basket_sizes(week: "Week", who: Ints, order_id: Ints) -> Ints:
    traits = week.traits
    size = traits.lines[who] * np.exp(traits.lines_sigma[who] * week.dice.normal("basket", order_id))
    return np.clip(np.round(size), 1, 150).astype(np.int64)


def wants_account(week: "Week", who: Ints, order_id: Ints, channel: Ints) -> Array:
    chance = week.dice.uniform("as a guest", order_id)
    return ((channel == APP) | (channel == WEB)) & ((channel == APP) | (chance > week.traits.guest[who]))


def signed_up(week: "Week", kind: str, known: Ints, who: Ints, day: Ints, wants: Array) -> Ints:
    """Since when each person is known to a system: the first day on which they wanted to be."""
    since = known.copy()
    np.minimum.at(since, who[wants], day[wants])
    new = np.flatnonzero(since < known)
    note(week, kind, new, since[new])
    return since


def offers_at_hand(week: "Week", contacts: Contacts, after: State) -> tuple[Ints, Ints]:
    """By person and day: the newest offer that they can redeem, from the day after it was made."""
    state = week.state
    offer, campaign, until = state.offer.copy(), state.offer_campaign.copy(), state.offer_until.copy()
    by_day, campaign_by_day = (np.empty((len(offer), 7), dtype=np.int64) for _ in range(2))
    for at, day in enumerate(week.days):
        by_day[:, at] = np.where(until >= day, offer, -1)
        campaign_by_day[:, at] = campaign
        made = np.flatnonzero((contacts.at == at) & (contacts.offer > 0))
        who = contacts.who[made]
        offer[who], campaign[who], until[who] = contacts.offer[made], contacts.campaign_id[made], day + EFFECT_DAYS
    after.offer, after.offer_campaign, after.offer_until = offer, campaign, until
    return by_day, campaign_by_day


def lines(week: "Week", orders: Orders, after: State) -> Lines:
    """What is in each basket; and with it, what the orders come to."""
    first = np.cumsum(orders.lines) - orders.lines
    order = np.repeat(np.arange(len(orders)), orders.lines)
    line = np.arange(len(order)) - first[order]
    who, order_id = orders.who[order], orders.order_id[order]
    prices, cuts = list_prices(week.config.seed, week.number), price_cuts(week.config.seed, week.number)
    product, quantity = choose(week, orders, order, line, cuts, after)
    value = prices[product] * quantity
    offer_share = np.append(DISCOUNTS, 0.0)[orders.offer]
    reduced = np.round(value * cuts[product]).astype(np.int64)
    coupon = np.round((value - reduced) * offer_share[order]).astype(np.int64)
    orders.gross = sums(order, value, len(orders))
    orders.discount = sums(order, reduced + coupon, len(orders))
    is_free = (orders.offer == OFFERS.index("free_shipping")) | (orders.gross >= FREE_FROM_CENTS)
    orders.shipping = np.where(orders.is_online & ~is_free, SHIPPING_CENTS, 0)
    week.happenings.add(
        "order_lines", who, orders.local_us[order], order_id=order_id, line=line + 1, product_id=product,
        quantity=quantity, unit_price_cents=prices[product], discount_cents=reduced + coupon, is_coupon=coupon > 0,
    )  # fmt: skip
    return Lines(order, line, product, quantity, value - reduced - coupon, first)


def sums(place: Ints, values: Ints, count: int) -> Ints:
    return np.bincount(place, weights=values, minlength=count).astype(np.int64)


def pay(week: "Week", orders: Orders, after: State) -> None:
    dice, traits = week.dice, week.traits
    who, order_id, total = orders.who, orders.order_id, orders.total
    city = week.city[who]
    store = FIRST_STORE[city] + (dice.uniform("home store", week.person_id[who]) * STORES_IN_CITY[city]).astype(
        np.int64
    )
    week.happenings.add(
        "orders", who, orders.local_us, order_id=order_id, channel=orders.channel,
        store_id=np.where(orders.channel == STORE, store, -1),
        visit_id=np.where(orders.is_online, order_visit_id(order_id), -1), is_guest=orders.is_guest,
        is_member=orders.is_member, lines=orders.lines, gross_cents=orders.gross, discount_cents=orders.discount,
        shipping_cents=orders.shipping, total_cents=total, offer=orders.offer + 1, campaign_id=orders.campaign_id,
        email_slot=email_slot(week, who, "checkout"),
    )  # fmt: skip
    main = tender(dice, orders)
    uses_points = orders.is_member & (week.state.points[who] >= POINTS_WORTH) & (total > POINTS_WORTH)
    uses_points &= (dice.uniform("pays with points", order_id) < 0.08) & (np.diff(who, prepend=-1) > 0)
    card_slot = (dice.uniform("card", order_id) < 0.2).astype(np.int8)
    gift = (dice.uniform("gift card", order_id) < 0.02) & ~uses_points & (total > 2_000)
    aside = np.where(uses_points, POINTS_WORTH, np.where(gift, total // 2, 0))
    week.happenings.add(
        "payments", who, orders.local_us, order_id=order_id, tender=main, amount_cents=total - aside,
        card_slot=np.where(main == TENDERS.index("card"), card_slot, -1),
    )  # fmt: skip
    second = np.flatnonzero(aside)
    with_what = np.where(uses_points, TENDERS.index("points"), TENDERS.index("gift card"))[second]
    week.happenings.add(
        "payments", who[second], orders.local_us[second], order_id=order_id[second], tender=with_what,
        amount_cents=aside[second], card_slot=-1,
    )  # fmt: skip
    disputed = np.flatnonzero((main == TENDERS.index("card")) & (dice.uniform("chargeback", order_id) < 0.0015))
    week.happenings.add(
        "chargebacks", who[disputed], orders.local_us[disputed] + 21 * DAY_US, order_id=order_id[disputed],
        amount_cents=total[disputed],
    )  # fmt: skip
    double = np.where(orders.offer == OFFERS.index("double_points"), 2, 1)
    points = np.where(orders.is_member, total // 100 * double, 0)
    collect = np.flatnonzero(points > 0)
    for kind, rows, amount in (
        (0, collect, points),
        (1, np.flatnonzero(uses_points), np.full(len(who), -POINTS_WORTH)),
    ):
        week.happenings.add(
            "loyalty", who[rows], orders.local_us[rows], kind=kind, points=amount[rows], order_id=order_id[rows]
        )
    after.points = week.state.points + sums(who, points - POINTS_WORTH * uses_points, len(traits))


def tender(dice: Dice, orders: Orders) -> Ints:
    in_store = dice.choice((0.68, 0.22, 0.10), "tender", orders.order_id)
    online = np.where(dice.uniform("tender", orders.order_id) < 0.62, TENDERS.index("card"), TENDERS.index("wallet"))
    return np.where(orders.channel == STORE, in_store, online)


def order_visit_id(order_id: Ints) -> Ints:
    """Visits are numbered by person, day and kind: the one in which the person buys is kind 0."""
    return order_id << 3
