"""The truth says what happens: who is gone does not buy, and what people will spend is what they spend."""

import json
from dataclasses import fields
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from simulator.cli import app, main
from simulator.world import service
from simulator.world.config import NEVER, Config, day_number
from simulator.world.households import block_count
from simulator.world.profit import EARNED, expected_order_cents, expected_profit, expected_shipping_cents
from simulator.world.randomness import Dice
from simulator.world.run import world_path
from simulator.world.truth import daily_chance, truth_path, write_records, write_truth
from simulator.world.world import World
from tests.simulator.worlds import lived, on, year_of_800


@pytest.fixture(scope="module")
def quiet():
    world = World(Config(people=4_000, seed=9, campaigns=False, households_per_block=4_000))
    return world, lived(world, on(364 - 1), is_watched=False)


def of_all(world: World, name: str) -> np.ndarray:
    return np.concatenate([getattr(traits, name) for traits in world.blocks()])


def gone_days(world: World) -> np.ndarray:
    return np.concatenate([world.lived(block).state.gone_day for block in range(block_count(world.config))])


def test_nobody_buys_before_they_come_or_after_they_are_gone():
    world, tables = year_of_800()
    who, day = tables["orders"]["person_id"], tables["orders"]["day"]

    assert (day >= of_all(world, "joined_day")[who]).all()
    assert (day < gone_days(world)[who]).all()
    assert (gone_days(world) < NEVER).sum() > 100


def test_who_comes_buys_on_that_day():
    world, tables = year_of_800()
    joined = of_all(world, "joined_day")
    came = (joined >= day_number(on(0))) & (joined < day_number(on(364)))
    first = pd.Series(tables["orders"]["day"]).groupby(tables["orders"]["person_id"]).min()

    assert came.sum() > 100
    assert (first[np.flatnonzero(came)] == joined[came]).all()


def test_the_rate_of_the_living_can_be_found_again(quiet):
    world, tables = quiet
    joined, gone = of_all(world, "joined_day"), gone_days(world)
    settled = (joined < day_number(on(0))) & (gone > day_number(on(364)))
    lam = of_all(world, "lam")
    count = np.bincount(tables["orders"]["person_id"], minlength=len(lam))

    assert settled.sum() > 500
    assert count[settled].sum() == pytest.approx((daily_chance(lam) * 364)[settled].sum(), rel=0.08)
    assert np.corrcoef(np.log(lam[settled & (count > 0)]), np.log(count[settled & (count > 0)]))[0, 1] > 0.9


def test_the_hazard_of_the_living_can_be_found_again(quiet):
    world, _ = quiet
    joined, gone = of_all(world, "joined_day"), gone_days(world)
    begin, end = day_number(on(0)), day_number(on(364))
    there = (joined < begin) & (gone > begin)
    days = np.minimum(gone, end) - begin
    deaths = there & (gone < end)

    assert deaths.sum() > 100
    assert deaths.sum() == pytest.approx((of_all(world, "mu") * days)[there].sum(), rel=0.2)


def test_the_expected_order_is_what_orders_cost_on_average(quiet):
    world, tables = quiet
    expected = np.concatenate([expected_order_cents(world.config, traits) for traits in world.blocks()])
    orders = tables["orders"]

    assert orders["total_cents"].sum() == pytest.approx(expected[orders["person_id"]].sum(), rel=0.06)


def test_orders_add_up_to_their_lines_and_payments():
    _, tables = year_of_800()
    orders = pd.DataFrame(tables["orders"]).set_index("order_id")
    lines = pd.DataFrame(tables["order_lines"])
    lines["value"] = lines.quantity * lines.unit_price_cents.astype("int64")
    per_order = lines.groupby("order_id")[["value", "discount_cents"]].sum()
    paid = pd.DataFrame(tables["payments"]).groupby("order_id").amount_cents.sum()

    assert orders.index.is_unique
    assert (per_order.value == orders.gross_cents[per_order.index]).all()
    assert (per_order.discount_cents == orders.discount_cents[per_order.index]).all()
    assert (lines.groupby("order_id").size() == orders.lines[per_order.index]).all()
    assert (paid == orders.total_cents[paid.index]).all()
    assert len(paid) == len(orders) == len(per_order)


def test_points_are_collected_before_they_are_spent():
    world, tables = year_of_800()
    loyalty = pd.DataFrame(tables["loyalty"]).sort_values(["person_id", "at", "kind"])

    assert (loyalty.points < 0).sum() > 5
    assert (loyalty.groupby("person_id").points.cumsum() >= 0).all()
    balance = np.concatenate([world.lived(block).state.points for block in range(block_count(world.config))])
    assert (loyalty.groupby("person_id").points.sum() == balance[loyalty.person_id.unique()]).all()


