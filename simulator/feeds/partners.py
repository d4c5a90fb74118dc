"""What partners know: mostly of people who never told them."""

import numpy as np
import pyarrow as pa

from simulator.feeds.channels import happened, ids, in_lists, known_once
from simulator.feeds.feed import Broken, Late, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, FixedWidth, JsonDocument, joined
from simulator.feeds.names import emails, full_names
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import epoch_s, hex_ids, letter_ids, money, none_where, picked, skus, words
from simulator.world.config import MARKETPLACE, NEVER, as_date
from simulator.world.households import ADULT_AGE, CHILD, PARTNER, YEAR
from simulator.world.places import CITIES, COUNTRIES, CURRENCIES
from simulator.world.randomness import Array, Ints

COVERAGE, WRONG, UNKNOWN = 0.7, 0.12, 0.08  # of the adults; of what the vendor says; of what it does not say
AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
AGE_EDGES = (25, 35, 45, 55, 65)
INCOMES = ("Under 15K", "15-24K", "25-34K", "35-49K", "50-74K", "75-99K", "100-149K", "150K+")
GEOGRAPHY_WIDTHS = {
    "area_code": 8,
    "name": 24,
    "region": 24,
    "country": 2,
    "postal_prefix": 5,
    "inhabitants": 11,
    "median_income": 9,
    "as_of": 10,
}


def yearly(seen: Seen) -> list[int]:
    """The days of the batch on which a year's file is made: the world's first, and each 1 January."""
    is_new_year = [as_date(day).timetuple().tm_yday == 1 for day in seen.days.tolist()]
    return [
        day for day, new in zip(seen.days.tolist(), is_new_year, strict=True) if new or day == seen.config.first_day
    ]


def demographics(seen: Seen) -> Recorded:
    people, dice = seen.traits.people, seen.dice
    days, places = [], []
    for day in yearly(seen):
        is_adult = people.born_day + ADULT_AGE <= day
        place = np.flatnonzero(is_adult & (dice.uniform("partners: covers", people.person_id) < COVERAGE))
        days.append(np.full(len(place), day))
        places.append(place)
    day, place = (np.concatenate([np.empty(0, dtype=np.int64), *each]) for each in (days, places))
    person, household = people.person_id[place], people.household_id[place]
    vendor_id = letter_ids(person, "partners: person", "V")
    is_born = people.born_day <= seen.config.first_day
    is_child = is_born & (people.role == CHILD) & (people.born_day + ADULT_AGE > seen.config.first_day)
    kids, size, partners = (
        of_household(people.household_id, which)[place] for which in (is_child, is_born, people.role == PARTNER)
    )
    age = (day - people.born_day[place]) // YEAR
    income = 3.2 + 1.3 * seen.traits.spend_level[place] + dice.normal("partners: income", household)
    not_yet = (people.married_day[place] > day) & (people.married_day[place] < NEVER)
    is_married = (people.role[place] <= PARTNER) & (partners > 0) & ~not_yet
    address = seen.address(person, day - 200)  # it learns late of those who move
    owns = dice.uniform("partners: owns", household) < 0.55
    told = {
        "age_band": (np.searchsorted(AGE_EDGES, age, side="right"), AGES),
        "income_band": (np.clip(income, 0, len(INCOMES) - 1), INCOMES),
        "home_ownership": (owns, ("Renter", "Homeowner")),
        "marital_status": (is_married, ("Unmarried", "Married")),
        "household_size": (np.clip(size, 1, 5) - 1, ("1", "2", "3", "4", "5+")),
        "kids_count": (np.minimum(kids, 3), ("0", "1", "2", "3+")),
    }
    return Recorded(
        day=day,
        columns={
            "vendor_id": vendor_id,
            "household_key": letter_ids(household, "partners: household", "H"),
            "name": full_names(seen, "partners", person, day - 400, last_first=True),
            "address": address["line_1"],
            "postal_code": address["postal_code"],
            "city": address["city"],
            **{name: uncertain(seen, name, person, *values) for name, values in told.items()},
        },
        **known_once(vendor_id, person),
    )


def of_household(household: Ints, which: Array) -> Ints:
    """By person: how many of their household are so."""
    first = household[0]
    return np.bincount(household - first, weights=which)[household - first].astype(np.int64)


def uncertain(seen: Seen, name: str, person: Ints, codes: Array, vocabulary: tuple[str, ...]) -> pa.Array:
    """Some is not known, and some is made up."""
    chance = seen.dice.uniform(f"partners: {name}", person)
    made_up = seen.dice.below(len(vocabulary), f"partners: other {name}", person)
    return none_where(chance > 1 - UNKNOWN, words(np.where(chance < WRONG, made_up, codes), vocabulary))


