"""What the business earns of people: the margin of what they buy, less offers, points, parcels and contacts.

All currencies count alike, and returns are left out. It is held in hundredths of a cent, so that whatever the steps in
which a week is lived, its sum is the same.
"""

import numpy as np
from scipy.special import ndtr

from simulator.world.catalogue import (
    LEAST_CUT,
    MOST_CUT,
    PER_CATEGORY,
    PRODUCTS,
    PROMOTED_SHARES,
    Catalogue,
    catalogue,
    cost_cents,
    mean_of_weeks,
    mean_price_cut,
)
from simulator.world.choice import BUYS_AHEAD, EXTRA_UNITS, FROM_STAPLES, STOCK_UNITS, SWITCHES
from simulator.world.config import APP, CHANNELS, DISCOUNTS, MARKETPLACE, OFFERS, STORE, WEB, Config
from simulator.world.events import Tables
from simulator.world.randomness import Array, Floats, Ints
from simulator.world.shopping import FREE_FROM_CENTS, REDEEMS, SHIPPING_CENTS, SHOWS_CARD
from simulator.world.tastes import price_rank
from simulator.world.traits import Traits

CONTACT_CENTS = {"email": 0.10, "sms": 4.0, "push": 0.02, "onsite": 0.0, "ads": 0.0, "mail": 65.0}
PARCEL_CENTS = 420  # ads cost what each impression and click says
MICROS = 100  # in a hundredth of a cent
MEAN_AD_CENTS, MEAN_AD_CLICKS_CENTS = 2.5 * 0.23, 2.5 * 0.03 * 25  # of a contact by ads; by openness
DIFFERENT_STAPLES = 50  # of a person, on average
DRAWING_CUT = (  # the mean of the cuts that draw a purchase: the square of a cut on average, by the cut on average
    (LEAST_CUT**2 + LEAST_CUT * MOST_CUT + MOST_CUT**2) / 3 / ((LEAST_CUT + MOST_CUT) / 2)
)
PRICE_SPREAD = 0.35  # of the log value of baskets with as many lines
DOUBLE_POINTS, FREE_SHIPPING = OFFERS.index("double_points"), OFFERS.index("free_shipping")
SPENT, ORDERS, EARNED = range(3)


