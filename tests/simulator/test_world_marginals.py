"""The world looks like two real retailers; and its rows-only twin is made of the same people."""

from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulator.world.config import Config
from simulator.world.marginals import CDNOW_ORDERS_IN_78_WEEKS, CDNOW_REPEATS, compare, plot
from simulator.world.rows import write_rows
from simulator.world.traits import traits
from simulator.world.truth import daily_chance


def test_the_marginals_are_near_the_real_ones_and_are_drawn(tmp_path):
    curves, orders = compare(people=5_000)
    plot(tmp_path / "docs" / "marginals.svg", curves, orders)
    distances = {curve.name: curve.distance for curve in curves}

    assert sum(CDNOW_REPEATS) == 2_357
    assert len(curves) == len(distances) == 6
    assert distances["days between purchases"] < 0.05
    assert distances["lines of a purchase"] < 0.05
    assert distances["purchases in a year"] < 0.09
    assert distances["days between occasional purchases"] < 0.07
    assert distances["lines (CDs) of a purchase"] < 0.06
    assert distances["repeat purchases in 39 weeks"] < 0.07
    assert orders == pytest.approx(CDNOW_ORDERS_IN_78_WEEKS, rel=0.15)
    assert "<svg" in (tmp_path / "docs" / "marginals.svg").read_text()


def test_rows_are_the_same_for_any_number_of_processes_and_leave_no_old_parts(tmp_path, monkeypatch):
    config = Config(people=3_000, seed=6, households_per_block=60)
    list(write_rows(tmp_path / "one", config, date(2025, 12, 31)))
    list(write_rows(tmp_path / "two", Config(people=6_000, seed=6, households_per_block=60), date(2025, 12, 31)))
    written = list(write_rows(tmp_path / "two", config, date(2025, 12, 31), processes=2))
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.parquet"))

    assert len(files) > 2
    assert sorted(path.relative_to(tmp_path / "two") for path in (tmp_path / "two").rglob("*.parquet")) == files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file
    assert sum(part.people for part in written) == 3_000
    assert sum(part.orders for part in written) == pq.read_table(tmp_path / "two" / "orders").num_rows


def test_rows_are_of_people_who_buy_by_their_rate_while_they_live(tmp_path):
    config = Config(people=8_000, seed=6, households_per_block=9_000)
    list(write_rows(tmp_path, config, date(2024, 12, 29)))
    orders, people = (pq.read_table(tmp_path / name).to_pandas() for name in ("orders", "identities"))
    of_all = traits(config, 0)
    settled = (of_all.joined_day < config.first_day) & (of_all.mu * 1000 < of_all.lifetime)
    count = np.bincount(orders.person_id, minlength=8_000)

    assert orders.order_id.is_unique
    assert people.email.is_unique
    assert people.person_id.tolist() == list(range(8_000))
    assert count[settled].sum() == pytest.approx((of_all.lam * 364)[settled].sum(), rel=0.05)
    assert (daily_chance(of_all.lam) < of_all.lam).all()