def geography(seen: Seen) -> Recorded:
    days = yearly(seen) if seen.is_first_block else []
    day = np.repeat(np.array(days, dtype=np.int64), len(CITIES))
    at = np.tile(np.arange(len(CITIES)), len(days))
    weight = np.array([city.weight for city in CITIES])[at]
    grown = 1 + 0.004 * (day - seen.config.first_day) / YEAR
    inhabitants = (weight * 61_300 * grown).astype(np.int64) + 17 * at
    return Recorded(
        day=day,
        columns={
            "area_code": pa.array([f"{CITIES[each].country}{each + 1:06}" for each in at.tolist()], pa.string()),
            "name": pa.array([CITIES[each].name for each in at.tolist()], pa.string()),
            "region": pa.array([CITIES[each].region for each in at.tolist()], pa.string()),
            "country": pa.array([CITIES[each].country for each in at.tolist()], pa.string()),
            "postal_prefix": pa.array([CITIES[each].postal[:3].rstrip("9A") for each in at.tolist()], pa.string()),
            "inhabitants": pa.array([f"{each:,}" for each in inhabitants.tolist()], pa.string()),
            "median_income": 31_000 + 1_900 * (at * 7 % 13),
            "as_of": pa.array([str(as_date(each)) for each in day.tolist()], pa.string()),
        },
    )


def marketplace_orders(seen: Seen) -> Recorded:
    """One row per order; its lines are an array in it."""
    orders, lines = seen.events("orders", channel=MARKETPLACE), seen.events("order_lines")
    in_order = np.argsort(orders["order_id"])
    orders = {name: values[in_order] for name, values in orders.items()}
    mine = np.flatnonzero(np.isin(lines["order_id"], orders["order_id"]))
    mine = mine[np.lexsort([lines["line"][mine], lines["order_id"][mine]])]
    lines = {name: values[mine] for name, values in lines.items()}
    starts = np.searchsorted(lines["order_id"], orders["order_id"])
    person, day = orders["person_id"], happened(orders)
    alias = joined([hex_ids(person, "partners: buyer"), "@buyers.marketplace.example"], "")
    currencies = tuple(CURRENCIES[country] for country in COUNTRIES)
    parts: list[str | pa.Array] = ["{"]
    for name, values in (
        ('"no":', lines["line"]),
        (',"sku":"', skus(lines["product_id"])),
        ('","quantity":', lines["quantity"]),
        (',"price":', money(lines["unit_price_cents"])),
        (',"discount":', money(lines["discount_cents"])),
    ):
        parts += [
            name,
            pa.array(values).cast(pa.string()) if isinstance(values, np.ndarray) else values.cast(pa.string()),
        ]
    return Recorded(
        day=day,
        columns={
            "id": letter_ids(orders["order_id"], "partners: order", "MP-"),
            "placed": epoch_s(orders["at"]),
            "buyer.alias": alias,
            "buyer.ship_to": full_names(seen, "marketplace", person, day),
            "buyer.city": seen.address(person, day)["city"],
            "currency": words(seen.country(person), currencies),
            "lines": in_lists(joined([*parts, "}"], ""), starts),
        },
        **known_once(alias, person),
        holds=np.diff(np.append(starts, len(mine))),
    )


def referrals(seen: Seen) -> Recorded:
    rows = seen.events("referrals")
    person, friend, day = rows["person_id"], rows["referred_id"], happened(rows)
    email = emails(seen, "partners", person, 0)
    spelled = [f"{each.day}/{each.month}/{each:%y}" for each in map(as_date, day.tolist())]
    return Recorded(
        day=day,
        columns={
            "referral_id": ids(seen, "partners: referral", person, friend, rows["at"]),
            "referrer_email": email,
            "referred_email": emails(seen, "partners", friend, 0, unknown=0.02),
            "code": picked(seen.dice, ("FRIEND10", "FRIEND15", "VIPFRIEND"), "partners: code", person),
            "referred_on": pa.array(spelled, pa.string()),
        },
        **known_once(email, person),
    )


FEEDS = (
    RawFeed(
        name="partners_demographics",
        path="partners/demographics/demographics_{at:%Y-%m-%d}.csv",
        form=Csv(sep=";", encoding="latin-1", newline="\r\n", null="n/a"),
        record=demographics,
        every="year",
        arrives=-18,
        wrong=(Broken(0, (("a footer", "END OF FILE;;"),)),),
    ),
    RawFeed(
        name="partners_geography",
        path="partners/geography/areas_{at:%Y-%m-%d}.txt",
        form=FixedWidth(GEOGRAPHY_WIDTHS),
        record=geography,
        every="year",
        arrives=-18,
    ),
    RawFeed(
        name="partners_marketplace_orders",
        path="partners/marketplace_orders/orders_{at:%Y-%m-%d}.json",
        form=JsonDocument("orders"),
        record=marketplace_orders,
        arrives=5,
        wrong=(Resent(5, after=1), Late(8, by=4)),
    ),
    RawFeed(
        name="partners_referrals",
        path="partners/referrals/referrals_{at:%Y-%m}.csv",
        form=Csv(),
        record=referrals,
        every="month",
        arrives=5,
    ),
)
