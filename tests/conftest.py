"""One Spark session for all tests, started only when a test asks for it."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.delta import Lakehouse
from lakehouse.session import open_session
from lakehouse.settings import Settings
from tests.small_lake import SmallLake, build

os.environ["PYSPARK_PYTHON"] = sys.executable
# Tests are short: what the optimising compiler of Java would take to start is more than it gives.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m")

# To plan each stage anew, and to compile each projection, takes longer than a few rows do.
FOR_FEW_ROWS = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for Spark is marked so: `-m "not spark"` leaves those that take milliseconds."""
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="session")
def spark(home: Path) -> Iterator[SparkSession]:
    settings = Settings(home=home, cores="1", memory="1g")
    session = open_session(settings)
    for name, value in FOR_FEW_ROWS.items():
        session.conf.set(name, value)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """What `orrery run` made of a small landing, in a process of its own. Tests leave it as it was."""
    return build(tmp_path_factory.mktemp("small"))


@pytest.fixture
def lake(spark: SparkSession, home: Path) -> Iterator[Lakehouse]:
    """An empty lakehouse in the shared session; its tables are dropped after the test."""
    empty(spark, home)
    yield Lakehouse(spark, Settings(home=home))
    empty(spark, home)


def empty(spark: SparkSession, home: Path) -> None:
    for database in spark.catalog.listDatabases():
        if database.name != "default":
            spark.sql(f"DROP DATABASE IF EXISTS {database.name} CASCADE")
    for folder in ("landing", "state"):
        shutil.rmtree(home / folder, ignore_errors=True)
