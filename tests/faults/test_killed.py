"""Ingest that is killed; `make faults` kills it two hundred times."""

import random
from functools import partial
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
        is_there = partial(has_of_catalog, lake, part, number)
        assert not is_there()
        running = Running(lake.command(*INGEST.arguments), lake.log)
        assert running.kill_when(is_there), running.output
    lake.run(INGEST)

    assert compare(reader(spark, lake.home), deliveries).is_clean


def has_of_catalog(lake: Lake, part: str, number: int) -> bool:
    return len(list((lake.home / "metastore").glob(part))) >= number
