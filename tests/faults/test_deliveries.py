"""The ledger of deliveries tells what is lost, doubled, there in part, or not noted."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from bronze.ledger import FILES, QUARANTINE
from lakehouse.tables import Table
from tests.faults.campaign import Tally
from tests.faults.deliveries import SOURCES, Deliveries, Read, compare, parts

TILLS = next(source for source in SOURCES if source.name == "tills")


@pytest.fixture
def deliveries(tmp_path: Path) -> Deliveries:
    found = Deliveries(tmp_path, random.Random(0))
    found.put("tills/1", [(1, 1), (2, 2), (3, -1)])
    return found


def holding(
    spark: SparkSession, deliveries: Deliveries, *, good: Sequence[tuple], refused: Sequence[str], load_id: int = 0
) -> Read:
    """Tables that hold these rows of one file, and note each version."""
    rows = {
        TILLS.table.name: [
            {"id": line[0], "amount": line[1], "_file": "tills/1", "_load_id": load_id} for line in good
        ],
        QUARANTINE.name: [{"source": "tills", "raw": raw, "file": "tills/1", "load_id": load_id} for raw in refused],
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
    assert parts(read, deliveries) == []


def test_what_is_missing_is_lost_and_what_is_there_twice_is_duplicated(spark, deliveries):
    read = holding(spark, deliveries, good=[(1, 1), (1, 1)], refused=["3,-1"])

    assert compare(read, deliveries) == Tally(lost=1, duplicated=1)


def test_files_that_are_there_in_part_are_told(spark, deliveries):
    def told(good: Sequence[tuple], *refused: str) -> list[str]:
        return parts(holding(spark, deliveries, good=good, refused=refused), deliveries)

    assert told([(1, 1)]) == ["tills/1 of load 0: 1 good rows, 0 refused"]
    assert told([], "3,-1") == ["tills/1 of load 0: 0 good rows, 1 refused"]
    assert told([(1, 1), (2, 2), (1, 1)]) == ["tills/1 of load 0: 3 good rows, 0 refused"]
    assert told([(1, 1), (2, 2)]) == told([]) == []


def test_a_file_that_is_written_again_with_more_lines_is_whole_as_either(spark, deliveries):
    deliveries.put("tills/1", [(1, 1), (2, 2), (3, -1), (4, 4)])

    for good, count in ([(1, 1), (2, 2)], 0), ([(1, 1), (2, 2), (4, 4)], 0), ([(1, 1), (4, 4)], 1):
        assert len(parts(holding(spark, deliveries, good=good, refused=[]), deliveries)) == count


def test_a_version_that_is_not_noted_is_unflagged(spark, deliveries):
    read = holding(spark, deliveries, good=[(1, 1), (2, 2)], refused=["3,-1"])
    deliveries.put("tills/2", [(1, 1), (2, 2), (3, -1)])

    assert compare(read, deliveries) == Tally(unflagged=1)
