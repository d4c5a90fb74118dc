import numpy as np
import pytest

from gold.customer_sequences import SEQUENCE_FEATURES
from ml.churn import reasons as words
from ml.churn.dataset import FEATURES
from ml.churn.reasons import FACTS, THEMES, by_theme, reasons

USUAL = {
    "recency_days": 3.0,
    "tenure_days": 300.0,
    "orders_4w": 4.0,
    "orders_13w": 13.0,
    "active_weeks_13w": 12.0,
    "orders_trend": 1.0,
    "net_amount_4w": 100.0,
    "net_amount_26w": 650.0,
    "categories_4w": 20.0,
    "categories_13w": 30.0,
    "discount_share_4w": 0.1,
    "discount_share_26w": 0.1,
    "campaigns_sent_52w": 3.0,
    "redemptions_52w": 1.0,
    "gap_days_mean": 7.0,
    "gap_days_std": 2.0,
    "gap_trend": 1.0,
}
NONE = float("nan")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"recency_days": 31.0, "gap_days_mean": 9.2}, "no order for 31 days, usually one every 9 days"),
        ({"recency_days": 31.0, "gap_days_mean": NONE}, "no order for 31 days"),
        ({"orders_trend": 0.4}, "orders of the last 4 weeks 60% below usual"),
        ({"orders_4w": 0.0, "orders_trend": 0.0}, "no order in the last 4 weeks"),
        ({"net_amount_4w": 50.0}, "spending of the last 4 weeks 50% below usual"),
        ({"active_weeks_13w": 2.0}, "orders in only 2 of the last 13 weeks"),
        ({"gap_trend": 1.8}, "the last gaps between orders are 80% longer than usual"),
        ({"gap_days_std": 10.0}, "irregular: 7 days between orders, give or take 10"),
        ({"categories_4w": 3.0}, "buys less widely: 3 categories in the last 4 weeks, 30 in the last 13"),
        ({"discount_share_4w": 0.04}, "discounts were 4% of the last 4 weeks' prices, 10% over 26 weeks"),
        ({"campaigns_sent_52w": 0.0}, "no campaign was sent in the last 52 weeks"),
        ({"redemptions_52w": 0.0}, "no coupon redeemed in the last 52 weeks"),
        ({"tenure_days": 63.0, "net_amount_26w": 250.0}, "a customer for only 9 weeks"),
    ],
)
def test_the_words_come_from_the_customers_values(changed, expected):
    assert reasons(np.ones(len(THEMES)), {**USUAL, **changed})[0] == expected


def test_nothing_is_said_that_the_values_do_not_bear_out():
    weights = np.array([float(theme.is_embedding is False) for theme in THEMES])

    assert reasons(weights, USUAL) == ["13 orders in the last 13 weeks, the last 3 days ago"]


def test_a_value_that_is_missing_says_nothing():
    unknown = dict.fromkeys(FACTS, NONE) | {"recency_days": 3.0, "orders_13w": 1.0}

    assert not any(
        theme.reason(unknown) for theme in THEMES if not theme.is_embedding and words.rare not in theme.words
    )


def test_what_moved_the_score_most_comes_first_and_what_lowered_it_is_left_out():
    facts = {**USUAL, "recency_days": 31.0, "tenure_days": 63.0, "redemptions_52w": 0.0}
    order = {words.new: 2.0, words.late: 1.0, words.no_response: -1.0}
    weights = np.array([order.get(theme.words[0], 0.0) for theme in THEMES])

    assert reasons(weights, facts) == ["a customer for only 9 weeks", "no order for 31 days, usually one every 7 days"]


def test_there_are_three_reasons_at_most():
    assert (
        len(reasons(np.ones(len(THEMES)), {**USUAL, "tenure_days": 63.0, "recency_days": 31.0, "gap_trend": 2.0})) == 3
    )


def test_every_input_of_the_model_is_of_one_theme():
    weeks = 6
    features, steps = np.ones((1, len(FEATURES))), np.ones((1, weeks, len(SEQUENCE_FEATURES)))

    found = by_theme(features, steps, np.ones((1, 3)))

    assert found.sum() == features.sum() + steps.sum() + 3
    assert (found > 0).all()
