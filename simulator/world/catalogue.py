"""What the business sells: departments, categories, and products in the order of their price within a category."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from simulator.world.config import Config
from simulator.world.randomness import Dice, Floats, Ints
from simulator.world.seasons import PROMOTION_EVERY, is_promotion

DEPARTMENTS: dict[str, tuple[str, ...]] = {
    "grocery": ("pasta", "cereal", "coffee", "snacks", "soup", "baking", "sauces", "spreads"),
    "fresh": ("bread", "milk", "cheese", "fruit", "vegetables", "meat", "fish", "eggs"),
    "drinks": ("water", "juice", "soda", "beer", "wine", "tea", "spirits", "smoothies"),
    "household": ("detergent", "paper", "cleaning", "bins and bags", "light bulbs", "candles", "air care", "laundry"),
    "beauty": ("shampoo", "skin care", "make-up", "fragrance", "oral care", "shaving", "sun care", "bath"),
    "baby": ("nappies", "baby food", "wipes", "bottles", "baby clothes", "prams", "baby toys", "baby care"),
    "home": ("bedding", "kitchenware", "lamps", "storage", "decoration", "towels", "garden", "tools"),
    "fashion": ("shirts", "trousers", "dresses", "shoes", "jackets", "underwear", "accessories", "sports wear"),
    "electronics": ("phones", "headphones", "cables", "cameras", "wearables", "computers", "gaming", "audio"),
    "media": ("books", "music", "films", "toys", "board games", "stationery", "puzzles", "gift cards"),
}
PRICES = (3.2, 3.6, 4.5, 6.0, 9.0, 11.0, 18.0, 24.0, 48.0, 15.0)  # a department's typical price
COSTS = (0.72, 0.70, 0.66, 0.68, 0.55, 0.66, 0.58, 0.48, 0.80, 0.64)  # the share of it that the business pays itself
BRANDS = (
    "Alder", "Aurora", "Bellwether", "Borealis", "Bramble", "Brightside", "Canto", "Cinder", "Cobalt",
    "Copperfield", "Dovetail", "Driftwood", "Ember", "Evergreen", "Fable", "Fernway", "Fieldstone", "Foxglove",
    "Gale", "Glint", "Harbor", "Hazel", "Heron", "Indigo", "Ironwood", "Juniper", "Kestrel", "Kindle", "Larkspur",
    "Linden", "Lumen", "Marigold", "Meadowlark", "Merit", "Moss", "Nimbus", "Northwind", "Oakline", "Opal",
    "Orchard", "Pebble", "Pinecrest", "Quill", "Quarry", "Rivulet", "Rowan", "Sable", "Saffron", "Sierra",
    "Sparrow", "Tangle", "Thistle", "Tidewater", "Umber", "Vale", "Verity", "Willow", "Wren", "Yarrow", "Orrery",
)  # fmt: skip
PER_CATEGORY = 25
CATEGORIES = tuple((department, name) for department, names in DEPARTMENTS.items() for name in names)
PRODUCTS = len(CATEGORIES) * PER_CATEGORY
PROMOTED_SHARES = (0.05, 0.23)  # of the products: in an ordinary week, and in one of promotion
LEAST_CUT, MOST_CUT = 0.10, 0.30
HALF_YEAR = 26  # weeks
CHANGED, RISING = 0.5, 0.65  # of the list prices in half a year, and of these changes
LEAST_CHANGE, MOST_CHANGE = 0.02, 0.15  # in log


@dataclass(frozen=True)
class Catalogue:
    """By product: the number of a product is its place in the columns."""

    category: Ints
    brand: Ints
    price_cents: Ints  # when the world begins
    same_brand: Ints  # the products of its category and brand, in the order of their price, and then others
    of_brand: Ints  # how many they are


@lru_cache(maxsize=4)
def catalogue(seed: int) -> Catalogue:
    dice = Dice(seed)
    products = np.arange(PRODUCTS)
    category = products // PER_CATEGORY
    typical = np.repeat(PRICES, len(CATEGORIES) // len(PRICES)) * np.exp(
        0.35 * dice.normal("category price", np.arange(len(CATEGORIES)))
    )
    prices = np.maximum(np.round(100 * typical[category] * np.exp(0.45 * dice.normal("price", products))), 40)
    prices = np.sort(prices.reshape(-1, PER_CATEGORY), axis=1).reshape(-1)
    brand = dice.below(len(BRANDS), "brand", category, dice.below(9, "brand slot", products))
    price_cents = (prices // 10 * 10 + 9).astype(np.int64)
    of_category = brand.reshape(-1, 1, PER_CATEGORY)
    is_same = (of_category == of_category.transpose(0, 2, 1)).reshape(PRODUCTS, PER_CATEGORY)
    same_brand = category[:, None] * PER_CATEGORY + np.argsort(~is_same, axis=1, kind="stable")
    return Catalogue(category, brand, price_cents, same_brand, is_same.sum(axis=1))


def product_table(seed: int) -> pa.Table:
    """One row per product, with its price and cost when the world begins."""
    of_seed = catalogue(seed)
    departments, names = zip(*CATEGORIES, strict=True)
    brands = np.array(BRANDS)[of_seed.brand]
    number = np.arange(PRODUCTS) % PER_CATEGORY + 1
    words = zip(brands.tolist(), np.array(names)[of_seed.category].tolist(), number.tolist(), strict=True)
    return pa.table(
        {
            "product_id": np.arange(PRODUCTS),
            "name": [f"{brand} {name} no. {number}" for brand, name, number in words],
            "brand": brands,
            "category": np.array(names)[of_seed.category],
            "department": np.array(departments)[of_seed.category],
            "price_cents": of_seed.price_cents,
            "cost_cents": cost_cents(np.arange(PRODUCTS), of_seed.price_cents),
        }
    )


def cost_cents(product: Ints, price_cents: Ints) -> Ints:
    """What the business pays itself for a unit that has such a price without a cut."""
    return np.round(price_cents * np.repeat(COSTS, PRODUCTS // len(COSTS))[product]).astype(np.int64)


@lru_cache(maxsize=64)
def list_prices(seed: int, week: int) -> Ints:
    """By product, without price cuts. A price changes about once a year, by some 8 %, and two times in three it rises:
    what Nakamura and Steinsson found of consumer prices without sales ("Five Facts about Prices", 2008)."""
    dice, halves = Dice(seed), np.arange(week // HALF_YEAR + 1)[:, None]
    chance, size, when = (
        dice.uniform(f"price change: {purpose}", halves, np.arange(PRODUCTS)) for purpose in ("chance", "size", "week")
    )
    since = 1 + ((halves + when) * HALF_YEAR).astype(np.int64)
    size = LEAST_CHANGE + (MOST_CHANGE - LEAST_CHANGE) * size
    change = np.where(chance < CHANGED * RISING, size, np.where(chance < CHANGED, -size, 0.0))
    factor = np.exp(np.where(since <= week, change, 0.0).sum(axis=0))
    return (catalogue(seed).price_cents * factor).astype(np.int64) // 10 * 10 + 9


@lru_cache(maxsize=64)
def price_cuts(seed: int, week: int) -> Floats:
    """By product, the share of its price that it is reduced by: of most nothing, of more in a promotion."""
    share = PROMOTED_SHARES[is_promotion(week)]
    chance = Dice(seed).uniform("price cut", week, np.arange(PRODUCTS))
    return np.where(chance < share, np.round(LEAST_CUT + (MOST_CUT - LEAST_CUT) * chance / share, 2), 0.0)


def price_table(config: Config, last_week: int) -> pa.Table:
    """One row per price without cuts and the day from which it holds, up to the end of a week."""
    prices = np.stack([list_prices(config.seed, week) for week in range(last_week + 1)])
    week, product = np.nonzero(np.diff(prices, axis=0, prepend=0))
    monday = pa.array((config.first_day + 7 * week).astype(np.int32), pa.date32())
    return pa.table({"product_id": product, "valid_from": monday, "price_cents": prices[week, product]})


def mean_of_weeks(ordinary: float, promoted: float) -> float:
    return (promoted + (PROMOTION_EVERY - 1) * ordinary) / PROMOTION_EVERY


def mean_price_cut() -> float:
    return mean_of_weeks(*PROMOTED_SHARES) * (LEAST_CUT + MOST_CUT) / 2
