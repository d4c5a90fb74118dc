"""A batch as systems see it: its events with what they know of the people, without knowing who is who.

All of it is by columns: `person_id` of rows in, arrays of what each of them is called or reached by out.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.world.catalogue import product_table
from simulator.world.config import NEVER, STORE, Config
from simulator.world.events import Columns
from simulator.world.identities import identities
from simulator.world.places import CITIES, DAY_US, FIRST_KNOWN_DAY, ZONES, offsets
from simulator.world.randomness import Array, Dice, Ints
from simulator.world.traits import Traits
from simulator.world.world import Batch, traits_of


class Known:
    """The strings of the people of a block, ready to be looked up by their place in the block."""

    def __init__(self, config: Config, block: int) -> None:
        self.traits = traits_of(config, block)
        tables = identities(config, self.traits.people)
        people = tables["people"]
        self.first = int(self.traits.people.person_id[0])
        self.people: dict[str, pa.Array] = {name: people[name].combine_chunks() for name in people.column_names}
        self.name_changed_day = days_of(self.people["name_changed_on"], NEVER)
        self.born_day = days_of(self.people["born_on"], 0)
        self.emails = [self.email_of(tables["emails"], slot) for slot in range(3)]
        self.addresses = tables["addresses"].combine_chunks()
        self.moved_day = days_of(self.addresses["valid_from"].combine_chunks()[1::2], NEVER)
        self.homes: dict[str, pa.Array] = {
            name: self.addresses[name].combine_chunks() for name in self.addresses.column_names
        }
        household = self.traits.people.household_id
        self.home = np.searchsorted(self.homes["household_id"].to_numpy()[::2], household)
        self.phones = tables["phones"]
        self.mobiles, self.mobile_from = self.mobiles_of(self.phones)
        landline = self.phones.filter(pc.equal(self.phones["kind"], "landline"))
        at = landline["person_id"].to_numpy() - self.first
        numbers = np.full(len(self.traits), None, dtype=object)
        numbers[at] = landline["phone"].to_numpy()
        self.landlines = pa.array(numbers, pa.string())
        self.relations = tables["relations"]
        self.zone = np.array([ZONES.index(city.zone) for city in CITIES])[self.traits.people.city]

    def email_of(self, emails: pa.Table, slot: int) -> pa.Array:
        """The address of a slot; the private one of who has no such."""
        addresses = np.full(len(self.traits), None, dtype=object)
        for wanted in (0, slot):
            rows = emails.filter(pc.equal(emails["slot"], wanted))
            addresses[rows["person_id"].to_numpy() - self.first] = rows["email"].to_numpy()
        return pa.array(addresses, pa.string())

    def mobiles_of(self, phones: pa.Table) -> tuple[list[pa.Array], list[Ints]]:
        """Each person's first mobile, and the one after it, with the day from which it is theirs."""
        mobile = phones.filter(pc.not_equal(phones["kind"], "landline"))
        person, number = mobile["person_id"].to_numpy() - self.first, mobile["phone"].to_numpy()
        since = days_of(mobile["valid_from"].combine_chunks(), 0)
        first, second = (np.full(len(self.traits), None, dtype=object) for _ in range(2))
        begins = np.full(len(self.traits), NEVER)
        is_first = np.diff(person, prepend=-1) > 0
        first[person[is_first]] = number[is_first]
        second[person[~is_first]], begins[person[~is_first]] = number[~is_first], since[~is_first]
        return [pa.array(first, pa.string()), pa.array(second, pa.string())], [begins]


def days_of(column: pa.Array, missing: int) -> Ints:
    return pc.fill_null(column.cast(pa.int32()), missing).to_numpy(zero_copy_only=False).astype(np.int64)


@lru_cache(maxsize=2)
def known_of(config: Config, block: int) -> Known:
    return Known(config, block)


@lru_cache(maxsize=2)
def products_of(seed: int) -> dict[str, pa.Array]:
    table = product_table(seed)
    return {name: table[name].combine_chunks() for name in table.column_names}


