"""What is around people changes what they do: the season, paydays, promotions, their own lives, and too many messages.

Each is shown on the same people with the same luck, with and without it.
"""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from simulator.world import seasons, shopping
from simulator.world.catalogue import DEPARTMENTS, PRODUCTS
from simulator.world.choice import FROM_STAPLES
from simulator.world.config import CHANNELS, OFFERS, Config, as_date, day_number
from simulator.world.world import World
from tests.simulator.worlds import lived, on, year_of_800

CONFIG = Config(people=6_000, seed=21, campaigns=False, households_per_block=3_000)
WEEKS = 52


def purchases(config: Config = CONFIG, weeks: int = WEEKS) -> tuple[World, np.ndarray]:
    """By person and day of the world."""
    world = World(config)
    orders = lived(world, on(7 * weeks - 1), is_watched=False)["orders"]
    found = np.zeros((config.people, 7 * weeks), dtype=int)
    found[orders["person_id"], orders["day"] - config.first_day] = 1
    return world, found


def of_all(world: World, name: str) -> np.ndarray:
    return np.concatenate([getattr(traits, name) for traits in world.blocks()])


@pytest.fixture(scope="module")
def usual() -> tuple[World, np.ndarray]:
    return purchases()


@pytest.fixture(scope="module")
def uneventful() -> np.ndarray:
    """What they would buy if nothing happened in their lives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shopping, "regime", lambda traits, days: np.zeros((len(traits), len(days))))
        return purchases()[1]


def test_a_promotion_pulls_purchases_forward_from_the_weeks_after(usual, monkeypatch):
    world, bought = usual
    promoted = np.array([seasons.is_promotion(week) for week in range(WEEKS)])
    monkeypatch.setattr(seasons, "promotions", lambda week: 0.0)
    without = purchases()[1]
    keen = of_all(world, "price_sensitivity") > 0.4
    weekly, weekly_without = (each[keen].sum(axis=0).reshape(WEEKS, 7).sum(axis=1) for each in (bought, without))
    after = np.roll(promoted, 1) | np.roll(promoted, 2)

    assert promoted.sum() == 9
    assert weekly[promoted].sum() > 1.3 * weekly_without[promoted].sum()
    assert weekly[after].sum() < 0.9 * weekly_without[after].sum()
    np.testing.assert_allclose(weekly[~promoted & ~after], weekly_without[~promoted & ~after], rtol=0.03)
    assert weekly.sum() == pytest.approx(weekly_without.sum(), rel=0.04)


def test_who_lives_from_payday_to_payday_buys_after_it(usual, monkeypatch):
    world, bought = usual
    monkeypatch.setattr(seasons, "paydays", lambda days: np.zeros((4, len(days))))
    without = purchases()[1]
    in_britain = of_all(world, "payday") > 0.3
    in_britain &= np.concatenate([block.people.country == 1 for block in world.blocks()])  # it pays on the 28th
    days = [as_date(CONFIG.first_day + day).day for day in range(7 * WEEKS)]
    just_paid = np.isin(days, (28, 29, 30))

    assert bought[in_britain][:, just_paid].sum() > 1.2 * without[in_britain][:, just_paid].sum()
    assert bought[in_britain][:, ~just_paid].sum() < without[in_britain][:, ~just_paid].sum()


def test_people_buy_at_the_weekend_before_christmas_and_not_on_it(usual):
    _, bought = usual
    days = [as_date(CONFIG.first_day + day) for day in range(7 * WEEKS)]
    of_day = {day: int(count) for day, count in zip(days, bought.sum(axis=0), strict=True)}
    weekday = np.array([day.weekday() for day in days])
    december, october = (np.mean([of_day[date(2024, month, day)] for day in range(8, 22)]) for month in (12, 10))

    assert bought[:, weekday == 5].sum() > 1.2 * bought[:, weekday == 1].sum()
    assert december > 1.15 * october
    assert of_day[date(2024, 12, 25)] < 0.5 * october
    assert of_day[date(2024, 11, 29)] > of_day[date(2024, 10, 25)]


@pytest.mark.parametrize(
    ("event", "days", "change"),
    [("job_lost_day", 182, -0.7), ("moved_day", 60, 0.4), ("married_day", 90, 0.3), ("child_born_day", 364, 0.35)],
)
def test_an_event_of_their_lives_changes_how_much_they_buy(event, days, change, usual, uneventful):
    """Of those to whom nothing else happens in that time."""
    world, bought = usual
    events = ("job_lost_day", "moved_day", "married_day", "child_born_day")
    day = {name: np.concatenate([getattr(block.people, name) for block in world.blocks()]) for name in events}
    since = day[event][:, None]
    today = CONFIG.first_day + np.arange(7 * WEEKS)
    touched = (today >= since) & (today < since + days)
    for other in set(events) - {event}:
        touched &= ~(today >= day[other][:, None])
    with_event, as_usual = bought[touched].sum(), uneventful[touched].sum()

    assert as_usual > 40
    assert np.log(with_event / as_usual) == pytest.approx(change, abs=0.25)


def test_messages_wear_off_with_those_before_them_and_recover():
    config = Config(people=800, seed=22, campaigns=False)
    fresh, tired = World(config), World(config)
    for days in range(7):
        tired.act(said(config, on(days), "mail"))
    for world in (fresh, tired):
        lived(world, on(6), is_watched=False)
    contacts = tired.lived(0).state.contacts
    for world in (fresh, tired):
        lived(world, on(20), is_watched=False)  # two weeks without any: what was said is over, not what it left
        world.act(said(config, on(27), "email"))
        lived(world, on(27), is_watched=False)
    lift, worn = (world.lived(0).state.lift[:, 0] for world in (fresh, tired))
    (traits,) = fresh.blocks()
    moved = lift != 0

    assert (contacts == 7).all()
    assert moved.sum() > 100
    np.testing.assert_allclose(worn[moved] / lift[moved], np.exp(-traits.fatigue[moved] * 7 * 0.75**2), rtol=1e-6)


def said(config: Config, day: date, channel: str) -> pa.Table:
    people = np.arange(config.people)
    same = {"on": day, "channel": channel, "offer": OFFERS[0]}
    return pa.table({"person_id": people} | {name: [value] * len(people) for name, value in same.items()})


def test_each_channel_is_liked_ignored_or_hated_by_some_and_seen_accordingly():
    config = Config(people=3_000, seed=23, campaigns=False, households_per_block=3_000)
    world = World(config)
    world.act(said(config, on(1), "email"))
    tables = lived(world, on(9))
    (traits,) = world.blocks()
    opened = np.zeros(config.people, dtype=bool)
    opened[tables["message_events"]["person_id"][tables["message_events"]["kind"] == 2]] = True
    attitude = traits.attitude[:, CHANNELS.index("email")]
    is_customer = (traits.joined_day < day_number(on(1))) & (world.lived(0).state.gone_day > day_number(on(9)))
    likes, ignores, hates = (opened[is_customer & (attitude == kind)].mean() for kind in range(3))

    assert [(attitude == kind).mean() for kind in range(3)] == pytest.approx([0.45, 0.38, 0.17], abs=0.04)
    assert likes > 4 * ignores > 12 * hates


def test_baskets_follow_tastes_and_have_the_same_products_again():
    world, tables = year_of_800()
    lines = pd.DataFrame(tables["order_lines"])
    lines["department"] = lines.product_id // (PRODUCTS // len(DEPARTMENTS))
    bought = lines.groupby(["person_id", "department"]).size().unstack(fill_value=0)
    bought = bought[bought.sum(axis=1) >= 100]
    share = bought.div(bought.sum(axis=1), axis=0).to_numpy()
    tastes = np.concatenate([traits.tastes for traits in world.blocks()])[bought.index]
    staples = np.concatenate([traits.staples for traits in world.blocks()])
    is_staple = (staples[lines.person_id] == lines.product_id.to_numpy()[:, None]).any(axis=1)

    assert len(bought) > 50
    assert np.corrcoef(share.ravel(), tastes.ravel())[0, 1] > 0.9
    assert is_staple.mean() > FROM_STAPLES
