"""The truth, as Parquet beside the landing folder: no layer reads it, and all that it claims can be scored against it.

people, addresses, emails, phones, devices, relations, life_events   who everyone is
tastes       by person and category: its share of what they like, and the brand of it that they like best
staples      by person: the products that they buy again and again, and how much of their staples each is
effects      by person, channel and offer: what the action does to them
weeks        by person and week: alive or gone, what they spent, what was earned of them, and what they will spend
campaigns    what the business sent, and with which probability
products, prices, stores   what it sells, for how much since when, and where
actions      what the platform decided
records      by source: which record is which person (written by the feeds)
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.world.catalogue import (
    BRANDS,
    CATEGORIES,
    DEPARTMENTS,
    PRODUCTS,
    catalogue,
    price_table,
    product_table,
)
from simulator.world.config import (
    CHANNELS,
    DISCOUNTS,
    EFFECT_DAYS,
    OFFERS,
    RESPONSES,
    SALES_CHANNELS,
    SEGMENTS,
    Config,
)
from simulator.world.households import block_count, members
from simulator.world.identities import day_column, identities
from simulator.world.messaging import campaigns
from simulator.world.places import store_table
from simulator.world.processes import pool_of
from simulator.world.profit import EARNED, ORDERS, SPENT, contact_cents, expected_order_cents, expected_profit
from simulator.world.randomness import Dice, Floats, Ints
from simulator.world.shopping import REDEEMS
from simulator.world.state import Lived
from simulator.world.tastes import STAPLES, taste_shares
from simulator.world.traits import Customs, Traits, customs
from simulator.world.world import World, traits_of

HORIZONS = (4, 13, 26, 52)  # weeks
RECORDS = pa.schema({"record_id": pa.string(), "person_id": pa.int64()})
ROW_GROUP = 2**20


def truth_path(landing: Path) -> Path:
    """Beside the landing folder, not in it: it is no delivery."""
    return landing.absolute().parent / "truth"


def write_truth(folder: Path, world: World, *, foresee_weeks: int = max(HORIZONS), processes: int = 1) -> None:
    """All that is known at the end of the world's last day, and the future as it will be if no one acts."""
    config = world.config
    of_config = json.dumps(asdict(config), default=str).encode()
    marker = folder / "config.json"
    if not marker.exists() or marker.read_bytes() != of_config:
        spread(partial(write_people, folder, config), range(block_count(config)), processes)
        marker.write_bytes(of_config)
    assert world.until is not None
    put(folder / "products.parquet", product_table(config.seed))
    put(folder / "prices.parquet", price_table(config, config.week_of(world.next_day - 1)))
    put(folder / "stores.parquet", store_table())
    put(folder / "campaigns.parquet", campaigns(config, world.next_day - 1))
    put(folder / "actions.parquet", action_table(world))
    future = world.copied(world.folder / "future")
    if foresee_weeks:
        for _ in future.advance(
            world.until + timedelta(weeks=foresee_weeks), processes=processes, then=nothing, is_watched=False
        ):
            pass
    for block in range(block_count(config)):
        people = customs(config, Dice(config.seed), members(config, block))
        of_block = week_table(world, people, future.lived(block), future.next_day)
        put(folder / f"weeks/part-{block:05}.parquet", of_block)
    shutil.rmtree(future.folder)


def nothing(_: Any) -> None:
    pass


def spread(work: Callable[[int], None], blocks: range, processes: int) -> None:
    if processes == 1:
        for block in blocks:
            work(block)
        return
    with pool_of(processes) as pool:
        for _ in pool.map(work, blocks):
            pass


def put(path: Path, table: pa.Table) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    pq.write_table(table, unfinished, compression="zstd")
    unfinished.replace(path)


def write_people(folder: Path, config: Config, block: int) -> None:
    of_block = traits_of(config, block)
    for name, table in identities(config, of_block.people).items():
        if name == "people":
            parameters = parameter_table(config, of_block)
            for column in parameters.column_names:
                table = table.append_column(column, parameters[column])
        put(folder / f"{name}/part-{block:05}.parquet", table)
    put(folder / f"tastes/part-{block:05}.parquet", taste_table(config, of_block))
    put(folder / f"staples/part-{block:05}.parquet", staple_table(of_block))
    put(folder / f"effects/part-{block:05}.parquet", effect_table(config, of_block))


