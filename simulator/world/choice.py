"""Which product each line of a basket is, and how much of it: by tastes, brands and price cuts.

Price cuts work in the three ways that Gupta tells apart ("Impact of Sales Promotions on When, What, and How Much to
Buy", 1988). On some of their lines, by their price sensitivity, people go by price. On these they take one of their own
staples that is reduced before they need it (purchase acceleration), and more of it (stockpiling): as long as that lasts
they pass it by, as in Hendel and Nevo, "Sales and Consumer Inventory" (2006). Or they take what is reduced of the same
category (brand switching), the less the more loyal they are to their brand. The deeper a cut, the more it draws.
"""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from simulator.world.catalogue import CATEGORIES, MOST_CUT, PER_CATEGORY, catalogue
from simulator.world.config import as_date, day_number
from simulator.world.randomness import Floats, Ints
from simulator.world.state import State
from simulator.world.tastes import STAPLES, price_rank, product_of

if TYPE_CHECKING:
    from simulator.world.shopping import Orders
    from simulator.world.week import Week

FROM_STAPLES = 0.65  # of the lines; the rest are other products of the same categories
EXTRA_UNITS = 0.12  # beyond the first of a line, on average
BUYS_AHEAD, SWITCHES = 0.5, 0.5  # of the lines on which people go by price, where a cut is the deepest
STOCK_UNITS, STOCK_WEEKS = 1, 4  # what is bought ahead beside the usual, and how long it lasts
BABY, GIFTS = (CATEGORIES.index(("baby", "nappies")), CATEGORIES.index(("media", "books")))


def choose(week: "Week", orders: "Orders", order: Ints, line: Ints, cuts: Floats, after: State) -> tuple[Ints, Ints]:
    """The product and the units of each line; `cuts` are those of the week, by product."""
    dice, who, order_id = week.dice, orders.who[order], orders.order_id[order]
    product = usual(week, orders, order, line)
    quantity = 1 + dice.geometric(EXTRA_UNITS, "units", order_id, line)
    chance = dice.uniform("by price", order_id, line)
    switching, instead = switched(week, who, order_id, line, product, 1 - chance, cuts)
    product[switching] = instead
    ahead, staple = bought_ahead(week, who, order_id, line, chance, cuts)
    product[ahead] = staple
    quantity[ahead] += STOCK_UNITS
    after.stocked = np.maximum(week.state.stocked - 1, 0)
    at, slot = np.nonzero(week.traits.staples[who[ahead]] == staple[:, None])
    after.stocked[who[ahead][at], slot] = STOCK_WEEKS
    return product, quantity


def usual(week: "Week", orders: "Orders", order: Ints, line: Ints) -> Ints:
    """Each line is another of the person's staples, or another product of a category they like."""
    dice, traits = week.dice, week.traits
    walk = dice.bits("walk through staples", orders.order_id)
    slot = (
        (walk >> np.uint64(8))[order].astype(np.int64) + line * ((walk[order] & np.uint64(31)).astype(np.int64) * 2 + 1)
    ) % STAPLES
    who, order_id = orders.who[order], orders.order_id[order]
    slot = np.where(week.state.stocked[who, slot] > 0, (slot + STAPLES // 2) % STAPLES, slot)
    product = traits.staples[who, slot].astype(np.int64)
    chance = dice.uniform("staple or other", order_id, line)
    other = np.flatnonzero(chance >= FROM_STAPLES)
    category = product[other] // PER_CATEGORY
    spare = (chance[other] - FROM_STAPLES) / (1 - FROM_STAPLES)  # what is left of the chance is a chance again
    has_baby = np.abs(orders.day[order[other]] - traits.people.child_born_day[who[other]] - 365) < 400
    is_gift = orders.day[order[other]] - christmas(week) > -30
    special = np.where(has_baby, BABY, GIFTS) + (line[other] % 8)
    category = np.where((spare < 0.35) & (has_baby | is_gift), special, category)
    of_whom = who[other]
    product[other] = product_of(
        catalogue(week.config.seed), category, traits.favourites[of_whom, category], traits.brand_loyalty[of_whom],
        traits.spend_level[of_whom], dice.uniform("other product", order_id[other], line[other]),
    )  # fmt: skip
    return product


def switched(
    week: "Week", who: Ints, order_id: Ints, line: Ints, product: Ints, chance: Floats, cuts: Floats
) -> tuple[Ints, Ints]:
    """The lines that are of something else in the same category since it is reduced, and what that is."""
    traits = week.traits
    draws = SWITCHES * traits.price_sensitivity[who] * (1 - traits.brand_loyalty[who]) / MOST_CUT
    at = np.flatnonzero(chance < draws * MOST_CUT)
    reduced = np.flatnonzero(cuts)
    category = product[at] // PER_CATEGORY
    first, end = (np.searchsorted(reduced, of * PER_CATEGORY) for of in (category, category + 1))
    rank = price_rank(
        traits.spend_level[who[at]], week.dice.uniform("reduced product", order_id[at], line[at]), end - first
    )
    found = np.append(reduced, -1)[first + rank]
    takes = (end > first) & (chance[at] < draws[at] * cuts[found])
    return at[takes], found[takes]


def bought_ahead(
    week: "Week", who: Ints, order_id: Ints, line: Ints, chance: Floats, cuts: Floats
) -> tuple[Ints, Ints]:
    """The lines that are of a staple which is reduced and not in stock at home, and which that is."""
    traits = week.traits
    draws = BUYS_AHEAD * traits.price_sensitivity[who] / MOST_CUT
    at = np.flatnonzero(chance < draws * MOST_CUT)
    own = traits.staples[who[at]].astype(np.int64)
    is_open = (cuts[own] > 0) & (week.state.stocked[who[at]] == 0)
    nth = week.dice.uniform("reduced staple", order_id[at], line[at]) * is_open.sum(axis=1)
    slot = (is_open.cumsum(axis=1) > nth[:, None]).argmax(axis=1)
    row = np.arange(len(at))
    found = own[row, slot]
    takes = is_open[row, slot] & (chance[at] < draws[at] * cuts[found])
    return at[takes], found[takes]


def christmas(week: "Week") -> int:
    return day_number(date(as_date(week.monday).year, 12, 24))
