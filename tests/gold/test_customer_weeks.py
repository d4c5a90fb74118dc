from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from gold import customer_weeks
from tests.gold.silver_rows import AS_OF, Silver, ago, line, product, touch


@pytest.fixture
def weeks(spark: SparkSession) -> Callable[..., dict[tuple[str, int], Row]]:
    """The weeks at AS_OF, by customer and weeks_ago."""

    def built(*lines: Any, weeks: int = 104, **others: Any) -> dict[tuple[str, int], Row]:
        silver = Silver(lines=lines, **others).frames(spark)
        rows = customer_weeks.build(**silver, days=[AS_OF], shards=16, weeks=weeks).collect()
        assert len(rows) == len({(row.core_id, row.weeks_ago) for row in rows})
        return {(row.core_id, row.weeks_ago): row for row in rows}

    return built


def test_weeks_are_blocks_of_seven_days_counted_back_from_today(weeks):
    found = weeks(*(line(ago(days_ago)) for days_ago in (0, 6, 7, 13, 14, 27)))

    orders = {key: (row.orders, row.week_ends_on) for key, row in found.items()}
    assert orders == {
        ("ann", 0): (2, AS_OF),
        ("ann", 1): (2, date(2024, 6, 23)),
        ("ann", 2): (1, date(2024, 6, 16)),
        ("ann", 3): (1, date(2024, 6, 9)),
    }


def test_a_week_sums_its_lines_and_counts_different_things_once(weeks):
    week = weeks(
        line(ago(1), order="basket", product="rye", net="1.10", discount="0.20", coupon="0.50", quantity=2),
        line(ago(1), order="basket", product="oat", net="2.20", quantity=500),
        line(ago(1, "18:00"), order="evening", product="rye", net="3.30", discount="0.30", store="north"),
        line(ago(4), order="web", product="fish", net="4.40", store=None),
        products=[product("rye", "bread"), product("oat", "bread"), product("fish", "fish")],
    )[("ann", 0)]

    assert (week.orders, week.order_days, week.stores) == (3, 2, 2)
    assert (week.net_amount, week.discount_amount) == (Decimal("11.00"), Decimal("0.50"))
    assert (week.coupon_lines, week.units) == (1, 2 + 99 + 1 + 1)
    assert (week.products, week.categories) == (3, 2)


def test_a_week_in_which_something_was_only_sent_or_redeemed_is_a_week(weeks):
    found = weeks(
        line(ago(1)),
        touches=[
            touch("sent", ago(8), campaign="spring"),
            touch("sent", ago(9), campaign="spring"),
            touch("sent", ago(10), campaign="summer"),
            touch("redeemed", ago(20), campaign="spring"),
            touch("redeemed", ago(20), campaign="spring"),
        ],
    )

    happened = {key: (row.orders, row.campaigns_sent, row.redemptions) for key, row in found.items()}
    assert happened == {("ann", 0): (1, 0, 0), ("ann", 1): (0, 2, 0), ("ann", 2): (0, 0, 2)}


def test_what_was_sent_or_redeemed_without_a_campaign_is_no_campaign(weeks):
    touches = [
        touch("sent", ago(1), campaign=None),
        touch("redeemed", ago(1), campaign=None),
        touch("redeemed", ago(2), campaign="never sent"),
    ]

    week = weeks(touches=touches)["ann", 0]

    assert (week.campaigns_sent, week.redemptions) == (0, 2)


def test_older_weeks_are_left_out_but_the_first_order_is_remembered(weeks):
    found = weeks(
        line(ago(0), party="ann"),
        line(ago(27), party="ann"),
        line(ago(28), party="ann"),
        line(ago(70), party="gone"),
        touches=[
            touch("sent", ago(3), party="gone"),
            touch("sent", ago(3), party="never ordered"),
            touch("sent", ago(28), party="ann"),
        ],
        weeks=4,
    )

    tenure = {key: row.tenure_weeks for key, row in found.items()}
    assert tenure == {("ann", 0): 5, ("ann", 3): 5, ("gone", 0): 11, ("never ordered", 0): 0}
