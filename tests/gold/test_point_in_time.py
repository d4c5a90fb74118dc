"""The promise of gold: what a row of a day says does not change, whatever happens or arrives after that day."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from gold import churn_labels, customer_features, customer_sequences, customer_weeks
from tests.gold.silver_rows import AS_OF, Changed, Silver, Values, ago, line, party, product, touch

KNOWN_UNTIL = AS_OF + timedelta(weeks=5)
PEOPLE = [f"customer {n}" for n in range(12)]
GOODS = [f"product {n}" for n in range(20)]

Build = Callable[..., DataFrame]


def features(silver: dict[str, DataFrame], *days: date) -> DataFrame:
    return customer_features.build(**silver, days=days, shards=4)


def weeks(silver: dict[str, DataFrame], *days: date) -> DataFrame:
    return customer_weeks.build(**silver, days=days, shards=4)


def sequences(silver: dict[str, DataFrame], *days: date) -> DataFrame:
    return customer_sequences.build(weeks(silver, *days), days=days)


def labels(silver: dict[str, DataFrame], *days: date) -> DataFrame:
    known = {name: silver[name] for name in ("order_lines", "core_ids", "revisions")}
    return churn_labels.build(**known, days=days, known_until=KNOWN_UNTIL)


# Each table, and the last day that its rows know of.
TABLES: dict[str, tuple[Build, date]] = {
    "customer_features": (features, AS_OF),
    "customer_weeks": (weeks, AS_OF),
    "customer_sequences": (sequences, AS_OF),
    "churn_labels": (labels, KNOWN_UNTIL),
}


def history(until: date) -> Silver:
    """Half a year and more of twelve customers, each with a second identity record, up to the end of `until`."""
    luck = random.Random(11)
    last = (until - AS_OF).days

    def when(first: int = 250) -> datetime:
        return ago(-luck.randint(-first, last), f"{luck.randint(0, 23):02}:{luck.randint(0, 59):02}:00")

    def arrived(happened_at: datetime) -> datetime:
        later = happened_at + timedelta(hours=luck.choice([0, 1, 24]))
        return min(later, datetime.combine(until, time.max, tzinfo=UTC))

    lines, touches = [], []
    for n in range(300):
        at, who = when(), luck.choice(PEOPLE)
        lines += [
            line(
                at,
                party=who + luck.choice(["", " online"]),
                order=f"order {n}",
                line_id=str(m),
                product=luck.choice(GOODS),
                store=luck.choice(["north", "south", None]),
                net=str(Decimal(luck.randint(0, 5000)) / 100),
                discount=luck.choice(["0.00", "0.35"]),
                coupon=luck.choice(["0.00", "1.00"]),
                quantity=luck.randint(1, 150),
                arrived=arrived(at),
            )
            for m in range(luck.randint(1, 4))
        ]
    for _ in range(60):
        at = when()
        kind, campaign = luck.choice(["sent", "redeemed"]), luck.choice(["spring", "summer", "autumn"])
        touches.append(touch(kind, at, party=luck.choice(PEOPLE), campaign=campaign, arrived=arrived(at)))
    return Silver(
        lines=lines,
        touches=touches,
        products=[product(name, f"category {n % 6}") for n, name in enumerate(GOODS)],
        parties=[party(who + kind, who) for who in PEOPLE for kind in ("", " online")],
    )


def with_all_that_came_later(silver: Silver, after: date) -> Silver:
    """Everything that can happen or arrive after a day, has."""
    tomorrow = datetime.combine(after + timedelta(days=1), time.min, tzinfo=UTC)
    before = ago(40)
    later_lines: list[Values] = [
        *(line(tomorrow, party=who, product="novelty") for who in PEOPLE),
        *(line(before, party=who, net="77.77", arrived=tomorrow) for who in PEOPLE),
        *(line(ago(700), party=who, arrived=tomorrow) for who in PEOPLE),
        *(line(before, party="met tomorrow", arrived=before) for _ in range(3)),
        *(line(before, party="a new customer", arrived=before) for _ in range(3)),
    ]
    later_touches = [
        *(touch("sent", tomorrow, party=who, campaign="winter") for who in PEOPLE),
        *(touch("redeemed", before, party=who, arrived=tomorrow) for who in PEOPLE),
    ]
    return Silver(
        lines=[*changed(silver.lines, "net_amount", Decimal("0.01"), tomorrow), *later_lines],
        touches=[*changed(silver.touches, "campaign_id", "corrected", tomorrow), *later_touches],
        products=[
            *changed(silver.products, "category", "moved", tomorrow),
            product("novelty", "new", arrived=tomorrow),
        ],
        parties=[
            *silver.parties,
            party("met tomorrow", PEOPLE[0], met=tomorrow),
            party("a new customer", met=tomorrow),
        ],
    )


def changed(rows: Any, column: str, value: Any, arrived: datetime) -> list[Values | Changed]:
    """Every third row is corrected by a delivery of that time."""
    return [
        Changed(row, {**row, column: value, "learned_at": arrived}) if n % 3 == 0 else row for n, row in enumerate(rows)
    ]


def rows_of(found: DataFrame) -> list[Row]:
    return sorted(found.collect(), key=lambda row: (row.as_of, row.core_id, row.asDict().get("weeks_ago")))


def known_later(spark: SparkSession, table: str) -> dict[str, DataFrame]:
    last_day = TABLES[table][1]
    return with_all_that_came_later(history(until=last_day), after=last_day).frames(spark)


@pytest.fixture(scope="module")
def said_later(spark: SparkSession) -> Callable[[str], list[Row]]:
    """What a table says of the day when all that came later is known."""
    return cache(lambda table: rows_of(TABLES[table][0](known_later(spark, table), AS_OF)))


@pytest.mark.parametrize("table", TABLES)
def test_nothing_that_comes_after_the_day_changes_its_rows(
    spark: SparkSession, said_later: Callable[[str], list[Row]], table: str
) -> None:
    build, last_day = TABLES[table]

    then = rows_of(build(history(until=last_day).frames(spark), AS_OF))

    assert len(then) >= len(PEOPLE) - 2
    assert said_later(table) == then


@pytest.mark.parametrize("table", TABLES)
def test_the_order_of_rows_and_partitions_changes_nothing(
    spark: SparkSession, said_later: Callable[[str], list[Row]], table: str
) -> None:
    build, _ = TABLES[table]
    silver = known_later(spark, table)

    in_order = said_later(table)
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    try:
        partitions = {name: rows.orderBy("learned_at").repartition(4) for name, rows in silver.items()}
        shuffled = rows_of(build(partitions, AS_OF))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", "1")

    assert shuffled == in_order


@pytest.mark.parametrize("table", TABLES)
def test_days_that_are_built_together_are_each_as_if_built_alone(spark: SparkSession, table: str) -> None:
    build, last_day = TABLES[table]
    silver = with_all_that_came_later(history(until=last_day), after=AS_OF - timedelta(days=40)).frames(spark)
    days = [AS_OF - timedelta(days=41), AS_OF]

    together = rows_of(build(silver, *days))

    assert {row.as_of for row in together} == set(days)
    for day in days:
        assert rows_of(build(silver, day)) == [row for row in together if row.as_of == day]
