import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from gold import customer_sequences
from gold.customer_sequences import SEQUENCE_FEATURES, sequences
from gold.customer_weeks import CUSTOMER_WEEKS
from tests.gold.silver_rows import AS_OF, frame

ORDERS, NET_AMOUNT, SENT = (SEQUENCE_FEATURES.index(name) for name in ("orders", "net_amount", "campaigns_sent"))


def week(core_id: str, weeks_ago: int, tenure_weeks: int, **values: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(CUSTOMER_WEEKS.columns, 0),
        "net_amount": Decimal("0.00"),
        "discount_amount": Decimal("0.00"),
        "as_of": AS_OF,
        "core_id": core_id,
        "shard": len(core_id),
        "weeks_ago": weeks_ago,
        "week_ends_on": AS_OF - timedelta(weeks=weeks_ago),
        "tenure_weeks": tenure_weeks,
        **values,
    }


@pytest.fixture
def built(spark: SparkSession) -> Callable[..., dict[str, tuple[Row, np.ndarray]]]:
    """Each customer's row, and their steps as weeks x features."""

    def build(*rows: dict[str, Any], weeks: int = 104) -> dict[str, tuple[Row, np.ndarray]]:
        return read(customer_sequences.build(frame(spark, rows, CUSTOMER_WEEKS), days=[AS_OF], weeks=weeks))

    return build


def read(found: DataFrame) -> dict[str, tuple[Row, np.ndarray]]:
    rows = found.collect()
    assert len(rows) == len({row.core_id for row in rows})
    return {
        row.core_id: (row, np.array(row.steps, dtype=np.float32).reshape(row.weeks, len(SEQUENCE_FEATURES)))
        for row in rows
    }


def test_the_newest_week_is_last_and_values_are_log_1_plus_x(built):
    _, steps = built(
        week("ann", 0, 3, orders=1, net_amount=Decimal("99.50")),
        week("ann", 2, 3, orders=3),
    )["ann"]

    assert steps.shape == (3, len(SEQUENCE_FEATURES))
    assert steps[:, ORDERS].tolist() == [np.float32(np.log1p(3)), 0, np.float32(np.log1p(1))]
    assert steps[:, NET_AMOUNT].tolist() == [0, 0, np.float32(np.log1p(99.5))]
    assert np.count_nonzero(steps) == 3


def test_each_feature_has_its_place(built):
    values = {name: 10 + place for place, name in enumerate(SEQUENCE_FEATURES)}
    amounts = {name: Decimal(values[name]) for name in ("net_amount", "discount_amount")}

    _, steps = built(week("ann", 0, 1, **{**values, **amounts}))["ann"]

    assert np.expm1(steps[0]) == pytest.approx(list(values.values()), rel=1e-6)


def test_weeks_before_the_first_order_are_padding_whatever_happened_in_them(built):
    row, steps = built(
        week("ann", 0, 2, orders=1),
        week("ann", 4, 2, campaigns_sent=1),
        week("bob", 4, 5, orders=1),
    )["ann"]

    assert (row.weeks, row.weeks_known) == (5, 2)
    assert steps[:, ORDERS].tolist() == [0, 0, 0, 0, np.float32(np.log1p(1))]
    assert not steps[:, SENT].any()


def test_a_sequence_is_no_longer_than_the_weeks_asked_for_or_the_first_order_of_anyone(built):
    rows = (
        week("ann", 1, 8, orders=1),
        week("ann", 3, 8, orders=1),
        week("bob", 0, 2, orders=1),
    )

    shorter, whole = built(*rows, weeks=3), built(*rows, weeks=104)

    assert {name: (row.weeks, row.weeks_known) for name, (row, _) in shorter.items()} == {"ann": (3, 3), "bob": (3, 2)}
    assert {name: (row.weeks, row.weeks_known) for name, (row, _) in whole.items()} == {"ann": (8, 8), "bob": (8, 2)}
    assert np.count_nonzero(shorter["ann"][1]) == 1
    assert np.count_nonzero(whole["ann"][1]) == 2


def test_a_customer_who_never_ordered_has_no_sequence(built):
    found = built(week("ann", 0, 1, orders=1), week("newsletter reader", 0, 0, campaigns_sent=1))

    assert set(found) == {"ann"}


def test_nobody_has_a_sequence_before_the_first_order_of_anyone(built):
    assert built(week("newsletter reader", 0, 0, campaigns_sent=1)) == {}


def test_only_the_weeks_of_the_day_are_read(built):
    other_day = week("ann", 0, 9, orders=5, as_of=AS_OF - timedelta(weeks=1))

    row, steps = built(other_day, week("ann", 0, 1, orders=1))["ann"]

    assert (row.weeks, np.count_nonzero(steps)) == (1, 1)


def test_refunds_beyond_what_was_spent_count_as_nothing_spent(built):
    _, steps = built(week("ann", 0, 1, orders=1, net_amount=Decimal("-5.00")))["ann"]

    assert steps[0, NET_AMOUNT] == 0


def many_weeks() -> list[dict[str, Any]]:
    luck = random.Random(7)
    return [
        week(
            f"customer {n:03}", weeks_ago, 30, shard=n % 5, orders=luck.randint(1, 9), net_amount=Decimal(luck.random())
        )
        for n in range(60)
        for weeks_ago in [*sorted(luck.sample(range(29), luck.randint(0, 12))), 29]
    ]


def test_the_same_bytes_come_whatever_the_order_of_the_rows_and_the_partitions(spark):
    rows = many_weeks()
    shuffled = random.Random(1).sample(rows, len(rows))

    def found(rows: list[dict[str, Any]], partitions: int) -> dict[str, bytes]:
        weeks = frame(spark, rows, CUSTOMER_WEEKS).repartition(partitions)
        built = customer_sequences.build(weeks, days=[AS_OF])
        return {name: steps.tobytes() for name, (_, steps) in read(built).items()}

    expected = found(rows, 1)
    assert len(expected) == 60
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    try:
        assert found(shuffled, 4) == expected
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", "1")


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_customer_may_go_on_in_the_next_batch(size):
    earlier = AS_OF - timedelta(weeks=1)
    rows = [{**row, "weeks": 30, "weeks_known": 30} for row in many_weeks()]
    rows = [{**row, "as_of": earlier, "weeks": 31} for row in rows] + rows
    numbers = ("shard", "weeks", "weeks_known", "weeks_ago", *SEQUENCE_FEATURES)
    keys = {name: [row[name] for row in rows] for name in ("as_of", "core_id")}
    table = pa.table({**keys, **{name: [int(row[name]) for row in rows] for name in numbers}})

    in_one, in_many = (
        pa.Table.from_batches(sequences(table.to_batches(max_chunksize=size))) for size in (len(rows), size)
    )

    assert in_many.combine_chunks() == in_one.combine_chunks()
    names = sorted({row["core_id"] for row in rows})
    assert in_one["core_id"].to_pylist() == names + names
    assert [len(steps) for steps in in_one["steps"].to_pylist()] == [
        weeks * len(SEQUENCE_FEATURES) for weeks in [31] * len(names) + [30] * len(names)
    ]