@dataclass(frozen=True)
class Seen:
    batch: Batch

    @property
    def config(self) -> Config:
        return self.batch.config

    @cached_property
    def dice(self) -> Dice:
        """For the accidents of recording: give every purpose a name that the world does not use ('crm: typo')."""
        return Dice(self.config.seed)

    @cached_property
    def known(self) -> Known:
        return known_of(self.config, self.batch.block)

    @property
    def traits(self) -> Traits:
        return self.known.traits

    @property
    def is_first_block(self) -> bool:
        """What is of no person (products, stores, prices) is recorded with the first block."""
        return self.batch.block == 0

    @property
    def is_first_batch(self) -> bool:
        return self.batch.first_day == self.config.first_day

    @property
    def days(self) -> Ints:
        return np.arange(self.batch.first_day, self.batch.last_day + 1)

    def events(self, table: str, where: str | None = None, **equal: Any) -> Columns:
        """Rows of a table of events, with those values: `events("orders", channel=STORE)`."""
        columns = self.batch.tables[table]
        chosen = np.ones(len(columns["at"]), dtype=bool)
        for name, value in equal.items():
            chosen &= np.isin(columns[name], value)
        return columns if chosen.all() else {name: values[chosen] for name, values in columns.items()}

    def of_orders(self, table: str, *channels: int) -> tuple[Columns, Columns]:
        """Rows that happen with the order (lines, payments), of some sales channels; and the order of each."""
        rows, orders = self.batch.tables[table], self.batch.tables["orders"]
        order = np.argsort(orders["order_id"], kind="stable")
        at = order[np.searchsorted(orders["order_id"], rows["order_id"], sorter=order)]
        chosen = np.flatnonzero(np.isin(orders["channel"][at], channels))
        return (
            {name: values[chosen] for name, values in rows.items()},
            {name: values[at[chosen]] for name, values in orders.items()},
        )

    def file_day(self, day: Ints) -> Ints:
        """What was known before the world began comes with its first day."""
        return np.maximum(day, self.config.first_day).astype(np.int64)

    def place(self, person_id: Ints) -> Ints:
        return person_id - self.known.first

    def local(self, person_id: Ints, at: Ints, day: Ints) -> Ints:
        """What the clock where they live showed, as microseconds since 1970."""
        return at + offsets()[self.known.zone[self.place(person_id)], day - FIRST_KNOWN_DAY]

    def minute(self, columns: Columns) -> Ints:
        """The minute of the local day: for feeds with a file an hour or a minute."""
        local = self.local(columns["person_id"], columns["at"], columns["day"])
        return np.clip((local - columns["day"].astype(np.int64) * DAY_US) // 60_000_000, 0, 1439)

    # Who people are

    def person(self, column: str, person_id: Ints) -> pa.Array:
        """A column of the table of people."""
        return self.known.people[column].take(pa.array(self.place(person_id)))

    def email(self, person_id: Ints, slot: Any = 0) -> pa.Array:
        """0 is the private address, 1 an older one, 2 that at work: the private one for who has no such."""
        place, slot = self.place(person_id), np.broadcast_to(np.asarray(slot), person_id.shape)
        all_of = pa.concat_arrays(self.known.emails)
        return all_of.take(pa.array(slot.astype(np.int64) * len(self.traits) + place))

    def mobile(self, person_id: Ints, day: Ints) -> pa.Array:
        place = self.place(person_id)
        later = self.known.mobile_from[0][place] <= day
        return pa.concat_arrays(self.known.mobiles).take(pa.array(later * len(self.traits) + place))

    def landline(self, person_id: Ints) -> pa.Array:
        """The household's, which all of its adults have; null without one."""
        return self.known.landlines.take(pa.array(self.place(person_id)))

    def address(self, person_id: Ints, day: Ints) -> dict[str, pa.Array]:
        """line_1, line_2, city, postal_code, region, country, as of a day."""
        home = self.known.home[self.place(person_id)]
        at = pa.array(2 * home + (self.known.moved_day[home] <= day))
        names = ("line_1", "line_2", "city", "postal_code", "region", "country")
        return {name: self.known.homes[name].take(at) for name in names}

    def country(self, person_id: Ints) -> Ints:
        """The place among COUNTRIES."""
        return self.traits.people.country[self.place(person_id)].astype(np.int64)

    # What is sold, and where

    def product(self, column: str, product_id: Ints) -> pa.Array:
        """A column of the catalogue; null for product -1."""
        numbers = product_id.astype(np.int64)
        return products_of(self.config.seed)[column].take(pa.array(numbers, mask=numbers < 0))

    def is_store_order(self, order_id: Ints) -> Array:
        """Whether an order was made in a store: what came back of it later does not say."""
        return self.sales_channel(order_id) == STORE

    def sales_channel(self, order_id: Ints) -> Ints:
        """The channel as the world chose it; an app order of who had no app yet is the site's."""
        if not len(order_id):
            return order_id
        who = self.place(order_id >> 16)
        return (self.dice.uniform("sales channel", order_id)[:, None] > self.traits.channel_edges[who]).sum(axis=1)
