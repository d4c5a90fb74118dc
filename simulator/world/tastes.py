"""What people choose: of which categories and brands, and how dear; and the products that they buy again and again."""

import numpy as np

from simulator.world.catalogue import CATEGORIES, DEPARTMENTS, PER_CATEGORY, Catalogue
from simulator.world.randomness import Dice, Floats, Ints

STAPLES = 64  # what a person buys again and again: slots, of which a product can have several
POPULAR = (  # how much each department weighs: by segment, in the order of the departments
    (3.0, 4.0, 2.0, 1.5, 0.7, 0.20, 0.15, 0.15, 0.05, 0.20),
    (1.2, 1.0, 0.8, 0.8, 0.8, 0.30, 0.60, 0.80, 0.30, 0.60),
    (0.4, 0.3, 0.4, 0.3, 0.8, 0.20, 0.70, 0.90, 0.40, 1.50),
)


def taste_shares(dice: Dice, person: Ints, segment: Ints) -> Floats:
    """By category: a Dirichlet of the departments, and within each a Dirichlet of its categories."""
    departments = np.repeat(np.arange(len(DEPARTMENTS)), len(CATEGORIES) // len(DEPARTMENTS))
    popular = np.array(POPULAR)[segment]
    of_department = dice.gamma(popular, 1.0, "department", person[:, None], np.arange(len(DEPARTMENTS)))
    of_category = dice.exponential(1.0, "category", person[:, None], np.arange(len(CATEGORIES))) ** 1.5
    totals = np.add.reduceat(of_category, np.flatnonzero(np.diff(departments, prepend=-1)), axis=1)
    shares = of_department[:, departments] * of_category / totals[:, departments]
    return shares / shares.sum(axis=1, keepdims=True)


def favourites(dice: Dice, person: Ints, level: Floats) -> Ints:
    """By category, a product of the person's favourite brand: what many would choose is the favourite of many."""
    category = np.arange(len(CATEGORIES))
    rank = price_rank(level[:, None], dice.uniform("favourite brand", person[:, None], category))
    return (category * PER_CATEGORY + rank).astype(np.int16)


def staples(
    dice: Dice, goods: Catalogue, person: Ints, tastes: Floats, favourite: Ints, loyalty: Floats, level: Floats
) -> Ints:
    """Products drawn from the person's tastes; who spends more chooses the dearer ones of a category."""
    slots = np.arange(STAPLES)
    edges = np.cumsum(tastes, axis=1).astype(np.float32)
    chance = dice.uniform("staple", person[:, None], slots).astype(np.float32)
    category = np.stack([(edges < chance[:, [slot]]).sum(axis=1) for slot in range(STAPLES)], axis=1)
    category = np.minimum(category, len(CATEGORIES) - 1)
    of_slot = np.take_along_axis(favourite, category, axis=1)
    rank = dice.uniform("staple rank", person[:, None], slots)
    return product_of(goods, category, of_slot, loyalty[:, None], level[:, None], rank).astype(np.int16)


def product_of(
    goods: Catalogue, category: Ints, favourite: Ints, loyalty: Floats, level: Floats, chance: Floats
) -> Ints:
    """A product of a category: of the favourite brand by the chance of the person's loyalty, or else of any brand.

    So people who bought a brand buy it again more often than its share: the loyal and the switchers of Colombo and
    Morrison, "A Brand Switching Model with Implications for Marketing Strategies" (1989).
    """
    is_loyal = chance < loyalty
    spare = np.where(is_loyal, chance / loyalty, (chance - loyalty) / (1 - loyalty))  # again a chance from 0 to 1
    rank = price_rank(level, spare, np.where(is_loyal, goods.of_brand[favourite], PER_CATEGORY))
    return np.where(is_loyal, goods.same_brand[favourite, rank], category * PER_CATEGORY + rank)


def price_rank(level: Floats, chance: Floats, count: Ints | int = PER_CATEGORY) -> Ints:
    """A product's place among so many in the order of their prices: even chances, bent by the spend level."""
    return (chance ** np.exp(-0.6 * level) * count).astype(np.int64)
