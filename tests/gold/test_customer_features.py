from collections.abc import Callable
from decimal import Decimal
from statistics import mean, stdev
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from gold import customer_features
from gold.customer_features import COUNTS, CUSTOMER_FEATURES
from tests.gold.silver_rows import AS_OF, Silver, ago, line, party, product, touch


@pytest.fixture
def features(spark: SparkSession) -> Callable[..., dict[str, Row]]:
    """The features at AS_OF, by customer."""

    def built(*lines: Any, **others: Any) -> dict[str, Row]:
        silver = Silver(lines=lines, **others).frames(spark)
        rows = customer_features.build(**silver, days=[AS_OF], shards=16).collect()
        return {row.core_id: row for row in rows}

    return built


def by_window(row: Row, what: str) -> list[Any]:
    return [row[f"{what}_{weeks}w"] for weeks in (4, 13, 26, 52)]


def test_a_window_is_whole_weeks_that_end_with_today(features):
    days = (0, 27, 28, 90, 91, 181, 182, 363, 364)
    ann = features(
        *(line(ago(days_ago), product=f"bread {days_ago}", net="1.50") for days_ago in days),
        products=[product(f"bread {days_ago}", f"shelf {days_ago}") for days_ago in days],
    )["ann"]

    for what in ("orders", "active_weeks", "products", "categories"):
        assert by_window(ann, what) == [2, 4, 6, 8], what
    assert by_window(ann, "net_amount") == [Decimal("3.00"), Decimal("6.00"), Decimal("9.00"), Decimal("12.00")]
    assert (ann.orders_total, ann.net_amount_total) == (9, Decimal("13.50"))
    assert (ann.recency_days, ann.tenure_days) == (0, 364)


def test_a_customer_who_never_ordered_has_counts_of_0_and_nothing_else(features):
    ann = features(parties=[party("ann")])["ann"].asDict()

    known = {name for name, value in ann.items() if value is not None}
    assert known == {"as_of", "core_id", "shard", *COUNTS}
    assert {ann[name] for name in COUNTS} == {0}


def test_a_customer_with_one_order_has_no_rhythm(features):
    ann = features(line(ago(40), net="7.50", discount="2.50", quantity=3))["ann"]

    assert (ann.recency_days, ann.tenure_days, ann.orders_total) == (40, 40, 1)
    assert (ann.average_order_amount, ann.units_per_order) == (7.5, 3.0)
    assert by_window(ann, "discount_share") == [None, 0.25, 0.25, 0.25]
    rhythm = ("gap_days_mean", "gap_days_std", "gap_days_last", "gap_trend", "overdue_ratio")
    assert [ann[name] for name in rhythm] == [None] * len(rhythm)


def test_the_lines_of_an_order_are_one_order(features):
    ann = features(
        line(ago(3), order="basket", product="bread", net="1.00", quantity=2),
        line(ago(3), order="basket", product="milk", net="2.00", quantity=200),
    )["ann"]

    assert (ann.orders_4w, ann.products_4w, ann.net_amount_4w) == (1, 2, Decimal("3.00"))
    assert (ann.average_order_amount, ann.units_per_order) == (3.0, 101.0)


def test_the_identity_records_of_a_customer_are_one_customer(features):
    customers = features(
        line(ago(3), party="card"),
        line(ago(4), party="account"),
        parties=[party("card", "ann"), party("account", "ann"), party("newsletter", "ann")],
    )

    assert {core_id: row.orders_total for core_id, row in customers.items()} == {"ann": 2}


def test_what_is_bought_again_counts_once(features):
    ann = features(
        line(ago(3), product="rye", store="north"),
        line(ago(3), product="oat", store="north"),
        line(ago(60), product="rye", store="south"),
        line(ago(365), product="fish", store="harbour"),
        products=[product("rye", "bread"), product("oat", "bread"), product("fish", "fish")],
    )["ann"]

    assert by_window(ann, "products") == [2, 2, 2, 2]
    assert by_window(ann, "categories") == [1, 1, 1, 1]
    assert ann.stores_52w == 2


def test_the_discount_share_is_of_the_gross_amount_and_none_where_that_is_0(features):
    customers = features(
        line(ago(3), party="ann", net="3.00", discount="1.00"),
        line(ago(50), party="ann", net="2.00", discount="2.00"),
        line(ago(3), party="free", net="0.00"),
    )

    assert by_window(customers["ann"], "discount_share") == [0.25, 0.375, 0.375, 0.375]
    assert by_window(customers["free"], "discount_share") == [None] * 4


def test_the_coupon_share_is_of_the_lines(features):
    ann = features(
        line(ago(3), order="basket", coupon="0.50"),
        line(ago(3), order="basket"),
        line(ago(50)),
        line(ago(200)),
    )["ann"]

    assert by_window(ann, "coupon_share") == [1 / 2, 1 / 3, 1 / 3, 1 / 4]


