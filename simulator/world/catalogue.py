"""What the business sells: departments, categories, and products in the order of their price within a category."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

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


@dataclass(frozen=True)
class Catalogue:
    """By product: the number of a product is its place in the columns."""

    category: Ints
    brand: Ints
    price_cents: Ints
    cost_cents: Ints  # what the business pays for it


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
    cost_cents = np.round(price_cents * np.repeat(COSTS, PRODUCTS // len(COSTS))).astype(np.int64)
    return Catalogue(category, brand, price_cents, cost_cents)


def product_table(seed: int) -> pa.Table:
    """One row per product."""
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
            "cost_cents": of_seed.cost_cents,
        }
    )


def price_cut(dice: Dice, products: Ints, week: int) -> Floats:
    """The share of its price that a product is reduced by in a week: of most nothing, of more in a promotion."""
    share = PROMOTED_SHARES[is_promotion(week)]
    chance = dice.uniform("price cut", week, products)
    return np.where(chance < share, np.round(LEAST_CUT + (MOST_CUT - LEAST_CUT) * chance / share, 2), 0.0)


def mean_price_cut() -> float:
    ordinary, promoted = PROMOTED_SHARES
    share = (promoted + (PROMOTION_EVERY - 1) * ordinary) / PROMOTION_EVERY
    return share * (LEAST_CUT + MOST_CUT) / 2
