"""What is bought follows brands, tastes and prices, each to a personal degree that the truth tells.

What price cuts do is shown on the same people with the same luck, with and without them.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from simulator.world import seasons, shopping
from simulator.world.catalogue import PRODUCTS, list_prices, mean_price_cut, price_cuts
from simulator.world.choice import FROM_STAPLES, STOCK_WEEKS
from simulator.world.config import Config
from simulator.world.truth import write_truth
from simulator.world.world import World
from tests.simulator.worlds import lived, on

CONFIG = Config(people=4_000, seed=21, campaigns=False, households_per_block=2_000)
WEEKS = 52
CUTS = np.stack([price_cuts(CONFIG.seed, week) for week in range(WEEKS)])


def lines_of(world: World) -> pd.DataFrame:
    lines = pd.DataFrame(lived(world, on(7 * WEEKS - 1), is_watched=False)["order_lines"])
    lines["week"] = (lines.day - CONFIG.first_day) // 7
    lines["cut"] = CUTS[lines.week, lines.product_id]
    return lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("truth")


@pytest.fixture(scope="module")
def lines(folder: Path) -> pd.DataFrame:
    world = World(CONFIG)
    found = lines_of(world)
    write_truth(folder, world, foresee_weeks=0)
    return found


@pytest.fixture(scope="module")
def without_cuts() -> pd.DataFrame:
    """What the same people buy if nothing is reduced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shopping, "price_cuts", lambda seed, week: np.zeros(PRODUCTS))
        return lines_of(World(CONFIG))


@pytest.fixture(scope="module")
def people(folder: Path, lines: pd.DataFrame) -> pd.DataFrame:
    """Their parameters, as the truth has them."""
    return pq.read_table(folder / "people").to_pandas().set_index("person_id")


