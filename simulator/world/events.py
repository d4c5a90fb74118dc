"""What happens, as tables: the one declaration of their columns, and how rows come into them.

Every table begins with `person_id` (the truth: no system knows it), `day` (the local date) and `at` (UTC). Amounts are
in cents of the person's currency. A row belongs to the day that its local clock shows; `until` counts those days.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.world.catalogue import CATEGORIES
from simulator.world.config import CHANNELS, OFFERS, SALES_CHANNELS
from simulator.world.places import DAY_US, utc
from simulator.world.randomness import Array, Ints

PAGES = ("home", "category", "product", "search", "cart", "checkout", "confirmation", "account")
SOURCES = ("direct", "search", "social", "email", "sms", "push", "ads", "mail")
TENDERS = ("card", "cash", "wallet", "gift card", "points")
TOPICS = ("late delivery", "damaged item", "where is my order", "refund", "product question", "account", "praise")
CATEGORY_NAMES = tuple(name for _, name in CATEGORIES)

Type = str | tuple[str, ...]  # a numpy type, or the vocabulary of a column of codes
EVERY: dict[str, Type] = {"person_id": "int64", "day": "int32", "at": "int64"}

EVENTS: dict[str, dict[str, Type]] = {
    # A purchase, in any sales channel. At most one a person a day. `offer` is what was redeemed; `is_member` says
    # whether the loyalty number was shown; `visit_id` is -1 in a store and on a marketplace; `campaign_id` made the
    # offer: -1 for none, and for the platform's.
    "orders": {
        "order_id": "int64", "channel": SALES_CHANNELS, "store_id": "int16", "visit_id": "int64", "is_guest": "bool",
        "is_member": "bool", "lines": "int16", "gross_cents": "int64", "discount_cents": "int64",
        "shipping_cents": "int64", "total_cents": "int64", "offer": ("none", *OFFERS), "campaign_id": "int64",
        "email_slot": "int8",
    },
    # `discount_cents` is the price cut of the week and the offer together, for all units of the line.
    "order_lines": {
        "order_id": "int64", "line": "int16", "product_id": "int16", "quantity": "int16", "unit_price_cents": "int32",
        "discount_cents": "int32", "is_coupon": "bool",
    },
    # What an order was paid with: one row, or two when a gift card or points were not enough.
    "payments": {"order_id": "int64", "tender": TENDERS, "amount_cents": "int64", "card_slot": "int8"},
    "chargebacks": {"order_id": "int64", "amount_cents": "int64"},
    "returns": {"order_id": "int64", "line": "int16", "product_id": "int16", "quantity": "int16",
                "amount_cents": "int32", "reason": ("unwanted", "damaged", "wrong item", "size")},
    # A parcel's life; every parcel is shipped and ends delivered or lost.
    "shipments": {"order_id": "int64", "status": ("shipped", "delayed", "damaged", "delivered", "lost"),
                  "promised_day": "int32", "carrier": "int8"},
    # The site knows a browser by its cookie, until it is deleted; the app knows the device. The other is -1.
    "visits": {
        "visit_id": "int64", "channel": ("web", "app"), "device_id": "int64", "cookie_id": "int64", "source": SOURCES,
        "campaign_id": "int64", "is_logged_in": "bool", "pages": "int16", "seconds": "int32",
    },
    "page_views": {"visit_id": "int64", "page": PAGES, "product_id": "int16", "category": CATEGORY_NAMES},
    "searches": {"visit_id": "int64", "term": CATEGORY_NAMES, "results": "int16"},
    "carts": {"visit_id": "int64", "product_id": "int16", "quantity": "int16", "status": ("bought", "abandoned")},
    "wishlists": {"visit_id": "int64", "product_id": "int16"},
    # What the business (campaign_id >= 0) or the platform (-1) sent. `onsite` is shown in a visit of that day.
    "messages": {"message_id": "int64", "channel": CHANNELS, "offer": OFFERS, "campaign_id": "int64"},
    "message_events": {
        "message_id": "int64", "channel": CHANNELS,
        "kind": ("delivered", "bounced", "opened", "clicked", "unsubscribed", "replied"), "campaign_id": "int64",
    },
    "ad_events": {"kind": ("impression", "click"), "cookie_id": "int64", "campaign_id": "int64",
                  "cost_micros": "int32"},
    "care": {"contact_id": "int64", "kind": ("call", "chat", "ticket"), "topic": TOPICS, "order_id": "int64",
             "seconds": "int32", "satisfaction": "int8"},
    "surveys": {"survey_id": "int64", "kind": ("nps", "product feedback", "review"), "score": "int8",
                "product_id": "int16", "order_id": "int64"},
    "loyalty": {"kind": ("accrual", "redemption"), "points": "int32", "order_id": "int64"},
    # When a person becomes known to a system, and by what.
    "signups": {"kind": ("web account", "loyalty", "app install", "newsletter", "store card"), "email_slot": "int8",
                "device_id": "int64"},
    "consents": {"channel": CHANNELS, "is_granted": "bool",
                 "source": ("sign-up", "unsubscribe", "opt-out", "preference centre")},
    "store_visits": {"store_id": "int16", "kind": ("visit", "appointment")},
    "referrals": {"referred_id": "int64"},
    "mentions": {"kind": ("mention", "message", "follow"), "sentiment": ("negative", "neutral", "positive")},
}  # fmt: skip

Columns = dict[str, Array]
Tables = dict[str, Columns]


@dataclass
class Happenings:
    """Rows of events as they come, by table: checked against the declaration when they are added."""

    person_id: Ints
    zone: Array
    found: dict[str, list[Columns]]

    @classmethod
    def of(cls, person_id: Ints, zone: Array) -> "Happenings":
        return cls(person_id, zone, {name: [] for name in EVENTS})

    def add(self, table: str, who: Ints, local_us: Ints, **columns: Array | int) -> None:
        """`who` are places in the block; `local_us` is what their own clock shows, as microseconds since 1970."""
        if not len(who):
            return
        declared = EVENTS[table]
        if columns.keys() != declared.keys():
            raise TypeError(f"{table}: expected {', '.join(declared)}; found {', '.join(columns)}")
        rows: Columns = {
            "person_id": self.person_id[who],
            "day": (local_us // DAY_US).astype(np.int32),
            "at": utc(self.zone[who], local_us),
        }
        for name, kind in declared.items():
            values = np.broadcast_to(np.asarray(columns[name]), who.shape)
            rows[name] = values.astype(storage(kind), copy=False)
        self.found[table].append(rows)

    def tables(self) -> Tables:
        return {name: concatenated(name, found) for name, found in self.found.items()}


def storage(kind: Type) -> str:
    return kind if isinstance(kind, str) else "int8"


def empty(table: str) -> Columns:
    return {name: np.empty(0, storage(kind)) for name, kind in (EVERY | EVENTS[table]).items()}


def concatenated(table: str, found: list[Columns]) -> Columns:
    if not found:
        return empty(table)
    return {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}


def chosen(columns: Columns, where: Array) -> Columns:
    return {name: values[where] for name, values in columns.items()}


def in_days(tables: Tables, first: int, last: int) -> Tables:
    """The rows of these local days, in the order in which they happened."""
    selected = {}
    for name, columns in tables.items():
        inside = np.flatnonzero((columns["day"] >= first) & (columns["day"] <= last))
        selected[name] = chosen(columns, inside[np.argsort(columns["at"][inside], kind="stable")])
    return selected


def after_day(tables: Tables, last: int) -> Tables:
    """What has been set in motion and happens later."""
    return {name: chosen(columns, np.flatnonzero(columns["day"] > last)) for name, columns in tables.items()}


def joined(parts: list[Tables]) -> Tables:
    return {name: concatenated(name, [part[name] for part in parts if name in part]) for name in EVENTS}


def to_arrow(table: str, columns: Mapping[str, Array]) -> pa.Table:
    """With dates, timestamps and the words of the vocabularies."""
    kinds = EVERY | EVENTS[table]
    arrays = []
    for name, kind in kinds.items():
        array = pa.array(columns[name])
        if name == "at":
            array = array.cast(pa.timestamp("us", "UTC"))
        elif name == "day" or name.endswith("_day"):
            array = array.cast(pa.date32())
        elif isinstance(kind, tuple):
            array = pa.DictionaryArray.from_arrays(array, pa.array(kind))
        arrays.append(array)
    return pa.table(arrays, names=list(kinds))