def test_what_follows_has_something_to_follow():
    _, tables = year_of_800()
    visits, orders, messages = (tables[name] for name in ("visits", "orders", "messages"))

    assert len(np.unique(visits["visit_id"])) == len(visits["visit_id"])
    assert len(np.unique(messages["message_id"])) == len(messages["message_id"])
    for table in ("page_views", "searches", "carts", "wishlists"):
        assert np.isin(tables[table]["visit_id"], visits["visit_id"]).all(), table
    assert np.isin(orders["visit_id"][orders["visit_id"] >= 0], visits["visit_id"]).all()
    for table in ("order_lines", "payments", "returns", "shipments", "surveys", "care", "chargebacks", "loyalty"):
        assert np.isin(tables[table]["order_id"], orders["order_id"]).all(), table
    assert np.isin(tables["message_events"]["message_id"], messages["message_id"]).all()


def test_a_visit_without_a_log_in_has_a_cookie_and_some_cookies_are_known_later():
    _, tables = year_of_800()
    visits = pd.DataFrame(tables["visits"])
    web = visits[visits.channel == 0]

    assert (web.cookie_id >= 0).all()
    assert 0.2 < web.is_logged_in.mean() < 0.8
    logs_in = web.groupby("cookie_id").is_logged_in.any()
    assert 0.1 < logs_in[web[~web.is_logged_in].cookie_id].mean() < 0.9
    assert (web.groupby("cookie_id").person_id.nunique() > 1).sum() > 5  # tablets of households


def test_late_parcels_make_the_same_people_leave_sooner(quiet, monkeypatch):
    usual, _ = quiet
    monkeypatch.setattr(service, "LATE", 0.5)
    failing = World(usual.config)
    lived(failing, on(364 - 1), is_watched=False)

    assert (gone_days(failing) <= gone_days(usual)).mean() > 0.99
    assert (gone_days(failing) < gone_days(usual)).sum() > 50


def test_the_table_of_weeks_foretells_what_is_spent(tmp_path):
    config = Config(people=500, seed=4)
    world = World(config)
    lived(world, on(27))
    write_truth(tmp_path, world, foresee_weeks=13)
    later = lived(world, on(27 + 91))
    weeks = pq.read_table(tmp_path / "weeks").to_pandas()
    last = weeks[weeks.as_of_date == on(27)].set_index("person_id")
    orders = pd.DataFrame(later["orders"])

    for column, days in (("next_4w_cents", 28), ("next_13w_cents", 91)):
        spent = orders[orders.day <= day_number(on(27 + days))].groupby("person_id").total_cents.sum()
        there = spent.reindex(last.index).fillna(0)
        assert there.sum() > 100_000
        assert (last[column] == there).all()
    assert last.next_26w_cents.isna().all()
    assert weeks[weeks.as_of_date == on(27)].is_alive.mean() < 1
    assert weeks.spent_cents.sum() > 0


def test_the_table_of_weeks_says_who_is_alive_and_what_was_earned(tmp_path):
    config = Config(people=900, seed=4, households_per_block=150)
    world, goes_on = World(config), World(config)
    orders = pd.DataFrame(lived(world, on(7 * 26 - 1))["orders"])
    for days in (3, 40, 41, 7 * 26 - 1):
        lived(goes_on, on(days))
    for each, folder in ((world, tmp_path / "one"), (goes_on, tmp_path / "steps")):
        write_truth(folder, each, foresee_weeks=0)
    weeks = pq.read_table(tmp_path / "one/weeks").to_pandas().sort_values(["person_id", "as_of_date"])
    of_person = weeks.groupby("person_id")
    gone = weeks[~weeks.is_alive].groupby("person_id").as_of_date.min()
    ordered = orders.groupby("person_id").day.max()
    paid = orders.groupby("person_id").total_cents.sum()

    assert not (of_person.is_alive.shift(1, fill_value=True).eq(False) & weeks.is_alive).any()
    assert 50 < len(gone) < len(of_person) - 50
    known = ordered.index.intersection(gone.index)
    assert (ordered[known] <= gone[known].map(day_number)).all()
    assert (of_person.orders.sum()[ordered.index] == orders.groupby("person_id").size()).all()
    assert (of_person.spent_cents.sum()[paid.index] == paid).all()
    assert 0.2 < weeks.profit_cents.sum() / weeks.spent_cents.sum() < 0.4
    never_bought = weeks[weeks.orders == 0]
    assert never_bought.profit_cents.max() == 0 and never_bought.profit_cents.min() < 0  # what messages cost
    assert pq.read_table(tmp_path / "steps/weeks").equals(pq.read_table(tmp_path / "one/weeks"))