@pytest.fixture(scope="module")
def branded(folder: Path, lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with the brand of the product and the person's favourite of its category."""
    of_product = pq.read_table(folder / "products.parquet").to_pandas()[["product_id", "category", "brand"]]
    tastes = pq.read_table(folder / "tastes").to_pandas().astype({"category": str, "favourite_brand": str})
    return lines.merge(of_product, on="product_id").merge(tastes, on=["person_id", "category"])


def sold(lines: pd.DataFrame) -> np.ndarray:
    """Units by week and product."""
    found = np.zeros((WEEKS, PRODUCTS), dtype=int)
    np.add.at(found, (lines.week, lines.product_id), lines.quantity)
    return found


def test_a_price_cut_draws_purchases_from_other_products_and_from_the_weeks_after(lines, without_cuts):
    with_cuts, without = sold(lines), sold(without_cuts)
    is_cut = CUTS > 0
    before = np.array([is_cut[max(week - STOCK_WEEKS, 0) : week].any(axis=0) for week in range(WEEKS)])
    after, neither = before & ~is_cut, ~before & ~is_cut
    is_ordinary = np.array([not seasons.is_promotion(week) for week in range(WEEKS)])

    assert len(lines) == len(without_cuts)
    assert with_cuts[is_cut].sum() > 2 * without[is_cut].sum()
    assert with_cuts[is_ordinary][is_cut[is_ordinary]].sum() > 3 * without[is_ordinary][is_cut[is_ordinary]].sum()
    assert with_cuts[after].sum() < 0.85 * without[after].sum()
    assert with_cuts[after].sum() / without[after].sum() < 0.9 * with_cuts[neither].sum() / without[neither].sum()


def test_the_deeper_a_price_cut_the_more_it_draws(lines, without_cuts):
    with_cuts, without = sold(lines), sold(without_cuts)
    drawn = [
        with_cuts[of_depth].sum() / without[of_depth].sum()
        for of_depth in ((least < CUTS) & (least + 0.05 >= CUTS) for least in (0.10, 0.15, 0.20, 0.25))
    ]

    assert drawn == sorted(drawn)
    assert drawn[-1] - 1 > 1.5 * (drawn[0] - 1)


def test_who_stocks_up_on_what_is_reduced_passes_it_by_as_long_as_it_lasts(lines, without_cuts):
    """The same people's purchases of the product that they bought, in the weeks after it."""
    bought = lines[(lines.cut > 0) & (lines.quantity > 1) & (lines.week < WEEKS - STOCK_WEEKS)]
    bought = bought[["person_id", "product_id", "week"]].drop_duplicates()

    def later(others: pd.DataFrame, first: int, last: int) -> int:
        both = bought.merge(others, on=["person_id", "product_id"], suffixes=("", "_later"))
        return int((both.week_later - both.week).between(first, last).sum())

    assert later(without_cuts, 1, STOCK_WEEKS) > 1_000
    assert later(lines, 1, STOCK_WEEKS) < 0.6 * later(without_cuts, 1, STOCK_WEEKS)
    assert later(lines, STOCK_WEEKS + 1, WEEKS) > 0.9 * later(without_cuts, STOCK_WEEKS + 1, WEEKS)


def test_what_is_reduced_draws_people_by_their_price_sensitivity(lines, without_cuts, people):
    sensitivity = people.price_sensitivity[lines.person_id].to_numpy()
    units = [lines.quantity[(lines.cut > 0) & (sensitivity < 0.05)].mean(), lines.quantity[lines.cut == 0].mean()]
    reduced = (lines.cut > 0).groupby(lines.person_id).mean()
    many = lines.groupby("person_id").size() >= 150

    assert (lines.cut[sensitivity < 0.01] > 0).mean() == pytest.approx((without_cuts.cut > 0).mean(), abs=0.015)
    assert (lines.cut[sensitivity > 0.6] > 0).mean() > 3 * (lines.cut[sensitivity < 0.05] > 0).mean()
    assert lines.quantity[(lines.cut > 0) & (sensitivity > 0.4)].mean() > 1.3 * max(units)
    assert many.sum() > 200
    assert np.corrcoef(reduced[many], people.price_sensitivity[reduced[many].index])[0, 1] > 0.85


def test_the_loyal_keep_to_their_brand_and_are_not_drawn_from_it(branded, people):
    in_order = branded.sort_values(["person_id", "category", "at", "line"])
    again = in_order.groupby(["person_id", "category"]).brand.shift() == in_order.brand
    loyalty = people.brand_loyalty[in_order.person_id].to_numpy()
    is_first = ~in_order.duplicated(["person_id", "category"])
    keen = people.price_sensitivity[in_order.person_id].to_numpy() > 0.3
    loyal, disloyal = loyalty > 0.75, loyalty < 0.25

    assert again[loyal & ~is_first].mean() > 0.7
    assert again[disloyal & ~is_first].mean() < 0.4
    assert (in_order.cut[keen & loyal] > 0).mean() < 0.9 * (in_order.cut[keen & disloyal] > 0).mean()


def test_the_favourite_brand_has_the_share_of_purchases_that_the_loyalty_says(branded, people):
    freely = branded[branded.cut == 0]
    is_favourite = (freely.brand == freely.favourite_brand).groupby(freely.person_id).agg(["mean", "size"])
    share = is_favourite["mean"][is_favourite["size"] >= 150]
    loyalty = people.brand_loyalty[share.index]
    slope, by_chance = np.polyfit(loyalty, share, 1)

    assert len(share) > 200
    assert np.corrcoef(loyalty, share)[0, 1] > 0.9
    assert slope + by_chance == pytest.approx(1.0, abs=0.1)
    assert by_chance < 0.25  # what a brand has of its category, of who does not care


def test_a_brand_is_the_favourite_of_as_many_as_buy_it(branded):
    of_category = branded[branded.category == "cheese"]
    favoured = of_category.drop_duplicates("person_id").favourite_brand.value_counts(normalize=True)
    bought = of_category.brand.value_counts(normalize=True)

    assert set(favoured.index) <= set(bought.index)
    assert np.corrcoef(favoured.reindex(bought.index, fill_value=0), bought)[0, 1] > 0.8


def test_the_staples_of_the_truth_are_what_people_buy_again_and_again(folder, lines, people):
    staples = pq.read_table(folder / "staples").to_pandas()
    freely = lines[lines.cut == 0]
    many = freely.groupby("person_id").size().loc[lambda count: count >= 300].index
    freely = freely[freely.person_id.isin(many)]
    bought = freely.groupby(["person_id", "product_id"]).size() / freely.groupby("person_id").size()
    both = staples[staples.person_id.isin(many)].set_index(["person_id", "product_id"]).share.to_frame()
    both["bought"] = bought.reindex(both.index).fillna(0)

    assert len(many) > 150
    assert staples.groupby("person_id").share.sum().eq(1).all()
    assert set(staples.person_id) == set(people.index)
    assert np.corrcoef(both.share, both.bought)[0, 1] > 0.85
    assert both.bought.groupby("person_id").sum().mean() > FROM_STAPLES


def test_staples_are_drawn_by_the_tastes_of_the_truth(folder, lines):
    tastes = pq.read_table(folder / "tastes").to_pandas().astype({"category": str})
    products = pq.read_table(folder / "products.parquet").to_pandas().set_index("product_id")
    staples = pq.read_table(folder / "staples").to_pandas()
    staples["category"] = products.category[staples.product_id].to_numpy()
    drawn = staples.groupby(["person_id", "category"]).share.sum()
    share = tastes.set_index(["person_id", "category"]).share

    assert tastes.groupby("person_id").share.sum().to_numpy() == pytest.approx(1.0, abs=1e-4)
    assert np.corrcoef(share, drawn.reindex(share.index).fillna(0))[0, 1] > 0.9
    by_person = (drawn.reindex(share.index).fillna(0) - share).groupby("category").mean()
    assert by_person.abs().max() < 0.003


def test_more_is_reduced_in_a_promotion_and_on_average_as_much_as_is_expected():
    cuts = np.array([price_cuts(1, week) for week in range(60)])
    promoted = np.array([seasons.is_promotion(week) for week in range(60)])

    assert (cuts[promoted] > 0).mean() > 4 * (cuts[~promoted] > 0).mean()
    assert cuts[cuts > 0].min() >= 0.10 and cuts.max() <= 0.30
    assert cuts.mean() == pytest.approx(mean_price_cut(), rel=0.03)


def test_list_prices_change_about_once_a_year_by_some_percent_and_mostly_rise():
    prices = np.stack([list_prices(1, week) for week in range(105)])
    change = np.diff(np.log(prices), axis=0)
    changed = change != 0

    assert changed.sum(axis=0).mean() == pytest.approx(2.0, abs=0.15)
    assert (changed.any(axis=0)).mean() > 0.85
    assert changed.any(axis=1).all()  # each week some
    assert np.abs(change[changed]).mean() == pytest.approx(0.085, abs=0.01)
    assert (change[changed] > 0).mean() == pytest.approx(0.65, abs=0.03)


def test_order_lines_pay_the_price_of_their_day(folder, lines):
    prices = pq.read_table(folder / "prices.parquet").to_pandas()
    prices["day"] = (pd.to_datetime(prices.valid_from) - pd.Timestamp(0)).dt.days.astype("int32")
    prices["product_id"] = prices.product_id.astype("int16")
    valid = pd.merge_asof(lines.sort_values("day"), prices.sort_values("day"), on="day", by="product_id")
    reduced = valid[~valid.is_coupon]

    assert (valid.unit_price_cents == valid.price_cents).all()
    assert (reduced.discount_cents == np.round(reduced.unit_price_cents * reduced.quantity * reduced.cut)).all()
    assert (valid.groupby("product_id").unit_price_cents.nunique() > 1).mean() > 0.4
    assert prices.valid_from.max() < on(7 * WEEKS)
