"""A Spark session for campaigns: many small steps over few rows."""

import os
from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.session import open_session
from lakehouse.settings import Settings
from tests.conftest import FOR_FEW_ROWS


def open_small_session(home: Path) -> SparkSession:
    return for_few_rows(open_session(Settings(home=home, cores="2", memory="1g")))


def for_few_rows(spark: SparkSession) -> SparkSession:
    for name, value in FOR_FEW_ROWS.items():
        spark.conf.set(name, value)
    return spark


os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")  # as in the tests: short lives
