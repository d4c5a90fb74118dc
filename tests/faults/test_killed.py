"""A kill of ingest; `make faults` has two hundred."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.killed import campaign

pytestmark = pytest.mark.end_to_end


def test_ingest_killed_at_random_moments_loses_and_doubles_nothing(spark: SparkSession, tmp_path: Path) -> None:
    tally = campaign(spark, tmp_path, kills=1, seed=0)

    assert tally.is_clean, (tally, tally.failed)
    assert tally.faults == 1
