"""Rows only: orders and identities of any number of people, straight to Parquet, for measuring at scale.

The people are those of the world, by the same rates and lifetimes, in a world without seasons, messages and mishaps: so
a person's purchases are spread evenly over their lifetime, and a block needs no week before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.special import pdtrik

from simulator.world import names
from simulator.world.config import NEVER, SALES_CHANNELS, STORE, Config, day_number
from simulator.world.households import FEMALE, Members, block_count, members
from simulator.world.identities import FREE_MAIL, day_column, scrambled
from simulator.world.names import ASCII, CULTURES, NAMES, romanised
from simulator.world.places import CITIES, CITY_ZONE, DAY_US, FIRST_STORE, HOUR_US, STORES_IN_CITY, utc
from simulator.world.processes import pool_of
from simulator.world.randomness import Dice, Ints
from simulator.world.traits import customs

BLOCKS_PER_FILE = 16
FEW_VALUES = ["person_id", "channel", "store_id", "given_name", "family_name", "city", "household_id"]


@dataclass(frozen=True)
class Written:
    people: int
    orders: int


def write_rows(folder: Path, config: Config, until: date, *, processes: int = 1) -> Iterator[Written]:
    """Files orders/ and identities/ below the folder, one of each for some blocks; the same for any `processes`."""
    parts = range(-(-block_count(config) // BLOCKS_PER_FILE))
    for name in ("orders", "identities"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for old in (folder / name).glob("part-*.parquet"):
            old.unlink()
    work = partial(write_part, folder, config, day_number(until))
    if processes == 1:
        yield from map(work, parts)
        return
    with pool_of(processes) as pool:
        yield from pool.map(work, parts)


def write_part(folder: Path, config: Config, last_day: int, part: int) -> Written:
    first = part * BLOCKS_PER_FILE
    people_count = order_count = 0
    with Files(folder, part) as files:
        for block in range(first, min(first + BLOCKS_PER_FILE, block_count(config))):
            people = members(config, block)
            orders = order_table(config, people, last_day)
            files.write(orders, identity_table(config, people))
            people_count, order_count = people_count + len(people), order_count + orders.num_rows
    return Written(people_count, order_count)


class Files:
    """The two files of a part, which get their names when they are whole."""

    def __init__(self, folder: Path, part: int) -> None:
        self.paths = [folder / name / f"part-{part:05}.parquet" for name in ("orders", "identities")]
        self.writers: list[pq.ParquetWriter] = []

    def __enter__(self) -> "Files":
        return self

    def write(self, *tables: pa.Table) -> None:
        if not self.writers:
            unfinished = [path.with_name(f".{path.name}.unfinished") for path in self.paths]
            self.writers = [
                pq.ParquetWriter(path, table.schema, compression="snappy", use_dictionary=FEW_VALUES)
                for path, table in zip(unfinished, tables, strict=True)
            ]
        for writer, table in zip(self.writers, tables, strict=True):
            writer.write_table(table)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for writer, path in zip(self.writers, self.paths, strict=True):
            writer.close()
            if kind is None:
                path.with_name(f".{path.name}.unfinished").replace(path)


def order_table(config: Config, people: Members, last_day: int) -> pa.Table:
    dice, person = Dice(config.seed), people.person_id
    custom = customs(config, dice, people)
    segment, lam, joined = custom.segment, custom.lam, custom.joined_day
    gone = joined + np.minimum(custom.lifetime / custom.mu, NEVER)
    end = np.minimum(gone, last_day + 1)
    days = np.maximum(end - np.maximum(joined, config.first_day), 0.0)
    mean = lam * days
    repeats = np.where(
        mean > 0, np.ceil(np.maximum(pdtrik(dice.uniform("orders", person), np.maximum(mean, 1e-12)), 0)), 0
    )
    has_first = (joined >= config.first_day) & (joined <= last_day)
    count = repeats.astype(np.int64) + has_first
    who = np.repeat(np.arange(len(people)), count)
    nth = np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count)
    start = np.maximum(joined, config.first_day)[who]
    chance = dice.uniform("when", person[who], nth)
    is_first = has_first[who] & (nth == 0)
    local_us = (start * DAY_US + np.where(is_first, 12 * HOUR_US, chance * days[who] * DAY_US)).astype(np.int64)
    level = dice.normal("spend level", person)
    typical = np.array([6_000, 4_500, 3_200])[segment] * np.exp(0.5 * level)
    size = dice.normal("basket", person[who], nth)
    edges = np.array([[0.70, 0.86, 0.97, 1.0], [0.4, 0.75, 0.92, 1.0], [0.25, 0.72, 0.82, 1.0]])
    channel = (dice.uniform("sales channel", person[who], nth)[:, None] > edges[segment[who]]).sum(axis=1)
    city = people.city[who]
    store = FIRST_STORE[city] + (dice.uniform("home store", person)[who] * STORES_IN_CITY[city]).astype(np.int16)
    return pa.table(
        {
            "order_id": person[who] << 16 | nth,
            "person_id": person[who],
            "ordered_at": pa.array(utc(CITY_ZONE[city], local_us)).cast(pa.timestamp("us", "UTC")),
            "channel": pa.DictionaryArray.from_arrays(pa.array(channel.astype(np.int8)), pa.array(SALES_CHANNELS)),
            "store_id": pa.array(store.astype(np.int16), mask=channel != STORE),
            "total_cents": np.maximum(typical[who] * np.exp(0.8 * size), 50).astype(np.int64),
        }
    )


def identity_table(config: Config, people: Members) -> pa.Table:
    """One row per person, made of whole columns: the few hundred names are looked up, not built."""
    dice, person = Dice(config.seed), people.person_id
    given = pc.if_else(
        pa.array(people.sex == FEMALE),
        looked_up(people, "female", people.given),
        looked_up(people, "male", people.given),
    )
    family = looked_up(people, "family", people.family)
    tag = pa.array(scrambled(person, "private")).cast(pa.string())
    host = pa.array(FREE_MAIL).take(pa.array(dice.below(len(FREE_MAIL), "mail host", person, 0)))
    local = pc.binary_join_element_wise(pc.utf8_lower(given), ".", pc.utf8_lower(family), tag, "")
    phone = pa.array(scrambled(person, "mobile")).cast(pa.string())
    dialling = pa.array([city.dialling for city in CITIES]).take(pa.array(people.city))
    return pa.table(
        {
            "person_id": person,
            "household_id": people.household_id,
            "given_name": given,
            "family_name": family,
            "email": pc.binary_join_element_wise(local, host, "@"),
            "phone": pc.binary_join_element_wise(dialling, "7", pc.utf8_lpad(phone, 7, "0"), ""),
            "born_on": day_column(people.born_day),
            "city": pa.array([city.name for city in CITIES]).take(pa.array(people.city)),
            "loyalty_number": 6_000_000_000 + scrambled(person, "loyalty"),
        }
    )


def looked_up(people: Members, part: str, place: Ints) -> pa.Array:
    listings = [getattr(NAMES[culture], part) for culture in CULTURES]
    starts = np.cumsum([0, *map(len, listings)])
    words = pa.array([romanised(name).translate(ASCII) for listing in listings for name in listing])
    return words.take(pa.array(starts[people.culture] + place % names.SIZES[part][people.culture]))