def test_active_weeks_are_weeks_and_not_orders(features):
    ann = features(*(line(ago(days_ago)) for days_ago in (0, 6, 7, 27, 35)))["ann"]

    assert by_window(ann, "active_weeks") == [3, 4, 4, 4]


def test_gaps_are_between_order_days(features):
    customers = features(
        *(line(ago(days_ago), party="ann") for days_ago in (10, 13, 13 + 20, 13 + 20 + 4)),
        line(ago(13, "08:00"), party="ann", order="second of its day"),
        *(line(ago(10, at), party="one day", order=at) for at in ("09:00", "17:00")),
        *(line(ago(days_ago), party="two days") for days_ago in (10, 14)),
    )

    ann = customers["ann"]
    assert (ann.gap_days_last, ann.gap_days_mean) == (3, 9.0)
    assert ann.gap_days_std == pytest.approx(stdev([3, 20, 4]), rel=1e-15)
    assert ann.overdue_ratio == 10 / 9
    assert (customers["one day"].orders_total, customers["one day"].gap_days_mean) == (2, None)
    assert (customers["two days"].gap_days_mean, customers["two days"].gap_days_std) == (4.0, None)


def test_the_gap_trend_compares_the_last_4_gaps_with_all(features):
    newest_first = [10, 20, 30, 40, 1, 2, 3]
    days = [sum(newest_first[:gaps]) for gaps in range(len(newest_first) + 1)]
    customers = features(
        *(line(ago(days_ago), party="slower") for days_ago in days),
        *(line(ago(days_ago), party="three gaps") for days_ago in days[:4]),
    )

    assert customers["slower"].gap_trend == pytest.approx(25 / mean(newest_first), rel=1e-15)
    assert customers["three gaps"].gap_trend == 1.0


def test_the_orders_trend_is_1_for_steady_customers_however_new_they_are(features):
    customers = features(
        *(line(ago(7 * week), party="old and steady") for week in range(60)),
        *(line(ago(7 * week), party="new and steady") for week in range(8)),
        *(line(ago(7 * week), party="two weeks old") for week in range(2)),
        *(line(ago(7 * week), party="slowing") for week in range(2, 26)),
        *(line(ago(7 * week), party="away") for week in range(26, 30)),
    )

    trends = {name: row.orders_trend for name, row in customers.items()}
    assert trends == {
        "old and steady": 1.0,
        "new and steady": 1.0,
        "two weeks old": 1.0,
        "slowing": pytest.approx(2 / (4 * 24 / 26)),
        "away": None,
    }


def test_a_campaign_counts_once_and_is_answered_by_any_redemption(features):
    customers = features(
        touches=[
            touch("sent", ago(100), campaign="spring"),
            touch("sent", ago(90), campaign="spring"),
            touch("sent", ago(363), campaign="last summer"),
            touch("sent", ago(364), campaign="long ago"),
            touch("redeemed", ago(80), campaign="spring"),
            touch("redeemed", ago(70), campaign="spring"),
            touch("redeemed", ago(60), campaign="never sent"),
            touch("redeemed", ago(364), campaign="long ago"),
            touch("sent", ago(5), party="bob"),
            touch("redeemed", ago(500), party="bob", campaign="long ago"),
        ]
    )

    ann, bob = customers["ann"], customers["bob"]
    assert (ann.campaigns_sent_52w, ann.redemptions_52w, ann.campaign_response_rate_52w) == (2, 3, 0.5)
    assert ann.days_since_redemption == 60
    assert (bob.campaigns_sent_52w, bob.redemptions_52w, bob.campaign_response_rate_52w) == (1, 0, 0.0)
    assert bob.days_since_redemption == 500


def test_a_redemption_without_a_campaign_is_a_redemption_but_no_campaign(features):
    ann = features(touches=[touch("redeemed", ago(1), campaign=None), touch("sent", ago(1), campaign=None)])["ann"]

    assert (ann.campaigns_sent_52w, ann.redemptions_52w, ann.campaign_response_rate_52w) == (0, 1, None)


def test_every_promise_of_the_table_is_kept(spark):
    silver = Silver(lines=[line(ago(3)), line(ago(80))], touches=[touch("sent", ago(9), party="bob")])
    rows = customer_features.build(**silver.frames(spark), days=[AS_OF], shards=16)

    broken = [rule.name for rule in CUSTOMER_FEATURES.all_rules if rows.where(f"NOT ({rule.sql})").count()]
    assert broken == []
    assert rows.select(*CUSTOMER_FEATURES.key).distinct().count() == rows.count() == 2
