"""The marts, built from four customers (see small_lake.py): each number can be worked out by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row

from jobs.run_dbt import Outcome
from lakehouse.delta import Lakehouse
from tests.dbt.small_lake import AS_OF

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("first_build")]


def rows_by(lake: Lakehouse, mart: str, key: str) -> dict[Any, Row]:
    rows = lake.spark.table(f"marts.{mart}").collect()
    assert len({row[key] for row in rows}) == len(rows)
    return {row[key]: row for row in rows}


def test_every_model_is_built_and_every_test_passes(first_build: Outcome):
    assert {step.name for step in first_build.models} == {
        "rfmt_scores",
        "rfmt_segments",
        "customer_360",
        "campaign_performance",
        "churn_watchlist",
    }
    assert {step.kind for step in first_build.tests} == {"data test", "unit test"}
    assert {step.status for step in first_build.steps} == {"success", "pass"}


def test_each_customer_is_in_one_segment(small: Lakehouse):
    segments = rows_by(small, "rfmt_segments", "core_id")

    scores = {
        core_id: (row.recency_score, row.frequency_score, row.monetary_score, row.tenure_score, row.segment)
        for core_id, row in segments.items()
    }
    assert scores == {
        "ann": (5, 5, 3, 5, "loyal"),
        "bob": (1, 3, 5, 3, "at_risk"),
        "cy": (3, 1, 1, 1, "new"),
        "dee": (None, None, None, None, "prospect"),
    }


def test_customer_360_puts_both_identity_records_of_ann_in_one_row(small: Lakehouse):
    ann = rows_by(small, "customer_360", "core_id")["ann"]

    assert (ann.as_of, ann.parties, ann.age_band, ann.segment) == (AS_OF, 2, "35-44", "loyal")
    assert (ann.first_ordered_on, ann.last_ordered_on) == (date(2017, 3, 3), date(2017, 12, 29))
    assert (ann.favourite_category, ann.favourite_store_id) == ("bread", "s1")
    assert (ann.last_campaign_id, ann.last_campaign_sent_on) == ("27", date(2017, 12, 30))
    assert ann.last_redeemed_on == date(2017, 5, 8)
    assert (ann.churn_scored_on, ann.churn_probability, ann.is_at_risk) == (AS_OF, 0.1, False)


def test_customer_360_has_who_never_ordered(small: Lakehouse):
    dee = rows_by(small, "customer_360", "core_id")["dee"]

    assert (dee.segment, dee.orders_total, dee.last_ordered_on) == ("prospect", 0, None)
    assert (dee.favourite_category, dee.last_campaign_id, dee.churn_probability) == (None, None, None)


def test_a_campaign_is_compared_with_the_days_before_and_with_everyone_else(small: Lakehouse):
    campaign = rows_by(small, "campaign_performance", "campaign_id")["8"]

    assert (campaign.coupons_offered, campaign.products_offered) == (1, 2)
    assert (campaign.customers_mailed, campaign.redeemers, campaign.redemptions) == (1, 1, 1)
    assert (campaign.redemption_rate, campaign.is_comparable) == (1.0, True)
    assert (campaign.net_amount_before, campaign.net_amount_during) == (Decimal("10.00"), Decimal("15.00"))
    assert (campaign.net_amount_change, campaign.others_net_amount_change) == (0.5, -0.25)
    assert campaign.net_amount_change_difference == 0.75


def test_a_campaign_that_is_still_on_is_not_compared(small: Lakehouse):
    campaign = rows_by(small, "campaign_performance", "campaign_id")["27"]

    assert (campaign.customers_mailed, campaign.redemption_rate) == (1, 0.0)
    assert (campaign.is_comparable, campaign.net_amount_change) == (False, None)


def test_the_watchlist_begins_with_the_greatest_expected_loss(small: Lakehouse):
    places = rows_by(small, "churn_watchlist", "place")

    assert {place: (row.core_id, row.expected_loss, row.reasons) for place, row in places.items()} == {
        1: ("bob", Decimal("63.00"), "no order for 236 days; fewer orders than usual"),
        2: ("cy", Decimal("5.70"), "one order only"),
    }


def test_meanings_of_columns_reach_the_catalog(small: Lakehouse):
    comments = {
        field.name: field.metadata.get("comment") for field in small.spark.table("marts.churn_watchlist").schema
    }

    assert comments["place"] == "1 is whom to keep first."
    assert comments["churn_probability"] == "Of no order within the model's horizon."
