import numpy as np

from ml.churn.baselines import RecencyRule, fitted
from ml.churn.dataset import RFMT
from tests.ml.churn.small import small_rows


def with_recency(*days: float) -> np.ndarray:
    features = np.zeros((len(days), len(RFMT)))
    features[:, RecencyRule.column] = np.log1p(days)
    return features


def test_the_recency_rule_says_the_share_that_stayed_away_at_that_recency():
    rule = RecencyRule().fit(with_recency(1, 1, 1, 1, 30, 30), np.array([1, 0, 0, 0, 1, 1]))

    assert rule.probabilities(with_recency(1, 30)).round(4).tolist() == [0.25, 1.0]


def test_the_recency_rule_never_falls_with_recency():
    rule = RecencyRule().fit(with_recency(1, 10, 20, 30), np.array([0, 1, 0, 1]))

    found = rule.probabilities(with_recency(*range(60)))

    assert (np.diff(found) > 0).all()
    assert found.max() <= 1


def test_every_baseline_learns_from_the_same_rows():
    rows = small_rows(400)
    everyone = fitted(rows)

    assert list(everyone) == ["recency_rule", "logistic_regression", "gradient_boosting"]
    for each in everyone.values():
        probabilities = each.probabilities(rows.rfmt)
        assert probabilities[rows.labels > 0].mean() > probabilities[rows.labels == 0].mean() + 0.3