def weekly(config: Config, people: Ints, tables: Tables, first_week: int, weeks: int) -> Array:
    """By person of the block and week: cents that they spent, their orders, and what was earned in 1/100 cent."""
    found = np.zeros((3, len(people), weeks), dtype=np.int32)

    def add(row: int, table: str, amount: Array | int) -> None:
        columns = tables[table]
        week = (columns["day"].astype(np.int64) - config.monday(first_week)) // 7
        place = (columns["person_id"] - people[0]) * weeks + week
        total = np.bincount(place, np.broadcast_to(amount, place.shape), minlength=len(people) * weeks)
        found[row] += total.astype(np.int32).reshape(len(people), weeks)

    orders, lines = tables["orders"], tables["order_lines"]
    points = points_of(orders["total_cents"], orders["is_member"], orders["offer"] - 1)
    parcel = np.where(orders["channel"] == STORE, 0, PARCEL_CENTS)
    add(SPENT, "orders", orders["total_cents"])
    add(ORDERS, "orders", 1)
    add(EARNED, "orders", 100 * (orders["total_cents"] - points - parcel))
    add(EARNED, "order_lines", -100 * cost_cents(lines["product_id"], lines["unit_price_cents"]) * lines["quantity"])
    of_channel = np.round(100 * np.array([CONTACT_CENTS[name] for name in CHANNELS])).astype(np.int64)
    add(EARNED, "messages", -of_channel[tables["messages"]["channel"]])
    add(EARNED, "ad_events", -(tables["ad_events"]["cost_micros"].astype(np.int64) // MICROS))
    return found


def points_of(total_cents: Ints, is_member: Array, offer: Ints) -> Ints:
    """What an order collects. A point is worth a cent when it is spent, so it costs one when it is given."""
    return np.where(is_member, total_cents // 100 * np.where(offer == DOUBLE_POINTS, 2, 1), 0)


def expected_order_cents(config: Config, traits: Traits) -> Floats:
    """What an order of each person costs on average before offers and shipping, at the prices of the beginning."""
    goods = catalogue(config.seed)
    ahead, switched = bought_by_price(traits)
    units = 1 + EXTRA_UNITS
    drawn = ahead * (units + STOCK_UNITS) + switched * units
    reduction = drawn * DRAWING_CUT + (1 - ahead - switched) * units * mean_price_cut()
    return expected_basket(goods, traits, goods.price_cents) * (1 - reduction / (units + STOCK_UNITS * ahead))


def expected_basket(goods: Catalogue, traits: Traits, of_product: Ints) -> Floats:
    """What the products of an order of each person come to on average: lines x units x what `of_product` says."""
    regular = of_product[traits.staples].mean(axis=1)
    categories = traits.staples[:, ::4].astype(np.int64) // PER_CATEGORY
    chance, level = (np.arange(16) + 0.5) / 16, traits.spend_level[:, None]
    of_any = of_product.reshape(-1, PER_CATEGORY)[categories[:, :, None], price_rank(level, chance)[:, None]]
    brand = np.take_along_axis(traits.favourites, categories, axis=1)[:, :, None]
    rank = price_rank(level[:, None], chance, goods.of_brand[brand])
    of_favourite = of_product[goods.same_brand[brand, rank]]
    loyalty = traits.brand_loyalty
    other = loyalty * of_favourite.mean(axis=(1, 2)) + (1 - loyalty) * of_any.mean(axis=(1, 2))
    value = FROM_STAPLES * regular + (1 - FROM_STAPLES) * other
    lines = np.maximum(traits.lines * np.exp(traits.lines_sigma**2 / 2), 1.0)
    ahead, _ = bought_by_price(traits)
    return lines * (1 + EXTRA_UNITS + STOCK_UNITS * ahead) * value


def bought_by_price(traits: Traits) -> tuple[Floats, Floats]:
    """Of each person's lines, the shares bought ahead and switched to what is reduced, in mean weeks."""
    draws = traits.price_sensitivity * (LEAST_CUT + MOST_CUT) / 2 / MOST_CUT
    ahead, switched = (
        mean_of_weeks(*(1 - (1 - share) ** products for share in PROMOTED_SHARES))
        for products in (DIFFERENT_STAPLES, PER_CATEGORY)
    )
    return BUYS_AHEAD * draws * ahead, SWITCHES * draws * (1 - traits.brand_loyalty) * switched


def expected_shipping_cents(config: Config, traits: Traits) -> Floats:
    """What they pay for it in an order on average: baskets below a value, of the shop's site and app."""
    goods = catalogue(config.seed)
    typical = expected_basket(goods, traits, goods.price_cents) / np.exp(traits.lines_sigma**2 / 2)
    spread = np.sqrt(traits.lines_sigma**2 + PRICE_SPREAD**2)
    is_small = ndtr((np.log(FREE_FROM_CENTS) - np.log(typical)) / spread)
    shares = np.diff(traits.channel_edges, axis=1, prepend=0)
    return SHIPPING_CENTS * is_small * (shares[:, WEB] + shares[:, APP])


def expected_profit(config: Config, traits: Traits) -> tuple[Floats, Floats]:
    """What is earned of an order of each person on average; and by offer, what it costs when it is at hand."""
    value, shipping = expected_order_cents(config, traits), expected_shipping_cents(config, traits)
    shares = np.diff(traits.channel_edges, axis=1, prepend=0)
    of_seed = catalogue(config.seed)
    goods = expected_basket(of_seed, traits, cost_cents(np.arange(PRODUCTS), of_seed.price_cents))
    points = 0.01 * (value + shipping) * SHOWS_CARD * traits.wants_loyalty * (1 - shares[:, MARKETPLACE])
    earned = value + shipping - goods - PARCEL_CENTS * (1 - shares[:, STORE]) - points
    cost = value[:, None] * np.array(DISCOUNTS)
    cost[:, FREE_SHIPPING] += shipping
    cost[:, DOUBLE_POINTS] += points
    return earned, cost * REDEEMS[traits.response][:, None]


def contact_cents(traits: Traits) -> Floats:
    """By person and channel: what it costs to reach them."""
    cost = np.tile([CONTACT_CENTS[name] for name in CHANNELS], (len(traits), 1))
    ads = CHANNELS.index("ads")
    cost[:, ads] = MEAN_AD_CENTS + MEAN_AD_CLICKS_CENTS * traits.openness[:, ads]
    return cost
