"""What the platform does changes what these people do, by what the truth says, and nothing else."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator.world.config import CHANNELS, OFFERS, RESPONSES, Config, day_number
from simulator.world.households import block_count
from simulator.world.run import simulate
from simulator.world.truth import effect_table
from simulator.world.world import World
from tests.simulator.worlds import assert_same, lived, of_days, of_people, on

QUIET = Config(people=20_000, seed=5, campaigns=False, households_per_block=4_000)
DAY, WINDOW = 9, 14


def offers(person_ids, day: date, channel: str = "email", offer: str = "discount_20") -> pa.Table:
    same = {"on": day, "channel": channel, "offer": offer}
    return pa.table({"person_id": person_ids} | {name: [value] * len(person_ids) for name, value in same.items()})


def orders_in_window(tables, people: int) -> np.ndarray:
    day, who = tables["orders"]["day"], tables["orders"]["person_id"]
    first = day_number(on(DAY))
    return np.bincount(who[(day > first) & (day <= first + WINDOW)], minlength=people)


@pytest.fixture(scope="module")
def worlds():
    """The same people twice: left alone, and all of them sent the same e-mail on one day."""
    alone, acted = World(QUIET), World(QUIET)
    acted.act(offers(np.arange(QUIET.people), on(DAY)))
    return lived(alone, on(DAY + WINDOW)), lived(acted, on(DAY + WINDOW)), acted


def of_all(world: World, name: str) -> np.ndarray:
    return np.concatenate([getattr(traits, name) for traits in world.blocks()])


def test_what_an_action_adds_is_what_the_truth_says(worlds):
    alone, acted, world = worlds
    first = day_number(on(DAY))
    effects = pa.concat_tables(effect_table(QUIET, traits) for traits in world.blocks()).to_pandas()
    this = effects[(effects.channel == "email") & (effects.offer == "discount_20")]
    gone = np.concatenate([world.lived(block).state.gone_day for block in range(block_count(QUIET))])
    is_alive = (of_all(world, "joined_day") <= first) & (gone > first + WINDOW)
    added = orders_in_window(acted, QUIET.people) - orders_in_window(alone, QUIET.people)
    response = of_all(world, "response")

    for code, tolerance in ((RESPONSES.index("persuadable"), 0.25), (RESPONSES.index("sleeping_dog"), 0.30)):
        chosen = is_alive & (response == code)
        expected = this.added_orders.to_numpy()[chosen].sum()
        assert abs(expected) > 100
        assert added[chosen].sum() == pytest.approx(expected, rel=tolerance)


def test_sure_things_and_lost_causes_buy_as_often_as_they_would_have(worlds):
    alone, acted, world = worlds
    unmoved = np.isin(of_all(world, "response"), [RESPONSES.index("sure_thing"), RESPONSES.index("lost_cause")])

    np.testing.assert_array_equal(
        orders_in_window(acted, QUIET.people)[unmoved], orders_in_window(alone, QUIET.people)[unmoved]
    )


def test_a_sure_thing_takes_the_discount(worlds):
    alone, acted, world = worlds
    sure = of_all(world, "response") == RESPONSES.index("sure_thing")

    def paid(tables):
        mine = sure[tables["orders"]["person_id"]] & (tables["orders"]["day"] > day_number(on(DAY)))
        return tables["orders"]["total_cents"][mine].sum()

    assert paid(acted) / paid(alone) == pytest.approx(1 - 0.85 * 0.20, abs=0.03)


def test_nothing_changes_up_to_the_day_of_the_action(worlds):
    alone, acted, _ = worlds

    assert_same(of_days(alone, day_number(on(DAY - 1))), of_days(acted, day_number(on(DAY - 1))))
    of_the_day = {"orders": alone["orders"]}, {"orders": acted["orders"]}  # it is answered from the next day on
    assert_same(*(of_days(orders, day_number(on(DAY))) for orders in of_the_day))


def test_other_people_are_the_same_to_the_bit():
    config = Config(people=900, seed=11, households_per_block=200)
    some = np.arange(config.people) % 3 == 0
    alone, acted = World(config), World(config)
    lived(alone, on(30))
    lived(acted, on(30))
    for channel in CHANNELS:
        acted.act(offers(np.flatnonzero(some), on(31), channel, "double_points"))
    left, done = lived(alone, on(60)), lived(acted, on(60))

    assert_same(of_people(left, ~some), of_people(done, ~some))
    assert len(of_people(left, some)["messages"]["at"]) < len(of_people(done, some)["messages"]["at"])


def test_actions_within_a_week_that_is_half_over_keep_its_past():
    config = Config(people=900, seed=12)
    alone, acted = World(config), World(config)
    past = lived(acted, on(16))  # a Wednesday
    acted.act(offers(np.arange(config.people), on(17)))
    future = lived(acted, on(30))
    undisturbed = lived(alone, on(30))

    assert_same(past, of_days(undisturbed, day_number(on(16))))
    assert future["orders"]["day"].min() >= day_number(on(17))
    assert len(future["orders"]["at"]) != (undisturbed["orders"]["day"] > day_number(on(16))).sum()


def test_the_platform_takes_the_place_of_the_business_and_is_answered():
    config = Config(people=900, seed=13)
    world = World(config)
    world.act(offers(np.arange(config.people), on(1)))  # the day of the newsletter
    tables = lived(world, on(6))
    on_that_day = (tables["messages"]["day"] == day_number(on(1))) & (tables["messages"]["channel"] == 0)

    assert (tables["messages"]["campaign_id"][on_that_day] == -1).all()
    assert on_that_day.sum() == config.people
    opened = tables["message_events"]["kind"] == 2
    assert np.isin(tables["message_events"]["message_id"][opened], tables["messages"]["message_id"]).any()


def test_actions_given_twice_are_the_same_world():
    config = Config(people=300, seed=14)
    once, twice = World(config), World(config)
    decided = offers(np.arange(config.people), on(2))
    once.act(decided)
    twice.act(pa.concat_tables([decided, decided]))
    lived(once, on(8))
    lived(twice, on(8))
    twice.act(decided)  # of a day that is over: the command was run again

    assert len(once.actions) == len(twice.actions) == config.people
    assert_same(lived(once, on(16)), lived(twice, on(16)))


def test_a_platform_names_people_by_their_records(tmp_path):
    landing = tmp_path / "landing"
    config = Config(people=300, seed=14)
    simulate(landing, config, on(8), foresee_weeks=0)
    records = pq.read_table(tmp_path / "truth/records/source=crm_accounts", partitioning=None)
    decided = offers(records["record_id"], on(9), "sms").rename_columns(["record_id", "on", "channel", "offer"])
    pq.write_table(decided.append_column("source", [["crm_accounts"] * len(decided)]), tmp_path / "decided.parquet")
    simulate(landing, config, on(12), actions=tmp_path / "decided.parquet", foresee_weeks=0)
    acted = pq.read_table(tmp_path / "truth/actions.parquet")
    sent = {path.name for path in (landing / "sms/sends").iterdir()}

    assert len(records) > 20
    assert set(acted["person_id"].to_pylist()) == set(records["person_id"].to_pylist())
    assert set(acted["channel"].to_pylist()) == {"sms"}
    assert "SMS240110.txt" in sent


def test_a_record_that_is_nobodys_is_named(tmp_path):
    simulate(tmp_path / "landing", Config(people=60, seed=14), on(3), foresee_weeks=0)
    decided = offers(["0017"], on(9)).rename_columns(["record_id", "on", "channel", "offer"])
    pq.write_table(decided.append_column("source", [["crm_account"]]), tmp_path / "decided.parquet")

    with pytest.raises(ValueError, match="expected records of this world; found 1 others, as 0017 of crm_account"):
        simulate(tmp_path / "landing", Config(people=60, seed=14), on(9), actions=tmp_path / "decided.parquet")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (offers([1], on(3)), "on: expected 2024-01-06 or later; found 1 up to 2024-01-04"),
        (offers([1, 900], on(8)), "person_id: expected 0 to 899; found 1 others, as 900"),
        (offers([1], on(8), channel="fax"), f"channel: expected one of {', '.join(CHANNELS)}; found fax"),
        (offers([1], on(8), offer="gold"), f"offer: expected one of {', '.join(OFFERS)}; found gold"),
        (offers([1], on(8)).drop_columns("offer"), "offer: expected, found no such column"),
    ],
)
def test_an_action_that_cannot_be_is_refused(table, expected):
    world = World(Config(people=900, seed=13))
    lived(world, on(4))

    with pytest.raises(ValueError, match=expected):
        world.act(table)
