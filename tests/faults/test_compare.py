"""The comparison that the campaign of kills relies on sees what is lost, doubled or changed."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from bronze.ledger import FILES, LOADS
from lakehouse.tables import Table
from tests.faults.compare import Difference, contents, differences, folder

pytestmark = pytest.mark.spark

NOON = datetime(2024, 6, 30, 12)
ONE, TWO = ("a.csv", 1, "pos", 1, None, NOON, 0, None), ("b.csv", 1, None, 2, None, NOON, 0, None)


@pytest.fixture
def lakes(spark: SparkSession, tmp_path: Path) -> "Lakes":
    return Lakes(spark, tmp_path)


class Lakes:
    """Two lakehouses that hold the given rows of one table."""

    def __init__(self, spark: SparkSession, where: Path) -> None:
        self.spark, self.where = spark, where

    def differences(self, expected: Sequence[tuple], found: Sequence[tuple], table: Table = FILES) -> list[Difference]:
        homes = [self.where / "expected", self.where / "found"]
        for home, rows in zip(homes, (expected, found), strict=True):
            frame = self.spark.createDataFrame(list(rows), table.schema)
            frame.write.format("delta").save(str(folder(home, table)))
        return differences(self.spark, *homes, contents(self.spark, homes[0]))


def test_the_same_rows_in_another_order_are_the_same(lakes: Lakes) -> None:
    assert lakes.differences([ONE, TWO], [TWO, ONE]) == []


def test_a_row_that_is_missing_is_lost(lakes: Lakes) -> None:
    assert lakes.differences([ONE, TWO], [ONE]) == [Difference(FILES.name, lost=1)]


def test_a_row_that_is_there_twice_is_duplicated(lakes: Lakes) -> None:
    assert lakes.differences([ONE, TWO], [ONE, TWO, TWO]) == [Difference(FILES.name, duplicated=1)]


def test_a_row_with_another_value_is_different(lakes: Lakes) -> None:
    assert lakes.differences([ONE, TWO], [ONE, (*TWO[:-2], 1, None)]) == [Difference(FILES.name, different=1)]


def test_a_null_is_not_taken_for_its_neighbour(lakes: Lakes) -> None:
    pairs = [("a", "1", "b", None), ("a", "1", None, "b")]
    columns = ("file", "version", "source", "error")
    table = Table(
        name=FILES.name, doc="", grain="", key=FILES.key, columns=dict.fromkeys(columns, LOADS.columns["error"])
    )

    assert lakes.differences(pairs[:1], pairs[1:], table) == [Difference(FILES.name, different=1)]


def test_when_a_load_ended_and_how_long_it_took_may_differ(lakes: Lakes) -> None:
    load = ("pos", 0, "landed", 1, 10, 0)

    assert lakes.differences([(*load, 1.0, None, NOON)], [(*load, 2.0, None, datetime(2024, 7, 1))], LOADS) == []


def test_a_table_that_lacks_its_constraint_is_told(lakes: Lakes, spark: SparkSession, tmp_path: Path) -> None:
    lakes.differences([ONE], [ONE])
    expected, found = tmp_path / "expected", tmp_path / "found"
    spark.sql(f"ALTER TABLE delta.`{folder(expected, FILES)}` ADD CONSTRAINT contract CHECK (bytes >= 0)")

    (told,) = differences(spark, expected, found, contents(spark, expected))

    assert "delta.constraints.contract" in told.contract
    assert (told.lost, told.duplicated, told.different) == (0, 0, 0)
