"""What the model has to beat: plain predictors that read the same customers' recency, frequency, money and tenure."""

from typing import Any, Protocol

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml.churn.dataset import RFMT, Rows


class Baseline(Protocol):
    """Features are those of ml.churn.dataset.RFMT, in its order."""

    def fit(self, features: np.ndarray, churned: np.ndarray) -> "Baseline": ...

    def probabilities(self, features: np.ndarray) -> np.ndarray: ...


class RecencyRule:
    """The longer since the last order, the likelier to stay away: the share that did, never falling with recency."""

    column = list(RFMT).index("recency_days")

    def __init__(self) -> None:
        self.rate = IsotonicRegression(out_of_bounds="clip")

    def fit(self, features: np.ndarray, churned: np.ndarray) -> "RecencyRule":
        self.rate.fit(features[:, self.column], churned)
        return self

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Days whose share is the same are told apart by a hair, so that they still rank by recency."""
        recency = features[:, self.column]
        found: np.ndarray = np.clip(self.rate.predict(recency), 0, 1 - 1e-6) + 1e-6 * recency / (1 + recency)
        return found


class Classifier:
    """A classifier of scikit-learn."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, features: np.ndarray, churned: np.ndarray) -> "Classifier":
        self.classifier.fit(features, churned)
        return self

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.classifier.predict_proba(features)[:, 1]
        return found


def baselines() -> dict[str, Baseline]:
    """The settings of the boosting were chosen on validation, as the network's were."""
    return {
        "recency_rule": RecencyRule(),
        "logistic_regression": Classifier(make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))),
        "gradient_boosting": Classifier(
            HistGradientBoostingClassifier(
                max_iter=150, learning_rate=0.04, max_leaf_nodes=8, l2_regularization=1.0, random_state=0
            )
        ),
    }


def fitted(train: Rows) -> dict[str, Baseline]:
    return {name: each.fit(train.rfmt, train.labels) for name, each in baselines().items()}
