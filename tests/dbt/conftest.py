"""The marts of a small lakehouse, built once by the job's own command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import run_dbt
from lakehouse.delta import Lakehouse
from lakehouse.settings import Settings
from tests.dbt import small_lake


@pytest.fixture(scope="package")
def small(spark: SparkSession, home: Path) -> Iterator[Lakehouse]:
    lake = Lakehouse(spark, Settings(home=home))
    small_lake.fill(lake)
    yield lake
    for schema in ("silver", "gold", "ml", "marts"):
        spark.sql(f"DROP DATABASE IF EXISTS {schema} CASCADE")


@pytest.fixture(scope="package")
def first_build(small: Lakehouse) -> run_dbt.Outcome:
    return run_dbt.run(small, small_lake.AS_OF, unit_tests=True)
