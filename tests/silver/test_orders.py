"""Orders are the sums of their lines."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import Row, SparkSession

from silver import orders
from silver.tables import ORDER_LINES


@pytest.fixture
def build(spark: SparkSession):
    """The orders of lines that say what differs."""

    def build(*lines: dict) -> dict[str, Row]:
        usual = {"order_id": "o1", "line_id": "1", "quantity": 1, "ordered_at": datetime(2024, 7, 1, 12)}
        rows = [tuple({**usual, **line}.get(name) for name in ORDER_LINES.columns) for line in lines]
        return {row.order_id: row for row in orders.build(spark.createDataFrame(rows, ORDER_LINES.schema)).collect()}

    return build


def money(net: str, discount: str = "0.00", coupon: str | None = "0.00") -> dict:
    return {
        "net_amount": Decimal(net),
        "discount_amount": Decimal(discount),
        "gross_amount": Decimal(net) + Decimal(discount),
        "coupon_amount": coupon and Decimal(coupon),
    }


def test_amounts_units_and_lines_are_sums_over_the_lines_of_an_order(build):
    found = build(
        {"line_id": "1", "quantity": 2, **money("10.00", "1.50")},
        {"line_id": "2", "quantity": 3, **money("0.01", "0.00", coupon=None)},
        {"line_id": "3", "quantity": None, **money("9999999999999.99", coupon="0.25")},
        {"order_id": "o2", "quantity": 0, **money("7.00")},
    )

    assert [
        (o.lines, o.units, o.net_amount, o.gross_amount, o.discount_amount, o.coupon_amount) for o in found.values()
    ] == [
        (3, 5, Decimal("10000000000010.00"), Decimal("10000000000011.50"), Decimal("1.50"), Decimal("0.25")),
        (1, 0, Decimal("7.00"), Decimal("7.00"), Decimal("0.00"), Decimal("0.00")),
    ]


def test_an_order_is_the_party_store_and_channel_of_its_first_line(build):
    second = {"line_id": "2", "party_id": "web/2", "store_id": "s2", "channel": "web"}
    first = {"line_id": "1", "party_id": "pos/1", "store_id": None, "channel": "store"}

    assert build(second, first) == build(first, second)
    order = build(second, first)["o1"]
    assert (order.party_id, order.store_id, order.channel) == ("pos/1", None, "store")


def test_an_order_is_placed_when_its_first_line_is_and_learned_with_its_last(build):
    order = build(
        {"line_id": "1", "ordered_at": datetime(2024, 7, 2, 0, 0), "learned_at": datetime(2024, 7, 3)},
        {"line_id": "2", "ordered_at": datetime(2024, 7, 1, 23, 59), "learned_at": datetime(2024, 7, 5)},
    )["o1"]

    assert (order.ordered_at, order.ordered_on) == (datetime(2024, 7, 1, 23, 59), date(2024, 7, 1))
    assert order.learned_at == datetime(2024, 7, 5)
