"""Visits to the shop's site and app, and what is looked at in them: known by a cookie, at times by a log-in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.world.catalogue import PER_CATEGORY
from simulator.world.choice import FROM_STAPLES
from simulator.world.config import APP
from simulator.world.events import SOURCES
from simulator.world.identities import cookie_ids
from simulator.world.lifetimes import app_day
from simulator.world.messaging import ADS, EMAIL, MAIL, ONSITE, PUSH, SMS, Clicks
from simulator.world.places import DAY_US, HOUR_US
from simulator.world.randomness import Array, Ints
from simulator.world.shopping import ONLINE_HOURS, Lines, Orders, order_visit_id
from simulator.world.state import State
from simulator.world.tastes import STAPLES

if TYPE_CHECKING:
    from simulator.world.week import Week

LOOKS_AROUND_DAYS = 21  # before the first purchase
HOME, CATEGORY, PRODUCT, SEARCH, CART, CHECKOUT, CONFIRMATION = range(7)
SOURCE_OF = {EMAIL: "email", SMS: "sms", PUSH: "push", ADS: "ads", MAIL: "mail", ONSITE: "direct"}
MOST_PRODUCT_PAGES = 4  # of the products that are bought in a visit
MOST_IN_CART = 6
PHONE, COMPUTER, TABLET = range(3)


@dataclass
class Visits:
    """One row per visit. `order` is the place of the order that it ends in, -1 for none."""

    who: Ints
    visit_id: Ints
    local_us: Ints
    pages: Ints
    order: Ints


def browse_days(week: "Week") -> Array:
    """By person and day: whether they come to look around. Who has gone hardly does; who is about to come does."""
    traits = week.traits
    until_first = traits.joined_day[:, None] - week.days
    eager = np.where(until_first > LOOKS_AROUND_DAYS, 0.0, np.where(until_first > 0, 1.5, 1.0))
    there = np.where((week.state.gone_day < week.monday)[:, None], 0.05, eager)
    rate = traits.browsing[:, None] * week.demand * there
    return week.dice.uniform("browses", week.person_id[:, None], week.days) < -np.expm1(-rate)


def visits(week: "Week", orders: Orders, lines: Lines, browsed: Array, clicks: Clicks, after: State) -> None:
    dice = week.dice
    buying = np.flatnonzero(orders.is_online)
    looking, at = np.nonzero(browsed)
    day = week.days[at]
    looking_id = visit_ids(week, looking, day, 1)
    looking_us = day * DAY_US + dice.choice(ONLINE_HOURS, "browses at", looking_id) * HOUR_US
    looking_us += dice.below(HOUR_US, "browses at minute", looking_id)
    clicked_id = visit_ids(week, clicks.who, clicks.local_us // DAY_US, 2 + clicks.channel)
    count = np.array([len(buying), len(looking), len(clicked_id)])
    who = np.concatenate([orders.who[buying], looking, clicks.who])
    visit_id = np.concatenate([order_visit_id(orders.order_id[buying]), looking_id, clicked_id])
    order = np.concatenate([buying, np.full(count[1] + count[2], -1)])
    of_order = (
        np.where(order >= 0, np.minimum(orders.lines[order], MOST_PRODUCT_PAGES), 0) if len(orders) else 0 * order
    )
    pages = 1 + dice.geometric(2.2, "pages", visit_id)
    pages = np.where(order >= 0, of_order + 3, np.minimum(pages, 30))
    seconds = (pages * (8 + dice.exponential(35, "seconds a page", visit_id))).astype(np.int64)
    bought_us = orders.local_us[buying] - seconds[: len(buying)] * 1_000_000
    local_us = np.concatenate([np.maximum(bought_us, orders.day[buying] * DAY_US), looking_us, clicks.local_us])
    found = Visits(who, visit_id, local_us, pages, order)

    visit_day = local_us // DAY_US
    in_app = np.concatenate([orders.channel[buying] == APP, np.zeros(count[1] + count[2], dtype=bool)])
    in_app |= (app_day(week)[who] <= visit_day) & (order < 0) & (dice.uniform("in app", visit_id) < 0.5)
    device = devices(week, who, visit_id, in_app)
    has_account = after.account_day[who] <= visit_day
    logs_in = dice.uniform("logs in", visit_id) < np.where(in_app, 0.95, 0.35)
    is_guest = np.where(order >= 0, orders.is_guest[order], False) if len(orders) else order >= 0
    organic = dice.choice((0.55, 0.35, 0.10), "source", visit_id)
    of_click = np.array([SOURCES.index(SOURCE_OF[code]) for code in range(6)])[clicks.channel]
    week.happenings.add(
        "visits", who, local_us, visit_id=visit_id, channel=in_app, device_id=np.where(in_app, device, -1),
        cookie_id=np.where(in_app, -1, cookie_ids(dice, device, visit_day)),
        source=np.concatenate([organic[: count[0] + count[1]], of_click]),
        campaign_id=np.concatenate([np.full(count[0] + count[1], -1), clicks.campaign_id]),
        is_logged_in=np.where(order >= 0, ~is_guest, has_account & logs_in), pages=pages, seconds=seconds,
    )  # fmt: skip
    look_at_pages(week, found, lines, seconds)
    fill_carts(week, orders, lines)


def visit_ids(week: "Week", who: Ints, day: Ints, kind: Ints | int) -> Ints:
    return ((week.person_id[who] << 16) | (day - week.config.first_day)) << 3 | kind


def devices(week: "Week", who: Ints, visit_id: Ints, in_app: Array) -> Ints:
    """The app is on the phone; the site is opened on whatever is at hand, the household's tablet too."""
    own = week.traits.devices[who]
    chance = week.dice.uniform("device", visit_id)
    wanted = np.where(in_app | (chance < 0.45), PHONE, np.where(chance < 0.85, COMPUTER, TABLET))
    device = own[np.arange(len(who)), wanted]
    return np.where(device < 0, own[:, PHONE], device)


