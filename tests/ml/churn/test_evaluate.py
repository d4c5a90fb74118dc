import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from ml.churn.evaluate import (
    Predictions,
    area,
    best_threshold,
    calibration_error,
    compare,
    deciles,
    gain_interval,
    lift_by_decile,
    metrics,
)

CHURNED = np.array([1, 0, 1, 0, 0, 1, 0, 0, 0, 0])
PROBABILITIES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])


def test_metrics_are_those_of_scikit_learn():
    found = metrics(CHURNED, PROBABILITIES, threshold=0.65)
    predicted = PROBABILITIES >= 0.65

    assert found["accuracy"] == pytest.approx(accuracy_score(CHURNED, predicted))
    assert found["precision"] == pytest.approx(precision_score(CHURNED, predicted))
    assert found["recall"] == pytest.approx(recall_score(CHURNED, predicted))
    assert found["f1"] == pytest.approx(f1_score(CHURNED, predicted))


def test_the_confusion_matrix_counts_all_customers():
    found = metrics(CHURNED, PROBABILITIES, threshold=0.65)

    counts = [found[f"{name}s"] for name in ("true_positive", "false_positive", "true_negative", "false_negative")]
    assert counts == [2, 1, 6, 1]


def test_a_contender_that_predicts_nobody_has_no_precision_rather_than_an_error():
    found = metrics(CHURNED, PROBABILITIES, threshold=2.0)

    assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)


def test_the_threshold_is_that_of_the_best_f1():
    churned = np.array([1, 1, 1, 0, 0, 1, 0, 0, 0, 0])
    every = [f1_score(churned, each <= PROBABILITIES) for each in PROBABILITIES]

    assert best_threshold(churned, PROBABILITIES) == PROBABILITIES[np.argmax(every)] == 0.7


def test_the_threshold_is_chosen_on_validation():
    validation = Predictions(np.arange(10), CHURNED, PROBABILITIES)
    test = Predictions(np.arange(10), 1 - CHURNED, PROBABILITIES)

    measured, thresholds = compare({"lstm": validation}, {"lstm": test})

    assert thresholds == {"lstm": 0.4}
    assert measured["lstm"]["threshold"] == 0.4


def test_perfect_probabilities_have_no_calibration_error_and_shifted_ones_have_the_shift():
    churned = np.tile([1, 0, 0, 0], 100)
    assert calibration_error(churned, np.full(400, 0.25)) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error(churned, np.full(400, 0.35)) == pytest.approx(0.1)


def test_the_first_decile_has_the_highest_probabilities_and_ties_keep_their_order():
    assert deciles(PROBABILITIES[::-1]).tolist() == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert deciles(np.full(10, 0.5)).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_lift_is_how_much_likelier_than_all_a_decile_was():
    assert lift_by_decile(CHURNED, PROBABILITIES)[:3] == pytest.approx([1 / 0.3, 0, 1 / 0.3])


def test_the_area_by_counting_pairs_is_that_of_scikit_learn_also_with_ties():
    random = np.random.default_rng(1)
    churned, probabilities = random.integers(0, 2, 500), random.integers(0, 20, 500) / 20

    assert area(churned, probabilities) == pytest.approx(roc_auc_score(churned, probabilities))


def test_a_contender_is_not_ahead_of_itself():
    assert gain_interval(CHURNED, PROBABILITIES, PROBABILITIES, draws=20) == (0, 0)


def test_an_interval_is_all_above_zero_where_ours_is_better_in_every_draw():
    churned = np.tile([1, 0], 100)
    low, high = gain_interval(churned, churned * 1.0, 1.0 - churned, draws=20)

    assert (low, high) == (1, 1)
