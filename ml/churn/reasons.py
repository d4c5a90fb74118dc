"""Why a customer is at risk, in words: the model says which of them count, the customer's own values fill them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gold.customer_sequences import SEQUENCE_FEATURES
from ml.churn.dataset import FEATURES

RECENT_WEEKS = 4

# The customer's values that the words need, from gold.customer_features.
FACTS = (
    "recency_days",
    "tenure_days",
    "orders_4w",
    "orders_13w",
    "active_weeks_13w",
    "orders_trend",
    "net_amount_4w",
    "net_amount_26w",
    "categories_4w",
    "categories_13w",
    "discount_share_4w",
    "discount_share_26w",
    "campaigns_sent_52w",
    "redemptions_52w",
    "gap_days_mean",
    "gap_days_std",
    "gap_trend",
)

Facts = Mapping[str, float]  # a value that is missing is NaN, and no comparison with it holds


def late(facts: Facts) -> str | None:
    if not facts["recency_days"] > 6 or facts["recency_days"] <= facts["gap_days_mean"]:
        return None
    usual = f", usually one every {days(facts['gap_days_mean'])}" if facts["gap_days_mean"] > 0 else ""
    return f"no order for {days(facts['recency_days'])}{usual}"


def fewer_orders(facts: Facts) -> str | None:
    if facts["orders_4w"] == 0:
        return f"no order in the last {RECENT_WEEKS} weeks"
    return below_usual("orders", facts["orders_trend"])


def less_spending(facts: Facts) -> str | None:
    weeks = min(max(facts["tenure_days"] // 7 + 1, RECENT_WEEKS), 26)
    usual = facts["net_amount_26w"] * RECENT_WEEKS / weeks
    return below_usual("spending", facts["net_amount_4w"] / usual) if usual > 0 and facts["net_amount_4w"] > 0 else None


def rare(facts: Facts) -> str | None:
    if not facts["active_weeks_13w"] <= 6:
        return None
    return f"orders in only {facts['active_weeks_13w']:.0f} of the last 13 weeks"


def irregular(facts: Facts) -> str | None:
    if facts["gap_trend"] >= 1.25:
        return f"the last gaps between orders are {facts['gap_trend'] - 1:.0%} longer than usual"
    if facts["gap_days_std"] >= facts["gap_days_mean"]:
        return f"irregular: {facts['gap_days_mean']:.0f} days between orders, give or take {facts['gap_days_std']:.0f}"
    return None


def narrower(facts: Facts) -> str | None:
    if not 0 < facts["categories_4w"] < facts["categories_13w"] / 2:
        return None
    return (
        f"buys less widely: {facts['categories_4w']:.0f} categories in the last {RECENT_WEEKS} weeks, "
        f"{facts['categories_13w']:.0f} in the last 13"
    )


def fewer_discounts(facts: Facts) -> str | None:
    if not facts["discount_share_4w"] <= facts["discount_share_26w"] - 0.03:
        return None
    return (
        f"discounts were {facts['discount_share_4w']:.0%} of the last {RECENT_WEEKS} weeks' prices, "
        f"{facts['discount_share_26w']:.0%} over 26 weeks"
    )


def not_addressed(facts: Facts) -> str | None:
    return "no campaign was sent in the last 52 weeks" if facts["campaigns_sent_52w"] == 0 else None


def no_response(facts: Facts) -> str | None:
    return "no coupon redeemed in the last 52 weeks" if facts["redemptions_52w"] == 0 else None


def new(facts: Facts) -> str | None:
    return f"a customer for only {days(facts['tenure_days'])}" if facts["tenure_days"] < 182 else None


def has_stayed_away(facts: Facts) -> str | None:
    return "has stayed away before, more than their orders explain"


def plainly(facts: Facts) -> str:
    """For a customer at risk whom none of the words fit."""
    return f"{facts['orders_13w']:.0f} orders in the last 13 weeks, the last {days(facts['recency_days'])} ago"


def below_usual(what: str, ratio: float) -> str | None:
    return f"{what} of the last {RECENT_WEEKS} weeks {1 - ratio:.0%} below usual" if ratio <= 0.9 else None


def days(number: float) -> str:
    """
    >>> days(1.0), days(31.0), days(90.0)
    ('1 day', '31 days', '13 weeks')
    """
    if number >= 56:
        return f"{number / 7:.0f} weeks"
    return "1 day" if round(number) == 1 else f"{number:.0f} days"


@dataclass(frozen=True)
class Theme:
    """Inputs of the model that say the same to a marketer; of the weeks, the recent ones or those before them.

    `words` are tried in their order: the first that the customer's values bear out is the reason.
    """

    words: tuple[Callable[[Facts], str | None], ...]
    features: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    is_embedding: bool = False

    def reason(self, facts: Facts) -> str | None:
        return next((found for words in self.words if (found := words(facts))), None)


def of_all_weeks(words: Callable[[Facts], str | None], *inputs: str) -> Theme:
    return Theme((words,), recent=inputs, earlier=inputs)


THEMES = (
    Theme((late,), features=("recency_days",)),
    Theme((fewer_orders,), recent=("orders", "order_days")),
    Theme((rare, irregular), earlier=("orders", "order_days")),
    of_all_weeks(less_spending, "net_amount", "units"),
    of_all_weeks(narrower, "products", "categories"),
    of_all_weeks(fewer_discounts, "discount_amount", "coupon_lines"),
    of_all_weeks(not_addressed, "campaigns_sent"),
    of_all_weeks(no_response, "redemptions"),
    Theme((new,), features=("tenure_days",)),
    Theme((has_stayed_away,), is_embedding=True),
)


def by_theme(of_features: np.ndarray, of_steps: np.ndarray, of_embedding: np.ndarray) -> np.ndarray:
    """How much each theme moved each customer's score: the sum over its inputs."""
    recent, earlier = of_steps[:, -RECENT_WEEKS:].sum(axis=1), of_steps[:, :-RECENT_WEEKS].sum(axis=1)
    inputs = np.concatenate([of_features, recent, earlier, of_embedding.sum(axis=1, keepdims=True)], axis=1)
    return inputs @ MEMBERSHIP


def membership() -> np.ndarray:
    """Which input is of which theme: 1 or 0."""
    rows = [
        *([name in theme.features for theme in THEMES] for name in FEATURES),
        *([name in theme.recent for theme in THEMES] for name in SEQUENCE_FEATURES),
        *([name in theme.earlier for theme in THEMES] for name in SEQUENCE_FEATURES),
        [theme.is_embedding for theme in THEMES],
    ]
    return np.array(rows, dtype=np.float32)


MEMBERSHIP = membership()


def reasons(weights: np.ndarray, facts: Facts, most: int = 3) -> list[str]:
    """The words of the themes that moved this customer's score up most, where the customer's values bear them out."""
    found: list[str] = []
    for number in np.argsort(-weights, kind="stable"):
        if weights[number] <= 0 or len(found) == most:
            break
        words = THEMES[number].reason(facts)
        if words is not None and words not in found:
            found.append(words)
    return found or [plainly(facts)]