def parameter_table(config: Config, traits: Traits) -> pa.Table:
    """What each person is like. The expected spend is that of a living customer in mean weeks without campaigns."""
    order_cents = expected_order_cents(config, traits)
    shares = np.diff(traits.channel_edges, axis=1, prepend=0)
    columns: dict[str, Any] = {
        "segment": np.array([segment.name for segment in SEGMENTS])[traits.segment],
        "joined_on": day_column(traits.joined_day),
        "orders_per_day": traits.lam,
        "hazard_per_day": traits.mu,
        "lifetime_hazard": traits.lifetime,
        "median_lines": traits.lines,
        "lines_sigma": traits.lines_sigma,
        "spend_level": traits.spend_level,
        "expected_order_cents": order_cents,
        "brand_loyalty": traits.brand_loyalty,
        "price_sensitivity": traits.price_sensitivity,
        "payday_sensitivity": traits.payday,
        "touchiness": traits.touchiness,
        "fatigue": traits.fatigue,
        "response": np.array(RESPONSES)[traits.response],
        "visits_per_day": traits.browsing,
        "guest_share": traits.guest,
        "wants_loyalty": traits.wants_loyalty,
        "uses_app": traits.uses_app,
    }
    columns |= {f"share_{name}": shares[:, at] for at, name in enumerate(SALES_CHANNELS)}
    columns |= {f"taste_{name}": traits.tastes[:, at] for at, name in enumerate(DEPARTMENTS)}
    for at, name in enumerate(CHANNELS):
        columns[f"openness_{name}"] = traits.openness[:, at]
        columns[f"attitude_{name}"] = np.array(["likes", "ignores", "hates"])[traits.attitude[:, at]]
    for weeks in HORIZONS:
        columns[f"expected_cents_{weeks}w"] = expected_spend(traits, order_cents, 7 * weeks)
    return pa.table(columns)


def taste_table(config: Config, traits: Traits) -> pa.Table:
    """What each person likes: their staples are drawn by the shares, and a brand by their loyalty to the favourite."""
    person, names = traits.people.person_id, tuple(name for _, name in CATEGORIES)
    shares = taste_shares(Dice(config.seed), person, traits.segment)
    return pa.table(
        {
            "person_id": np.repeat(person, len(names)),
            "category": codes(np.tile(np.arange(len(names)), len(person)), names),
            "share": shares.reshape(-1).astype(np.float32),
            "favourite_brand": codes(catalogue(config.seed).brand[traits.favourites].reshape(-1), BRANDS),
        }
    )


