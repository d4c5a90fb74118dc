"""Ingest that is killed; `make faults` kills it two hundred times."""

import random
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.deliveries import Deliveries, compare, reader
from tests.faults.killed import INGEST, campaign
from tests.faults.kills import Lake
from tests.processes import Running

pytestmark = pytest.mark.end_to_end


def test_ingest_killed_at_random_moments_loses_and_doubles_nothing(spark: SparkSession, tmp_path: Path) -> None:
    tally = campaign(spark, tmp_path, kills=1, seed=0)

    assert tally.is_clean, (tally, tally.failed)
    assert tally.faults == 1


def test_a_lake_that_is_killed_while_its_catalog_is_made_is_made_by_the_next_run(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake", tmp_path / "landing")
    lake.home.mkdir()
    deliveries = Deliveries(lake.landing, random.Random(0))
    deliveries.round()

    for part, number in ("log", 1), ("service.properties", 1), ("seg0/*.dat", 90), ("seg0/*.dat", 130):
        assert parts_there(lake, part) < number
        running = Running(lake.command(*INGEST.arguments), lake.log)
        while parts_there(lake, part) < number and not running.has_ended:
            time.sleep(0.001)
        assert not running.has_ended, running.output
        running.kill()
    lake.run(INGEST)

    assert compare(reader(spark, lake.home), deliveries).is_clean


def parts_there(lake: Lake, part: str) -> int:
    return len(list((lake.home / "metastore").glob(part)))