def look_at_pages(week: "Week", visits: Visits, lines: Lines, seconds: Ints) -> None:
    dice, traits = week.dice, week.traits
    visit = np.repeat(np.arange(len(visits.who)), visits.pages)
    nth = np.arange(len(visit)) - np.repeat(np.cumsum(visits.pages) - visits.pages, visits.pages)
    who, visit_id, order = visits.who[visit], visits.visit_id[visit], visits.order[visit]
    chance = dice.uniform("page", visit_id, nth)
    page = np.where(chance < 0.58, PRODUCT, np.where(chance < 0.80, CATEGORY, np.where(chance < 0.92, SEARCH, HOME)))
    from_end = visits.pages[visit] - nth
    is_buying = order >= 0
    closing = np.array([CONFIRMATION, CHECKOUT, CART])[np.minimum(from_end - 1, 2)]
    page = np.where(is_buying, np.where(from_end <= 3, closing, PRODUCT), page)
    bits = dice.bits("looks at", visit_id, nth)
    seen = traits.staples[who, (bits % np.uint64(STAPLES)).astype(np.int64)].astype(np.int64)
    other = ((bits >> np.uint64(8)) % np.uint64(PER_CATEGORY)).astype(np.int64)
    is_other = (bits >> np.uint64(40)).astype(np.float64) * 2.0**-24 > FROM_STAPLES
    seen = np.where(is_other, seen // PER_CATEGORY * PER_CATEGORY + other, seen)
    bought = np.flatnonzero(is_buying & (page == PRODUCT))
    seen[bought] = lines.product[lines.first[order[bought]] + nth[bought]]
    step = seconds * 1_000_000 // np.maximum(visits.pages, 1)
    local_us = visits.local_us[visit] + nth * step[visit]
    product = np.where(page == PRODUCT, seen, -1)
    category = seen // PER_CATEGORY
    week.happenings.add(
        "page_views", who, local_us, visit_id=visit_id, page=page, product_id=product, category=category
    )
    searched = np.flatnonzero(page == SEARCH)
    week.happenings.add(
        "searches", who[searched], local_us[searched], visit_id=visit_id[searched], term=category[searched],
        results=dice.below(60, "results", visit_id[searched], nth[searched]),
    )  # fmt: skip
    fate = dice.uniform("puts aside", visit_id, nth)
    left = np.flatnonzero((page == PRODUCT) & ~is_buying & (fate < 0.05))
    week.happenings.add(
        "carts", who[left], local_us[left], visit_id=visit_id[left], product_id=product[left], quantity=1, status=1
    )
    wished = np.flatnonzero((page == PRODUCT) & ~is_buying & (fate > 0.985))
    week.happenings.add(
        "wishlists", who[wished], local_us[wished], visit_id=visit_id[wished], product_id=product[wished]
    )


def fill_carts(week: "Week", orders: Orders, lines: Lines) -> None:
    """The first products of what is bought online: enough to tell a cart that ended well."""
    put = (
        np.flatnonzero(orders.is_online[lines.order] & (lines.line < MOST_IN_CART)) if len(lines.order) else lines.order
    )
    order = lines.order[put]
    at = np.maximum(orders.local_us[order] - 60_000_000, orders.day[order] * DAY_US)
    week.happenings.add(
        "carts", orders.who[order], at, visit_id=order_visit_id(orders.order_id[order]),
        product_id=lines.product[put], quantity=lines.quantity[put], status=0,
    )  # fmt: skip