def test_the_expected_profit_of_an_order_is_what_is_earned_on_average(quiet):
    world, tables = quiet
    expected = np.concatenate([expected_profit(world.config, traits)[0] for traits in world.blocks()])
    shipping = np.concatenate([expected_shipping_cents(world.config, traits) for traits in world.blocks()])
    who = tables["orders"]["person_id"]
    earned = world.lived(0).weekly[EARNED].sum() / 100

    assert earned == pytest.approx(expected[who].sum(), rel=0.06)
    assert tables["orders"]["shipping_cents"].sum() == pytest.approx(shipping[who].sum(), rel=0.10)


def test_the_truth_tells_every_parameter_of_a_person(tmp_path):
    world = World(Config(people=300, seed=4))
    lived(world, on(6))
    write_truth(tmp_path, world, foresee_weeks=0)
    people = pq.read_table(tmp_path / "people").to_pandas()
    (traits,) = world.blocks()
    plain = {
        "lam": "orders_per_day", "mu": "hazard_per_day", "lifetime": "lifetime_hazard", "lines": "median_lines",
        "lines_sigma": "lines_sigma", "spend_level": "spend_level", "brand_loyalty": "brand_loyalty",
        "price_sensitivity": "price_sensitivity", "payday": "payday_sensitivity", "fatigue": "fatigue",
        "touchiness": "touchiness", "browsing": "visits_per_day", "guest": "guest_share",
        "wants_loyalty": "wants_loyalty", "uses_app": "uses_app",
    }  # fmt: skip
    in_words = {"segment", "joined_day", "response", "attitude"}
    of_channels_and_categories = {"openness", "channel_edges", "tastes"}
    of_tables = {"people", "devices", "staples", "favourites", "log_lift", "hazard_lift"}

    assert plain.keys() | in_words | of_channels_and_categories | of_tables == {f.name for f in fields(traits)}
    for name, column in plain.items():
        np.testing.assert_array_equal(people[column], getattr(traits, name), err_msg=name)


def test_a_world_in_a_folder_goes_on_where_it_ended_and_keeps_its_truth_outside_the_landing(tmp_path):
    landing = tmp_path / "lake" / "landing"
    arguments = ["world", "--landing", str(landing), "--people", "300", "--foresee-weeks", "4", "--until"]
    first = CliRunner().invoke(app, [*arguments, "2024-02-10"])
    again = CliRunner().invoke(app, [*arguments, "2024-02-10"])
    more = CliRunner().invoke(app, [*arguments, "2024-02-11"])
    refused = CliRunner().invoke(app, [*arguments, "2024-02-12", "--seed", "2"])
    found = {path.name for path in truth_path(landing).iterdir()}

    assert first.exit_code == again.exit_code == more.exit_code == 0, first.output + more.output
    assert "orders" in first.stdout
    assert "0 rows" in again.stdout.splitlines()[-1]
    assert (refused.exit_code, "seed: expected 1; found 2" in refused.stderr) == (1, True)
    assert truth_path(landing) == landing.parent / "truth"
    assert {"people", "effects", "weeks", "emails", "phones", "campaigns.parquet", "actions.parquet"} <= found
    assert {"tastes", "staples", "products.parquet", "prices.parquet"} <= found
    assert World.load(world_path(landing)).until == date(2024, 2, 11)
    assert json.loads((truth_path(landing) / "config.json").read_text())["people"] == 300


def test_the_world_is_what_is_simulated_when_no_other_command_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["simulate", "--until", "2024-01-02", "--people", "50", "--landing", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    assert "order_lines" in capsys.readouterr().out


def test_records_say_who_they_are(tmp_path):
    told = pa.table({"record_id": ["a", "b"], "person_id": [4, 2]})
    write_records(tmp_path, "crm_accounts", "2024-01", [told])

    assert pq.read_table(tmp_path / "records").to_pandas().astype(str).values.tolist() == [
        ["a", "4", "crm_accounts"],
        ["b", "2", "crm_accounts"],
    ]


def test_randomness_of_a_person_is_no_others():
    assert Dice(1).uniform("x", np.array([1, 2]))[0] == Dice(1).uniform("x", np.array([1]))[0]
