"""The ledger of deliveries tells what is lost, doubled, there in part, or not noted."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from bronze.ledger import FILES, QUARANTINE
from lakehouse.tables import Table
from tests.faults.deliveries import SOURCES, Deliveries, Read, Tally, compare, halves

TILLS = next(source for source in SOURCES if source.name == "tills")


@pytest.fixture
def deliveries(tmp_path: Path) -> Deliveries:
    found = Deliveries(tmp_path, random.Random(0))
    found.put("tills/1", [(1, 1), (2, 2), (3, -1)])
    return found


def holding(spark: SparkSession, deliveries: Deliveries, *, good: Sequence[tuple], refused: Sequence[str]) -> Read:
    """Tables that hold these rows, and note each version."""
    rows = {
        TILLS.table.name: [{"id": line[0], "amount": line[1]} for line in good],
        QUARANTINE.name: [{"source": "tills", "raw": raw} for raw in refused],
        FILES.name: [
            {"file": file, "content_hash": content, "arrived_at": datetime.fromtimestamp(at, UTC)}
            for file, content, at in deliveries.versions
        ],
    }

    def read(table: Table) -> DataFrame:
        return spark.createDataFrame(rows.get(table.name, []), table.schema)

    return read


def test_what_is_there_once_is_clean(spark, deliveries):
    read = holding(spark, deliveries, good=[(1, 1), (2, 2)], refused=["3,-1"])

    assert compare(read, deliveries) == Tally()
    assert halves(read, deliveries) == 0


def test_what_is_missing_is_lost_and_what_is_there_twice_is_duplicated(spark, deliveries):
    read = holding(spark, deliveries, good=[(1, 1), (1, 1)], refused=["3,-1"])

    assert compare(read, deliveries) == Tally(lost=1, duplicated=1)


def test_good_rows_that_are_there_in_part_are_told(spark, deliveries):
    assert halves(holding(spark, deliveries, good=[(1, 1)], refused=[]), deliveries) == 1
    assert halves(holding(spark, deliveries, good=[], refused=[]), deliveries) == 0


def test_a_version_that_is_not_noted_is_unflagged(spark, deliveries):
    read = holding(spark, deliveries, good=[(1, 1), (2, 2)], refused=["3,-1"])
    deliveries.put("tills/2", [(1, 1), (2, 2), (3, -1)])

    assert compare(read, deliveries) == Tally(unflagged=1)
