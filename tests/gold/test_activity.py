from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from gold.activity import customer_lines, known_at, shard_of, with_category
from tests.gold.silver_rows import AS_OF, Changed, Silver, ago, line, party, product

MOMENT = timedelta(microseconds=1)
LAST_MOMENT, NEXT_DAY = ago(-1, "00:00") - MOMENT, ago(-1, "00:00")


@pytest.fixture
def lines(spark: SparkSession) -> Callable[..., dict[str, Row]]:
    """The lines that are known at the end of AS_OF, by order."""

    def known(*rows: Any, **others: Any) -> dict[str, Row]:
        silver = Silver(lines=rows, **others).frames(spark)
        versions = customer_lines(silver["order_lines"], silver["core_ids"], silver["revisions"])
        found = known_at(versions, [AS_OF], "ordered_on")
        found = with_category(found, silver["products"], silver["revisions"]).collect()
        assert len(found) == len({row.order_id for row in found})
        return {row.order_id: row for row in found}

    return known


def test_a_day_lasts_from_its_first_moment_to_its_last(lines):
    known = lines(
        line(ago(0, "00:00"), order="first moment"),
        line(LAST_MOMENT, order="last moment"),
        line(ago(0, "00:00") - MOMENT, order="the day before"),
        line(NEXT_DAY, order="the day after", arrived=ago(0)),
    )

    days_ago = {order: row.days_ago for order, row in known.items()}
    assert days_ago == {"first moment": 0, "last moment": 0, "the day before": 1}


def test_a_line_that_arrives_after_the_day_is_not_known_however_old_it_is(lines):
    known = lines(
        line(ago(9), order="in time", arrived=LAST_MOMENT),
        line(ago(9), order="late", arrived=NEXT_DAY),
    )

    assert set(known) == {"in time"}


def test_a_line_that_changed_after_the_day_is_read_as_it_was(lines):
    before = line(ago(9), order="corrected", net="10.00", discount="0.10", coupon="1.00", quantity=2)
    now = {**before, **line(ago(8), order="corrected", net="99.00", quantity=9, arrived=NEXT_DAY)}

    row = lines(Changed(before, now))["corrected"]

    assert (row.days_ago, str(row.net_amount), str(row.gross_amount), row.units, row.has_coupon) == (
        9,
        "10.00",
        "10.10",
        2,
        True,
    )


def test_a_line_that_changed_within_the_day_is_read_as_it_became(lines):
    before = line(ago(9), order="corrected", net="10.00")
    now = line(ago(9), order="corrected", net="99.00", arrived=LAST_MOMENT)

    assert str(lines(Changed(before, now))["corrected"].net_amount) == "99.00"


def test_a_version_that_arrived_after_the_day_is_not_known_even_if_it_was_superseded(lines):
    before = line(ago(9), order="late", arrived=NEXT_DAY)
    now = line(ago(9), order="late", arrived=NEXT_DAY + timedelta(days=1))

    assert lines(Changed(before, now)) == {}


def test_an_identity_record_counts_once_it_has_been_met(lines):
    known = lines(
        line(ago(9), party="card 1", order="met"),
        line(ago(9), party="card 2", order="not met"),
        line(ago(9), party="card 3", order="nobody's"),
        parties=[party("card 1", "ann", met=LAST_MOMENT), party("card 2", "bob", met=NEXT_DAY)],
    )

    assert {order: row.core_id for order, row in known.items()} == {"met": "ann"}


def test_units_of_a_line_count_up_to_99_and_a_missing_quantity_stays_missing(lines):
    known = lines(
        line(ago(1), order="fuel", quantity=89_638),
        line(ago(2), order="many", quantity=99),
        line(ago(3), order="missing", quantity=None),
    )

    assert {order: row.units for order, row in known.items()} == {"fuel": 99, "many": 99, "missing": None}


def test_the_category_is_the_one_that_the_product_had_then(lines):
    known = lines(
        *(line(ago(1), order=name, product=name) for name in ("rye", "moved", "new", "nameless", "unheard of")),
        products=[
            product("rye", "bread"),
            Changed(product("moved", "before"), product("moved", "after", arrived=NEXT_DAY)),
            product("new", "bread", arrived=NEXT_DAY),
            product("nameless", None),
        ],
    )

    categories = {order: row.category for order, row in known.items()}
    unknown = dict.fromkeys(("new", "nameless", "unheard of"), "unknown")
    assert categories == {"rye": "bread", "moved": "before", **unknown}


def test_the_shard_of_a_customer_never_changes(spark):
    """Embeddings and scores are stored by shard: another hash would lose them."""
    customers = spark.createDataFrame([("ann",), ("bob",), ("zoë",)], "core_id string")

    shards = customers.select("core_id", shard_of("core_id", 16).alias("shard"), F.lit(1)).collect()

    assert {row.core_id: row.shard for row in shards} == {"ann": 11, "bob": 11, "zoë": 14}
