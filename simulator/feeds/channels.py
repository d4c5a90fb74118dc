"""What the systems of the channels share: how they name browsers, devices, messages and campaigns, and their clocks."""

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.formats import joined
from simulator.feeds.seen import Seen
from simulator.feeds.shop import customer_numbers
from simulator.feeds.spelling import hex_ids, letter_ids, none_where
from simulator.world.config import OFFERS
from simulator.world.events import Columns, chosen
from simulator.world.identities import email_counts
from simulator.world.randomness import Array, Ints

DAY_S = 86_400


# Ids


def cookies(cookie_id: Ints) -> pa.Array:
    """A browser, as the site and the advertisers that share its cookies know it."""
    return hex_ids(cookie_id, "web: cookie")


def devices(device_id: Ints) -> pa.Array:
    return hex_ids(device_id, "app: device", "d-")


def tokens(device_id: Ints) -> pa.Array:
    """The token by which the app on a device is sent notifications."""
    return joined([hex_ids(device_id, "push: token"), hex_ids(device_id, "push: token, the rest")], "")


def phone_of(person_id: Ints) -> Ints:
    """The device on which each person has the app."""
    return person_id * 8


def ids(seen: Seen, use: str, *keys: Ints) -> pa.Array:
    """An opaque id for each row, of all that makes it one."""
    return hex_ids(seen.dice.bits(use, *keys).view(np.int64), use)


def templates(offer: Ints) -> pa.Array:
    return pa.array(OFFERS).take(pa.array(offer.astype(np.int64)))


def customer_nos(person_id: Ints, where: Array | None = None) -> pa.Array:
    """The shop's number of a customer, as it tells the other systems."""
    numbers = pa.array(customer_numbers(person_id)).cast(pa.string())
    return numbers if where is None else none_where(~where, numbers)


# Addresses


def newsletter_slots(seen: Seen) -> Ints:
    """By place in the block: which of their addresses people gave for the newsletter."""
    return address_slots(seen, "newsletter")


def address_slots(seen: Seen, use: str) -> Ints:
    person = seen.traits.people.person_id
    wanted = np.searchsorted(np.array([0.7, 0.93]), seen.dice.uniform(f"address for {use}", person))
    return np.minimum(wanted, email_counts(seen.dice, person) - 1)


def subscribers(seen: Seen, person_id: Ints) -> tuple[pa.Array, pa.Array]:
    """The e-mail service's number of the address that each gave for the newsletter, and the address."""
    people, slot = seen.traits.people.person_id, newsletter_slots(seen)
    place = pa.array(seen.place(person_id))
    return letter_ids(people * 4 + slot, "email: subscriber", "S").take(place), seen.email(people, slot).take(place)


def known_once(record_id: pa.Array, person_id: Ints) -> dict[str, pa.Array | Ints]:
    """Which record is which person, each pair once, for the truth. Of a record that several share there are several."""
    pairs = pa.table({"record_id": record_id, "person_id": person_id}).group_by(["record_id", "person_id"])
    once = pairs.aggregate([]).sort_by([("person_id", "ascending"), ("record_id", "ascending")]).combine_chunks()
    return {"record_id": once["record_id"].combine_chunks(), "person_id": once["person_id"].to_numpy()}


# Visits


def visited(seen: Seen, table: str, channel: int) -> tuple[Columns, Columns]:
    """Rows of a table, and the visits that they are of. A session ends at midnight: what follows is not recorded."""
    rows, visits = seen.events(table), seen.events("visits")
    row, visit = matched(rows["visit_id"], visits["visit_id"])
    is_same_day = rows["day"][row] == visits["day"][visit]
    wanted = is_same_day & (visits["channel"][visit] == channel)
    return chosen(rows, row[wanted]), chosen(visits, visit[wanted])


def matched(wanted: Ints, among: Ints) -> tuple[Ints, Ints]:
    """The places of what is there, and where it is."""
    if not len(among):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    order = np.argsort(among, kind="stable")
    place = np.minimum(np.searchsorted(among[order], wanted), len(among) - 1)
    there = np.flatnonzero(among[order[place]] == wanted)
    return there, order[place[there]]


def first_of_each(columns: Columns, name: str) -> Columns:
    _, first = np.unique(columns[name], return_index=True)
    return chosen(columns, np.sort(first))


def in_lists(texts: pa.Array, starts: Ints) -> pa.Array:
    """Texts that follow each other as JSON arrays: one from each start up to the next."""
    offsets = pa.array(np.append(starts, len(texts)).astype(np.int32))
    return joined(["[", pc.binary_join(pa.ListArray.from_arrays(offsets, texts), ","), "]"], "").cast(pa.binary())


# Clocks: strftime is slow for each row, but not for each day and each second of one


def local_text(at: Ints, zone: str, of_day: str, of_time: str) -> pa.Array:
    """UTC microseconds as what a clock in the zone shows: day and time, each as strftime has it."""
    seconds = local_seconds(at, zone)
    days, place = np.unique(seconds // DAY_S, return_inverse=True)
    texts = pc.strftime(pa.array(days * DAY_S).cast(pa.timestamp("s")), format=of_day)
    return joined([texts.take(pa.array(place)), times_of_day(of_time).take(pa.array(seconds % DAY_S))], "")


@lru_cache(maxsize=16)
def times_of_day(of_time: str) -> pa.Array:
    return pc.strftime(pa.array(np.arange(DAY_S)).cast(pa.timestamp("s")), format=of_time)


def local_seconds(at: Ints, zone: str) -> Ints:
    moments = pa.array(at // 1_000_000).cast(pa.timestamp("s", zone))
    return pc.local_timestamp(moments).cast(pa.int64()).to_numpy(zero_copy_only=False)


def offset_text(at: Ints, zone: str) -> pa.Array:
    """With the zone's offset from UTC: 2024-03-01T09:30:00-05:00."""
    local = local_seconds(at, zone)
    minutes, place = np.unique((local - at // 1_000_000) // 60, return_inverse=True)
    signs = [f"{'-' if each < 0 else '+'}{abs(each) // 60:02}:{abs(each) % 60:02}" for each in minutes.tolist()]
    shown = pc.replace_substring(pa.array(local).cast(pa.timestamp("s")).cast(pa.string()), " ", "T")
    return joined([shown, pa.array(signs, pa.string()).take(pa.array(place))], "")


def happened(columns: Columns) -> Ints:
    days: Array = columns["day"]
    return days.astype(np.int64)
