"""The catalogue: what is sold, at which price, what is promoted. None of it is about people."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from simulator.feeds.feed import NOT_A_RECORD, Broken, Empty, Late, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, FixedWidth, JsonDocument, Parquet, Xml
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import dates, money, skus, stamped, store_numbers, with_comma, words
from simulator.feeds.texts import joined
from simulator.warts import TOO_FEW
from simulator.world.catalogue import CATEGORIES, PER_CATEGORY, PRODUCTS, list_prices, price_cuts
from simulator.world.config import as_date
from simulator.world.places import DAY_US, HOUR_US, STORE_CITY
from simulator.world.randomness import Array, Ints

NEWEST = 40  # products that come into the range one a fortnight, after the world began
COUNTED = 60  # products of which a store counts the stock in a week
PRIVATE_LABEL = "Orrery"


def mondays(seen: Seen) -> Ints:
    """The days on which the catalogue is exported: with the first block of people, and no other."""
    days = seen.days if seen.is_first_block else seen.days[:0]
    return days[[as_date(day).weekday() == 0 for day in days.tolist()]] if len(days) else days


def in_range(seen: Seen, day: int) -> Ints:
    """The products that are sold on a day: the last of the list come one by one."""
    fortnights = (day - seen.config.first_day) // 14
    missing = max(NEWEST - fortnights, 0)
    new = np.arange(PRODUCTS - 1, PRODUCTS - 1 - NEWEST * PER_CATEGORY, -PER_CATEGORY)
    return np.setdiff1d(np.arange(PRODUCTS), new[:missing])


def of_mondays(seen: Seen) -> tuple[Ints, Ints]:
    """Day and product of each row of a full export."""
    found = [(np.full(len(here), day), here) for day in mondays(seen).tolist() for here in [in_range(seen, day)]]
    nothing = np.empty(0, dtype=np.int64)
    days, products = zip(*found, strict=True) if found else ((nothing,), (nothing,))
    return np.concatenate(days), np.concatenate(products)


def products(seen: Seen) -> Recorded:
    days, number = of_mondays(seen)
    brand = seen.product("brand", number)
    columns = {
        "sku": skus(number),
        "name": seen.product("name", number),
        "brand.name": brand,
        "brand.kind": words(np.array(brand.to_pylist(), dtype=object) == PRIVATE_LABEL, ("National", "Private")),
        "category.code": category_codes(number // PER_CATEGORY),
        "category.name": seen.product("category", number),
        "category.department": seen.product("department", number),
        "size": words(seen.dice.below(4, "catalog: size", number), ("S", "M", "L", "XL")),
        "listed_on": dates(np.full(len(days), seen.config.first_day)),
    }
    return Recorded(days, columns)


def category_codes(category: Ints) -> pa.Array:
    return joined(["K", pa.array(100 + category).cast("string")], "")


def categories(seen: Seen) -> Recorded:
    days = np.repeat(mondays(seen), len(CATEGORIES))
    number = np.tile(np.arange(len(CATEGORIES)), len(days) // len(CATEGORIES))
    departments, names = zip(*CATEGORIES, strict=True)
    columns = {
        "@code": category_codes(number),
        "department": words(number, departments),
        "label": words(number, names),
        "position": number % 8 + 1,
    }
    return Recorded(days, columns)


def prices(seen: Seen) -> Recorded:
    """The price list of the week, with the prices that change with it and its price cuts."""
    days, number = of_mondays(seen)
    list_price = of_weeks(seen, days, number, list_prices)
    cut = of_weeks(seen, days, number, price_cuts)
    columns = {
        "sku": skus(number),
        "valid_from": dates(days),
        "list_price": money(list_price),
        "price": money(list_price - np.round(list_price * cut).astype(np.int64)),
        "currency": words(number * 0, ("USD",)),
    }
    return Recorded(days, columns)


def of_weeks(seen: Seen, days: Ints, number: Ints, by_product: Callable[[int, int], Array]) -> Array:
    """What is true of each product in the week of its day."""
    weeks, at = np.unique((days - seen.config.first_day) // 7, return_inverse=True)
    found = [by_product(seen.config.seed, week) for week in weeks.tolist()]
    return np.concatenate([number[:0], *found]).reshape(-1, PRODUCTS)[at, number]


def promotions(seen: Seen) -> Recorded:
    """What is reduced in the week, as the buyers' spreadsheet has it."""
    days, number = of_mondays(seen)
    cut = of_weeks(seen, days, number, price_cuts)
    reduced = np.flatnonzero(cut)
    days, number, cut = days[reduced], number[reduced], cut[reduced]
    columns = {
        "Aktion": joined(
            [words(days * 0, ("W",)), pa.array((days - seen.config.first_day) // 7 + 1).cast("string")], ""
        ),
        "Artikel": skus(number),
        "Bezeichnung": seen.product("name", number),
        "Rabatt_Prozent": with_comma(money(np.round(cut * 10_000).astype(np.int64))),
        "von": stamped(days * DAY_US, "%d.%m.%y"),
        "bis": stamped((days + 6) * DAY_US, "%d.%m.%y"),
        "Flaeche": words(seen.dice.below(3, "catalog: place", number, days), ("Regal", "Kopf", "Kasse")),
    }
    return Recorded(days, columns)


def inventory(seen: Seen) -> Recorded:
    """A part of the range is counted in each store each week, in turn."""
    stores = len(STORE_CITY)
    weeks = mondays(seen)
    days = np.repeat(weeks, stores * COUNTED)
    store = np.tile(np.repeat(np.arange(stores), COUNTED), len(weeks))
    turn = np.tile(np.arange(COUNTED), stores * len(weeks))
    number = (store * 37 + (days - seen.config.first_day) // 7 * COUNTED + turn) % PRODUCTS
    units = seen.dice.below(80, "catalog: stock", days, store, number)
    columns = {
        "store": store_numbers(store),
        "sku": skus(number),
        "units": units,
        "counted": stamped(days * DAY_US + 5 * HOUR_US, "%Y%m%d%H%M"),
        "flag": words(units == 0, ("", "O")),
    }
    return Recorded(days, columns)


FEEDS = (
    RawFeed(
        name="catalog_products",
        path="catalog/products/products_{at:%Y-%m-%d}.json",
        form=JsonDocument("products", head='"schema":"2.1",'),
        record=products,
        wrong=(Broken(7, ((NOT_A_RECORD, '"unfinished"'),)), Resent(14, after=1)),
    ),
    RawFeed(
        name="catalog_categories",
        path="catalog/categories/categories_{at:%Y%m%d}.xml",
        form=Xml(root="categories", row="category"),
        record=categories,
    ),
    RawFeed(
        name="catalog_prices",
        path="catalog/prices/prices_{at:%Y-%m-%d}.parquet",
        form=Parquet("gzip"),
        record=prices,
        wrong=(Late(28, by=3),),
    ),
    RawFeed(
        name="catalog_promotions",
        path="catalog/promotions/Aktionen_{at:%Y-%m-%d}.csv",
        form=Csv(sep=";", encoding="cp1252", newline="\r\n"),
        record=promotions,
        arrives=4,
        wrong=(Broken(7, ((TOO_FEW, "W2;P100000"),)), Empty(21)),
    ),
    RawFeed(
        name="catalog_inventory",
        path="catalog/inventory/INV{at:%y%m%d}.txt.gz",
        form=FixedWidth({"store": 4, "sku": 8, "units": 6, "counted": 12, "flag": 1}),
        record=inventory,
        wrong=(Broken(14, ((TOO_FEW, " 118P1000"),)),),
    ),
)
