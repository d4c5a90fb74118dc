"""The advertising platform, and the agency's accounts of it."""

import numpy as np
import pyarrow as pa

from simulator.feeds.channels import cookies, happened, ids, known_once, matched
from simulator.feeds.feed import Broken, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, JsonDocument
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import (
    campaign_codes,
    epoch_ms,
    epoch_s,
    letter_ids,
    moments,
    money,
    picked,
    with_comma,
    words,
)
from simulator.world.events import SOURCES, chosen
from simulator.world.places import COUNTRIES, CURRENCIES
from simulator.world.randomness import Array

SHOWN, CLICKED = range(2)
PUBLISHERS = ("news.example", "weather.example", "recipes.example", "videos.example", "football.example")
MICROS_PER_CENT = 10_000


def impressions(seen: Seen) -> Recorded:
    rows = seen.events("ad_events", kind=SHOWN)
    cookie = cookies(rows["cookie_id"])
    number = (rows["cookie_id"], rows["at"], rows["person_id"])
    return Recorded(
        day=happened(rows),
        columns={
            "impression_id": ids(seen, "ads: impression", *number),
            "cookie_id": cookie,
            "campaign_code": campaign_codes(rows["campaign_id"]),
            "publisher": picked(seen.dice, PUBLISHERS, "ads: publisher", *number),
            "cost_micros": rows["cost_micros"],
            "shown_at": epoch_ms(rows["at"]),
        },
        **known_once(cookie, rows["person_id"]),
    )


def clicks(seen: Seen) -> Recorded:
    rows = seen.events("ad_events", kind=CLICKED)
    return Recorded(
        day=happened(rows),
        columns={
            "click_id": ids(seen, "ads: click", rows["cookie_id"], rows["at"], rows["person_id"]),
            "cookie_id": cookies(rows["cookie_id"]),
            "campaign_code": campaign_codes(rows["campaign_id"]),
            "cost_micros": rows["cost_micros"],
            "clicked_at": epoch_s(rows["at"]),
        },
    )


def spend(seen: Seen) -> Recorded:
    """An ad set is the part of the audience that is simulated together."""
    rows = seen.events("ad_events")
    key, place = np.unique((rows["day"].astype(np.int64) << 32) | (rows["campaign_id"] + 1), return_inverse=True)
    day, campaign = key >> 32, (key & 0xFFFFFFFF) - 1
    is_click = rows["kind"] == CLICKED
    cents = counted(place, rows["cost_micros"], key) // MICROS_PER_CENT
    set_of_block = letter_ids(np.full(len(key), seen.batch.block), "ads: set", "AS-")
    has_note = seen.dice.uniform("ads: note", day, campaign) < 0.1
    return Recorded(
        day=day,
        columns={
            "spent_on": pa.array([f"{each:%d.%m.%Y}" for each in day.astype("datetime64[D]").tolist()], pa.string()),
            "campaign_code": campaign_codes(campaign),
            "ad_set": set_of_block,
            "impressions": grouped(counted(place, ~is_click, key)),
            "clicks": grouped(counted(place, is_click, key)),
            "amount": with_comma(money(cents), "."),
            "note": words(np.where(has_note, 0, 1), ("vorläufig, wird geprüft; Gebühr fällt an", None)),  # type: ignore
        },
    )


def counted(place: Array, weights: Array, key: Array) -> Array:
    return np.bincount(place, weights=weights, minlength=len(key)).astype(np.int64)


def grouped(numbers: Array) -> pa.Array:
    return pa.array([f"{number:,}".replace(",", ".") for number in numbers.tolist()], pa.string())


def conversions(seen: Seen) -> Recorded:
    """Orders of the visits to which a click led, on the site."""
    visits, orders = seen.events("visits", source=SOURCES.index("ads")), seen.events("orders")
    visits = chosen(visits, np.flatnonzero(visits["cookie_id"] >= 0))
    order, visit = same_person_and_day(orders, visits)
    orders, visits = chosen(orders, order), chosen(visits, visit)
    currencies = tuple(CURRENCIES[country] for country in COUNTRIES)
    return Recorded(
        day=happened(orders),
        columns={
            "id": ids(seen, "ads: conversion", orders["order_id"]),
            "time": moments(orders["at"]),
            "browser.cookie": cookies(visits["cookie_id"]),
            "campaign": campaign_codes(visits["campaign_id"]),
            "order.value": money(orders["total_cents"]),
            "order.currency": words(seen.country(orders["person_id"]), currencies),
        },
    )


def same_person_and_day(orders: dict[str, Array], visits: dict[str, Array]) -> tuple[Array, Array]:
    keys = [(rows["person_id"] << 20) | rows["day"] for rows in (orders, visits)]
    return matched(*keys)


FEEDS = (
    RawFeed(
        name="ads_impressions",
        path="ads/impressions/impressions_{at:%Y-%m-%d}.csv.gz",
        form=Csv(),
        record=impressions,
        arrives=6,
        wrong=(
            Broken(
                9, (("a cost in words", "00000000000000f1,00000000000000f2,CMP-00024,news.example,free,1704950000000"),)
            ),
            Resent(10),
        ),
    ),
    RawFeed(
        name="ads_clicks",
        path="ads/clicks/clicks_{at:%Y-%m-%d}.tsv",
        form=Csv(sep="\t"),
        record=clicks,
        arrives=6,
    ),
    RawFeed(
        name="ads_spend",
        path="ads/spend/Ausgaben_{at:%Y-%m-%d}.csv",
        form=Csv(sep=";", encoding="cp1252", newline="\r\n", null="k.A."),
        record=spend,
        arrives=10,
        wrong=(
            Broken(
                9, (("a decimal point", "10.01.2024;CMP-00024;AS-0;1.000;10;12.50;k.A."), ("a sum", "Summe;;;;;99,99;"))
            ),
        ),
    ),
    RawFeed(
        name="ads_conversions",
        path="ads/conversions/conversions_{at:%Y-%m-%d}.json",
        form=JsonDocument("conversions", head='"advertiser":"orrery-retail",'),
        record=conversions,
        arrives=6,
    ),
)