def staple_table(traits: Traits) -> pa.Table:
    place = np.arange(len(traits))[:, None] * PRODUCTS + traits.staples
    found, slots = np.unique(place, return_counts=True)
    return pa.table(
        {
            "person_id": traits.people.person_id[found // PRODUCTS],
            "product_id": found % PRODUCTS,
            "share": slots / STAPLES,
        }
    )


def expected_spend(traits: Traits, order_cents: Floats, days: int) -> Floats:
    """Of who is alive, in the days to come: a rate, for as long as the hazard lets them live."""
    return daily_chance(traits.lam) * order_cents * -np.expm1(-traits.mu * days) / traits.mu


def daily_chance(rate: Floats) -> Floats:
    return -np.expm1(-rate)


def effect_table(config: Config, traits: Traits) -> pa.Table:
    """What each action does to each person in the EFFECT_DAYS after it, if they are alive and not tired of messages.

    What is `added_...` is an expected value on mean days: the cents are what they pay, less what the offer costs; the
    profit is less goods and the contact too. That a sleeping dog may be lost for good comes on top: `hazard_log_lift`.
    """
    lam = traits.lam[:, None, None]
    before = daily_chance(lam) * EFFECT_DAYS
    with_action = daily_chance(lam * np.exp(traits.log_lift)) * EFFECT_DAYS
    order_cents = expected_order_cents(config, traits)[:, None, None]
    cost = REDEEMS[traits.response][:, None, None] * np.array(DISCOUNTS)
    earned, offer_cents = expected_profit(config, traits)
    added_profit = with_action * (earned[:, None] - offer_cents)[:, None, :] - before * earned[:, None, None]
    added_profit -= contact_cents(traits)[:, :, None]
    count, actions = len(traits), len(CHANNELS) * len(OFFERS)
    hazard = traits.hazard_lift[:, None, None] * traits.openness[:, :, None] * np.ones(len(OFFERS))
    return pa.table(
        {
            "person_id": np.repeat(traits.people.person_id, actions),
            "channel": codes(np.tile(np.repeat(np.arange(len(CHANNELS)), len(OFFERS)), count), CHANNELS),
            "offer": codes(np.tile(np.arange(len(OFFERS)), count * len(CHANNELS)), OFFERS),
            "log_lift": traits.log_lift.reshape(-1),
            "hazard_log_lift": hazard.reshape(-1),
            "added_orders": (with_action - before).reshape(-1),
            "added_cents": (order_cents * (with_action * (1 - cost) - before)).reshape(-1),
            "added_profit_cents": added_profit.reshape(-1),
        }
    )


def codes(values: Ints, words: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(values.astype(np.int8)), pa.array(words))


def week_table(world: World, customs: Customs, lived: Lived, known_until: int) -> pa.Table:
    """One row per customer and week that is over. What lies beyond `known_until` is null.

    `lived` may go beyond the world's last day: who is gone only then is alive in all weeks.
    """
    config, person, weekly = world.config, customs.people.person_id, lived.weekly
    known = (known_until - config.first_day) // 7
    weeks = (world.next_day - config.first_day) // 7
    spent = weekly[SPENT, :, :known].astype(np.int64)
    sundays = config.monday(0) + 6 + 7 * np.arange(weeks)
    there = customs.joined_day[:, None] <= sundays
    at_person, at_week = np.nonzero(there)
    columns: dict[str, Any] = {
        "person_id": person[at_person],
        "as_of_date": day_column(sundays[at_week]),
        "is_alive": (lived.state.gone_day[:, None] > sundays)[there],
        "spent_cents": spent[:, :weeks][there],
        "orders": weekly[ORDERS, :, :weeks][there].astype(np.int64),
        "profit_cents": weekly[EARNED, :, :weeks][there] / 100,
    }
    running = np.concatenate([np.zeros((len(person), 1), dtype=np.int64), np.cumsum(spent, axis=1)], axis=1)
    for horizon in HORIZONS:
        ends = np.minimum(np.arange(1, weeks + 1) + horizon, known)
        future = running[:, ends] - running[:, 1 : weeks + 1]
        unknown = np.arange(1, weeks + 1) + horizon > known
        columns[f"next_{horizon}w_cents"] = pa.array(future[there], mask=np.broadcast_to(unknown, there.shape)[there])
    return pa.table(columns)


def action_table(world: World) -> pa.Table:
    person, day, channel, offer = world.actions.columns
    columns = {
        "person_id": person,
        "on": day_column(day),
        "channel": codes(channel, CHANNELS),
        "offer": codes(offer, OFFERS),
    }
    return pa.table(columns)


def write_records(folder: Path, source: str, part: str, tables: Iterable[pa.Table]) -> None:
    """For the feeds: which `record_id` of a source is which `person_id`. A part written again replaces itself."""
    path = folder / f"records/source={source}/{part}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    with pq.ParquetWriter(unfinished, RECORDS, compression="zstd") as writer:
        for group in row_groups(tables):
            writer.write_table(group)
    unfinished.replace(path)


def row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    waiting = RECORDS.empty_table()
    for table in tables:
        waiting = pa.concat_tables([waiting, table])
        while waiting.num_rows >= ROW_GROUP:
            yield waiting.slice(0, ROW_GROUP)
            waiting = waiting.slice(ROW_GROUP)
    yield waiting
