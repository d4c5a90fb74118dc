"""The stores, as the real estate department keeps them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.feed import NoFinalNewline, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, JsonDocument
from simulator.feeds.loyalty import month_starts
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import dates, store_numbers, words
from simulator.world.config import as_date
from simulator.world.places import CITIES, STORE_CITY, store_table
from simulator.world.randomness import Ints

WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def stores(seen: Seen) -> Recorded:
    """All stores, each month."""
    table = store_table()
    months = month_starts(seen)
    days = np.repeat(months, len(table))
    number = np.tile(np.arange(len(table)), len(months))
    city = STORE_CITY[number].astype(np.int64)
    at = pa.array(number)
    columns = {
        "store_no": store_numbers(number),
        "name": table["name"].combine_chunks().take(at),
        "city": words(city, tuple(each.name for each in CITIES)),
        "region": words(city, tuple(each.region for each in CITIES)),
        "country": words(city, tuple(each.country for each in CITIES)),
        "time_zone": words(city, tuple(each.zone for each in CITIES)),
        "phone": pc.binary_join_element_wise(
            words(city, tuple(each.dialling for each in CITIES)),
            pa.array(5_550_000 + number).cast("string"), "",
        ),
        "square_metres": 400 + 50 * seen.dice.below(40, "stores: size", number),
        "opened_on": pc.strftime(dates(seen.config.first_day - 500 - 200 * number), "%d/%m/%Y"),
    }  # fmt: skip
    return Recorded(days, columns)


def opening_hours(seen: Seen) -> Recorded:
    """The hours of the year, when it begins: one file a year."""
    years = seen.days if seen.is_first_block else seen.days[:0]
    begins = [d for d in years.tolist() if d == seen.config.first_day or (as_date(d).month, as_date(d).day) == (1, 1)]
    each = len(STORE_CITY) * len(WEEKDAYS)
    days: Ints = np.repeat(np.array(begins, dtype=np.int64), each)
    place = np.tile(np.arange(each), len(begins))
    store, weekday = place // 7, place % 7
    is_sunday = weekday == 6
    country = np.array([city.country == "DE" for city in CITIES])[STORE_CITY[store]]
    is_closed = is_sunday & country
    columns = {
        "number": store_numbers(store),
        "year": days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970,
        "weekday": words(weekday, WEEKDAYS),
        "opens": pc.if_else(pa.array(is_closed), None, words(is_sunday, ("08:00", "10:00"))),
        "closes": pc.if_else(pa.array(is_closed), None, words(is_sunday, ("21:00", "18:00"))),
        "closed": words(is_closed, ("no", "yes")),
    }
    return Recorded(days, columns)


FEEDS = (
    RawFeed(
        name="stores_stores",
        path="stores/stores/stores_{at:%Y%m%d}.json",
        form=JsonDocument("stores"),
        record=stores,
    ),
    RawFeed(
        name="stores_opening_hours",
        path="stores/opening_hours/hours_{at:%Y}.csv",
        form=Csv(sep="\t", encoding="utf-16", null="-"),
        record=opening_hours,
        every="year",
        wrong=(NoFinalNewline(0), Resent(0, after=9)),
    ),
)
