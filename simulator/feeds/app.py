"""The app's analytics, and the service of its push tokens."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.channels import (
    customer_nos,
    devices,
    happened,
    ids,
    in_lists,
    known_once,
    phone_of,
    tokens,
    visited,
)
from simulator.feeds.feed import Broken, RawFeed, Recorded, Resent
from simulator.feeds.formats import Avro, Csv, JsonLines, joined
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import epoch_ms, epoch_s, hex_ids, moments, none_where, opaque, picked, skus, words
from simulator.world.config import APP as BY_APP
from simulator.world.config import CHANNELS
from simulator.world.events import PAGES, Columns, chosen
from simulator.world.randomness import Array, Ints

IN_APP = 1
PUSH = CHANNELS.index("push")
APP_INSTALL = 2
PLATFORMS = ("ios", "android")
MODELS = {"ios": ("iPhone 13", "iPhone 15", "iPhone SE"), "android": ("Pixel 8", "Galaxy S23", "Xperia 5", "Redmi 12")}
INSERTED, UPDATED, DELETED = range(3)


def platform_of(device_id: Ints) -> Ints:
    return (opaque(device_id, "app: platform") % np.uint64(len(PLATFORMS))).astype(np.int64)


def installs(seen: Seen) -> Recorded:
    rows = seen.events("signups", kind=APP_INSTALL)
    device, person, day = rows["device_id"], rows["person_id"], seen.file_day(rows["day"])
    platform = platform_of(device)
    ios, android = (picked(seen.dice, MODELS[name], "app: model", device) for name in PLATFORMS)
    return Recorded(
        day=day,
        minute=seen.minute(rows),
        columns={
            "install_id": ids(seen, "app: install", device, rows["at"]),
            "device.id": devices(device),
            "device.platform": words(platform, PLATFORMS),
            "device.model": pc.if_else(pa.array(platform == 0), ios, android),
            "app_version": words((day - seen.config.first_day) // 60 % 12, tuple(f"7.{at}.0" for at in range(12))),
            "installed_at": moments(rows["at"], "ms"),
        },
        **known_once(devices(device), person),
    )


def events(seen: Seen) -> Recorded:
    """What was done, from whichever table of the world tells of it."""
    found = [acts(seen, table) for table in ("carts", "wishlists", "searches")]
    orders = seen.events("orders", channel=BY_APP)
    person = orders["person_id"]
    found.append((orders, phone_of(person), ~orders["is_guest"], 0 * person - 1))
    rows = {name: np.concatenate([each[0][name] for each in found]) for name in ("person_id", "day", "at", "visit_id")}
    device, is_known, product = (np.concatenate([each[at] for each in found]) for at in (1, 2, 3))
    what = np.repeat(np.arange(4), [len(each[1]) for each in found])
    number = seen.dice.bits("app: event", rows["visit_id"], rows["at"], what * 4096 + product + 1)
    _, once = np.unique(number, return_index=True)  # two lines of an order may be of one product
    rows, what, number, device, is_known, product = (
        chosen(rows, once), what[once], number[once], device[once], is_known[once], product[once]
    )  # fmt: skip
    return Recorded(
        day=happened(rows),
        columns={
            "event_id": hex_ids(number.view(np.int64), "app: event"),
            "name": words(what, ("add_to_cart", "wish", "search", "purchase")),
            "device_id": devices(device),
            "customer_no": customer_nos(rows["person_id"], where=is_known),
            "session_id": sessions_of(rows["visit_id"]),
            "sku": skus(product),
            "occurred_at": epoch_ms(rows["at"]),
        },
    )


def acts(seen: Seen, table: str) -> tuple[Columns, Ints, Array, Ints]:
    rows, visits = visited(seen, table, IN_APP)
    product = rows.get("product_id", np.full(len(rows["at"]), -1))
    return rows, visits["device_id"], visits["is_logged_in"], product.astype(np.int64)


def sessions_of(visit_id: Ints) -> pa.Array:
    return hex_ids(visit_id, "app: session")


def screens(seen: Seen) -> Recorded:
    """A line a session: its screens are an array in it."""
    views, visits = visited(seen, "page_views", IN_APP)
    in_order = np.lexsort([views["at"], views["visit_id"]])
    views, visits = chosen(views, in_order), chosen(visits, in_order)
    starts = np.flatnonzero(np.diff(views["visit_id"], prepend=-1))
    sku = skus(views["product_id"])
    names = words(views["page"], PAGES)
    at = epoch_ms(views["at"]).cast(pa.string())
    of_product = pc.fill_null(joined([',"sku":"', sku, '"'], ""), "")
    texts = joined(['{"name":"', names, '","at":', at, of_product, "}"], "")
    first, of_visit = chosen(views, starts), chosen(visits, starts)
    device = devices(of_visit["device_id"])
    return Recorded(
        day=happened(first),
        columns={
            "session": sessions_of(first["visit_id"]),
            "device": device,
            "customer": customer_nos(first["person_id"], where=of_visit["is_logged_in"]),
            "screens": in_lists(texts, starts),
        },
        **known_once(device, first["person_id"]),
        holds=np.diff(np.append(starts, len(views["at"]))),
    )


def push_tokens(seen: Seen) -> Recorded:
    """Inserted with the app. Who wants no notifications any more: Android deletes the token, iOS forbids it."""
    installed = seen.events("signups", kind=APP_INSTALL)
    refused = seen.events("consents", channel=PUSH, is_granted=False)
    person, day, at = (np.concatenate([installed[name], refused[name]]) for name in ("person_id", "day", "at"))
    device = phone_of(person)
    platform = platform_of(device)
    is_new = np.arange(len(person)) < len(installed["at"])
    operation = np.where(is_new, INSERTED, np.where(platform == 0, UPDATED, DELETED))
    is_gone = operation == DELETED
    return Recorded(
        day=seen.file_day(day),
        columns={
            "op": words(operation, ("I", "U", "D")),
            "seq": pa.array(at // 1_000),
            "token": tokens(device),
            "device_id": none_where(is_gone, devices(device)),
            "platform": none_where(is_gone, words(platform, PLATFORMS)),
            "is_allowed": none_where(is_gone, words(is_new.astype(np.int64), ("0", "1"))),
            "changed_at": none_where(is_gone, epoch_s(at)),
        },
        **known_once(tokens(device), person),
    )


FEEDS = (
    RawFeed(
        name="app_installs",
        path="app/installs/installs_{at:%Y-%m-%dT%H}.jsonl",
        form=JsonLines(),
        record=installs,
        every="hour",
        arrives=0.1,
    ),
    RawFeed(
        name="app_events",
        path="app/events/events_{at:%Y%m%d}.avro",
        form=Avro("AppEvent"),
        record=events,
        arrives=2.5,
        wrong=(Resent(6, after=2),),
    ),
    RawFeed(
        name="app_screens",
        path="app/screens/screens_{at:%Y-%m-%d}.jsonl",
        form=JsonLines(skip_null=True),
        record=screens,
        arrives=2.5,
        wrong=(
            Broken(
                4,
                (
                    ("screens are no array", '{"session":"00000000000000b1","device":"d-00","screens":"home"}'),
                    ("truncated JSON", '{"session":"00000000000000b2","device":"d-00","screens":[{"name":"home"'),
                ),
            ),
        ),
    ),
    RawFeed(
        name="app_push_tokens",
        path="app/push_tokens/changes_{at:%Y-%m-%d}.csv",
        form=Csv(),
        record=push_tokens,
        arrives=1,
        wrong=(
            Broken(
                0, (("unknown operation", "X,1704100000000,00000000000000000000000000000000,d-00,ios,1,1704100000"),)
            ),
        ),
    ),
)
