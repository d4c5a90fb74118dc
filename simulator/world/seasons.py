"""When people buy: the day of the week, the time of year, holidays, paydays and the business's promotions.

Every factor averages 1 over a year, so that a person's rate means what it says.
"""

from datetime import date
from functools import lru_cache

import numpy as np

from simulator.world.config import as_date, day_number
from simulator.world.places import COUNTRIES
from simulator.world.randomness import Floats, Ints

WEEKDAYS = np.array([0.92, 0.90, 0.94, 0.98, 1.12, 1.22, 0.92])
CLOSED = {"US": ((12, 25), (1, 1)), "GB": ((12, 25), (12, 26)), "DE": ((12, 25), (12, 26), (1, 1)), "JP": ((1, 1),)}
PAYDAYS = {"US": (15, 30), "GB": (28,), "DE": (1,), "JP": (25,)}
PROMOTION_EVERY = 6  # weeks
PULLED_FORWARD_WEEKS = 2


def demand(days: Ints) -> Floats:
    """How much is bought in each country on each day, beside a mean day."""
    return np.array([[day_demand(code, int(day)) for day in days] for code in range(len(COUNTRIES))])


def paydays(days: Ints) -> Floats:
    """By country and day: what a payday adds for a person who lives from one to the next. It sums to about 0."""
    return np.array([[payday(code, int(day)) for day in days] for code in range(len(COUNTRIES))])


def promotions(week: int) -> float:
    """What a week of promotion adds, and what the weeks after lose since people have stocked up. It sums to 0."""
    since = (week + PROMOTION_EVERY // 2) % PROMOTION_EVERY
    if since == 0:
        return 1.0
    return -1.0 / PULLED_FORWARD_WEEKS if since <= PULLED_FORWARD_WEEKS else 0.0


def is_promotion(week: int) -> bool:
    return promotions(week) > 0


@lru_cache(maxsize=100_000)
def day_demand(code: int, day: int) -> float:
    return WEEKDAYS[(day + 3) % 7] * of_year(code, as_date(day)) / mean_of_year(code)


def of_year(code: int, day: date) -> float:
    if (day.month, day.day) in CLOSED[COUNTRIES[code]]:
        return 0.2
    until_christmas = (date(day.year, 12, 24) - day).days
    factor = 1 + 0.06 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 330) / 365.25)
    if 0 <= until_christmas <= 18:
        factor *= 1.0 if COUNTRIES[code] == "JP" else 1.35
    elif 26 <= until_christmas <= 30:
        factor *= 1.25  # around Black Friday
    elif day.month == 1 and day.day > 5:
        factor *= 0.90
    return factor


@lru_cache(maxsize=len(COUNTRIES))
def mean_of_year(code: int) -> float:
    first = day_number(date(2024, 1, 1))
    return float(np.mean([of_year(code, as_date(day)) for day in range(first, first + 366)]))


@lru_cache(maxsize=100_000)
def payday(code: int, day: int) -> float:
    days_of_month = PAYDAYS[COUNTRIES[code]]
    since = min((as_date(day).day - payday) % 30 for payday in days_of_month)
    share = 3 * len(days_of_month) / 30.4
    return 1.0 if since < 3 else -share / (1 - share)
