"""Build gold for the days that are asked for."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from pyspark import StorageLevel
from pyspark.sql import DataFrame

from gold import churn_labels, customer_features, customer_sequences, customer_weeks
from gold.churn_labels import CHURN_LABELS
from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES
from gold.customer_weeks import CUSTOMER_WEEKS
from jobs.build_silver import written
from jobs.console import stage, step
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
    with stage(f"Gold: what was known at the end of {spelled(days)}"), read_once(lake, KNOWN) as known:
        for day in days:
            build_day(lake, known, day, weeks)


@contextmanager
def read_once(lake: Lakehouse, tables: Mapping[str, Table]) -> Iterator[dict[str, DataFrame]]:
    """The tables, kept at hand once they are read: to plan and read them anew for each day costs more than a build."""
    kept = {name: lake.read(table).persist(StorageLevel.MEMORY_AND_DISK) for name, table in tables.items()}
    try:
        yield kept
    finally:
        for rows in kept.values():
            rows.unpersist()


def build_day(lake: Lakehouse, known: dict[str, DataFrame], day: date, weeks: int) -> None:
    shards = lake.settings.shards

    def features() -> DataFrame:
        return customer_features.build(**known, as_of=day, shards=shards)

    def activity() -> DataFrame:
        return customer_weeks.build(**known, as_of=day, shards=shards, weeks=weeks)

    def sequences() -> DataFrame:
        return customer_sequences.build(lake.read(CUSTOMER_WEEKS), as_of=day, weeks=weeks)

    builds = ((CUSTOMER_FEATURES, features), (CUSTOMER_WEEKS, activity), (CUSTOMER_SEQUENCES, sequences))
    for table, build in builds:
        with step(f"{table.name} {day}") as came_of_it:
            where = f"as_of = DATE'{day}'"
            is_new = lake.refresh(table, build, inputs=KNOWN.values(), where=where, shards=shards, weeks=weeks)
            came_of_it(written(is_new))


def build_labels(lake: Lakehouse, days: Sequence[date], *, known_until: date, horizon: int, active: int) -> None:
    """Who of each day's active customers had stayed away, as known at the end of `known_until`."""
    tables = {name: KNOWN[name] for name in ("order_lines", "core_ids", "revisions")}
    title = f"Gold: who stayed away for {horizon} weeks after {spelled(days)}"
    with stage(title), read_once(lake, tables) as known:
        for day in days:
            with step(f"{CHURN_LABELS.name} {day}") as came_of_it:

                def build(day: date = day) -> DataFrame:
                    return churn_labels.build(
                        **known, as_of=day, known_until=known_until, horizon_weeks=horizon, active_weeks=active
                    )

                where = f"as_of = DATE'{day}'"
                arguments = {"known_until": known_until, "horizon": horizon, "active": active}
                is_new = lake.refresh(CHURN_LABELS, build, inputs=tables.values(), where=where, **arguments)
                came_of_it(written(is_new))


def spelled(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{len(days)} days from {min(days)} to {max(days)}"
