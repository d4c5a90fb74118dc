"""The benchmark compares like with like."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.delta import Lakehouse
from lakehouse.settings import Settings
from tests.benchmarks import ingest
from tests.benchmarks.report import to_markdown


@pytest.mark.spark
@pytest.mark.end_to_end
def test_peer_and_ours_land_the_same_rows(spark: SparkSession, lake: Lakehouse, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    ingest.make_landing(landing, small=True)
    settings = Settings(home=tmp_path, landing=str(landing), state=str(tmp_path / "state"))

    ingest.peer(spark, settings)
    ingest.ours(spark, settings)

    for source in ingest.SOURCES:
        theirs = spark.table(source.name)
        assert ingest.digest(lake.read(source.table), source) == ingest.digest(theirs, source)
        assert theirs.count() > 0


def test_the_page_says_what_was_measured() -> None:
    measured = dict.fromkeys(("seconds", "cpu_seconds", "process_seconds", "process_cpu_seconds", "peak_gib"), 2.0)
    found = {"files": 2, "rows": {"promotions": 1234567}, "runs": 3, "aim": 1.25, "date": "2024-06-30", "size": "full"}
    page = to_markdown(
        {"ingest": {**found, "machine": {"cores": "2"}, **dict.fromkeys(("peer", "ours", "ours / peer"), measured)}}
    )

    assert "| wall, s | 2.00 | 2.00 | 2.00 |" in page
    assert "1,234,567 rows of promotions, in 2 files" in page
    assert "2024-06-30, full size. cores 2." in page
