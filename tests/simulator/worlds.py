"""Small worlds for tests, lived once."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from simulator.world.config import Config
from simulator.world.events import Tables, joined
from simulator.world.world import Batch, World

BEGINS = date(2024, 1, 1)


def on(days: int) -> date:
    """The day that is so many days after the first."""
    return BEGINS + timedelta(days=days)


def lived(world: World, until: date, **options: object) -> Tables:
    """All rows up to a day, by person and then by time: the same for the same events, however they were simulated."""
    batches: Iterator[Batch] = world.advance(until, **options)
    return in_person_order(joined([batch.tables for batch in batches]))


def in_person_order(tables: Tables) -> Tables:
    ordered = {}
    for name, columns in tables.items():
        order = np.lexsort([values for _, values in sorted(columns.items())] + [columns["at"], columns["person_id"]])
        ordered[name] = {column: values[order] for column, values in columns.items()}
    return ordered


def assert_same(one: Tables, other: Tables) -> None:
    for name, columns in one.items():
        for column, values in columns.items():
            np.testing.assert_array_equal(values, other[name][column], f"{name}.{column}")


def of_days(tables: Tables, last: int) -> Tables:
    return {name: {c: v[columns["day"] <= last] for c, v in columns.items()} for name, columns in tables.items()}


def of_people(tables: Tables, chosen: np.ndarray) -> Tables:
    """`chosen` says for each person id whether they are wanted."""
    return {name: {c: v[chosen[columns["person_id"]]] for c, v in columns.items()} for name, columns in tables.items()}


@lru_cache(maxsize=1)
def year_of_800() -> tuple[World, Tables]:
    world = World(Config(people=800, seed=3))
    return world, lived(world, on(364 - 1))
