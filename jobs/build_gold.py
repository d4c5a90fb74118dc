"""Build gold for the days that are asked for."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

from pyspark.sql import DataFrame

from gold import churn_labels, customer_features, customer_sequences, customer_weeks
from gold.churn_labels import CHURN_LABELS
from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES
from gold.customer_weeks import CUSTOMER_WEEKS
from jobs.console import side_by_side, stage, step
from jobs.tuning import tuned_for
from lakehouse.delta import Lakehouse
from lakehouse.tables import Table
from silver.tables import CORE_IDS, INTERACTIONS, ORDER_LINES, PRODUCTS, REVISIONS

KNOWN = {
    "order_lines": ORDER_LINES,
    "interactions": INTERACTIONS,
    "products": PRODUCTS,
    "core_ids": CORE_IDS,
    "revisions": REVISIONS,
}


def build_gold(lake: Lakehouse, days: Sequence[date], *, weeks: int = 104) -> None:
    """Features, weeks and sequences of each day, as they were known at its end."""
    lake = tuned_for(lake)
    known: dict[str, Any] = {name: lake.read(table) for name, table in KNOWN.items()}
    of_lake: dict[str, Any] = {"shards": lake.settings.shards}

    def features(stale: Sequence[date]) -> DataFrame:
        return customer_features.build(**known, days=stale, **of_lake)

    def activity(stale: Sequence[date]) -> DataFrame:
        return customer_weeks.build(**known, days=stale, weeks=weeks, **of_lake)

    def sequences(stale: Sequence[date]) -> DataFrame:
        return customer_sequences.build(lake.read(CUSTOMER_WEEKS), days=stale, weeks=weeks)

    def refreshed(table: Table, build: Callable[[Sequence[date]], DataFrame]) -> str:
        return rebuilt(lake.refresh_days(table, build, days, inputs=KNOWN.values(), weeks=weeks, **of_lake))

    with stage(f"Gold: what was known at the end of {spelled(days)}"):
        of_silver = ((CUSTOMER_FEATURES, features), (CUSTOMER_WEEKS, activity))
        side_by_side({table.name: partial(refreshed, table, build) for table, build in of_silver}, at_a_time=2)
        with step(CUSTOMER_SEQUENCES.name) as came_of_it:
            came_of_it(refreshed(CUSTOMER_SEQUENCES, sequences))


def build_labels(lake: Lakehouse, days: Sequence[date], *, known_until: date, horizon: int, active: int) -> None:
    """Who of each day's active customers had stayed away, as known at the end of `known_until`."""
    lake = tuned_for(lake)
    tables = {name: KNOWN[name] for name in ("order_lines", "core_ids", "revisions")}
    known: dict[str, Any] = {name: lake.read(table) for name, table in tables.items()}
    arguments: dict[str, Any] = {"known_until": known_until, "horizon_weeks": horizon, "active_weeks": active}

    def labels(stale: Sequence[date]) -> DataFrame:
        return churn_labels.build(**known, days=stale, **arguments)

    with (
        stage(f"Gold: who stayed away for {horizon} weeks after {spelled(days)}"),
        step(CHURN_LABELS.name) as came_of_it,
    ):
        came_of_it(rebuilt(lake.refresh_days(CHURN_LABELS, labels, days, inputs=tables.values(), **arguments)))


def rebuilt(stale: Sequence[date]) -> str:
    return f"{len(stale)} day{'s' * (len(stale) > 1)} rebuilt" if stale else "unchanged"


def spelled(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{len(days)} days from {min(days)} to {max(days)}"
