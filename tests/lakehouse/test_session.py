"""How the session starts."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.session import ARCHIVE


@pytest.mark.skipif(not ARCHIVE.exists(), reason="`make setup` could make no archive of Java's classes")
def test_the_jvm_starts_with_the_archive_of_classes(spark: SparkSession) -> None:
    assert spark.sparkContext._jvm is not None
    java = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()

    assert str(ARCHIVE) in Path(f"/proc/{java}/maps").read_text()
