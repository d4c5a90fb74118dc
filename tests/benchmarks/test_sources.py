"""The plain queries of all sources compare like with like."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from bronze.registry import declared_sources
from lakehouse.delta import Lakehouse
from lakehouse.settings import Settings
from tests.benchmarks import small_files, sources
from tests.benchmarks.ingest import digest
from tests.benchmarks.report import MEASURES, to_markdown

# Of each format one, and dialects that only the plain queries spell out.
SOME = (
    "ads_conversions", "app_events", "catalog_prices", "crm_contacts", "email_sends", "loyalty_members",
    "partners_geography", "pos_returns", "shop_carts", "shop_order_lines", "shop_orders", "shop_refunds",
    "shop_wishlists", "stores_stores",
)  # fmt: skip


@pytest.mark.spark
@pytest.mark.end_to_end
def test_plain_queries_and_ours_land_the_same_rows_of_each_format(
    spark: SparkSession, lake: Lakehouse, tmp_path: Path
) -> None:
    sources.make_world(tmp_path, small=True)
    settings = Settings(home=tmp_path, landing=str(tmp_path / "landing"), state=str(tmp_path / "state"))
    some = [source for source in declared_sources() if source.name in SOME]
    for job in sources.JOBS:
        sources.linked(tmp_path / job, tmp_path / "landing")
    there = [source for source in sources.delivered(tmp_path / "landing") if source in some]

    sources.ours(spark, settings, some)
    sources.peer(spark, settings, there)

    for source in there:
        theirs = spark.table(source.name)
        assert digest(lake.read(source.table), source) == digest(theirs, source)
        assert theirs.count() > 0
    assert {source.format for source in there} == {"csv", "json", "jsonl", "xml", "avro", "fixed", "parquet"}


@pytest.mark.spark
def test_small_files_hold_the_same_rows_for_both(spark: SparkSession, lake: Lakehouse, tmp_path: Path) -> None:
    small_files.make_files(tmp_path / "landing", 5)
    settings = Settings(home=tmp_path, landing=str(tmp_path / "landing"), state=str(tmp_path / "state"))

    small_files.ours(spark, settings, [small_files.TICKETS])
    small_files.peer(spark, settings, files_in_a_batch=2)

    source = small_files.TICKETS
    assert digest(lake.read(source.table), source) == digest(spark.table(source.name), source)
    assert spark.table(source.name).count() == 5 * small_files.ROWS


def test_the_page_says_how_many_times_faster_all_sources_and_small_files_are() -> None:
    twos, threes = dict.fromkeys(MEASURES, 2.0), dict.fromkeys(MEASURES, 3.0)
    about = {"date": "2024-06-30", "size": "full", "machine": {"cores": "2"}, "rows": 12345, "runs": 3, "aim": 5}
    jobs = {who: {"first": twos, "day": threes} for who in sources.CONTENDERS}
    times = {"ours is so many times faster": {who: {"first": 4.0, "day": 3.0} for who in sources.CONTENDERS}}
    files = {who: {**twos, "files_per_second": 1234.0} for who in small_files.CONTENDERS}
    faster = {"ours is so many times faster": {"peer": 6.0, "batches": 5.0, "tuned": 4.0, "ours": 1.0}}
    of_all = {"declared": 77, "sources": 76, "people": 2000, "files": {"first": 2940, "day": 44}}
    page = to_markdown(
        {
            "sources": {**about, **jobs, **times, **of_all},
            "small_files": {**about, **files, **faster, "files": 5000, "files_in_a_batch": 1000},
        }
    )

    assert "| first: wall, s | 2.00 | 2.00 | 2.00 |" in page
    assert "| day: ours is so many times faster | 3.00 | 3.00 | 3.00 |" in page
    assert "| day: wall, s | 3.00 | 3.00 | 3.00 |" in page
    assert (
        "Those 76 of a retailer's 77 sources that deliver something in 13 weeks of\n2,000 people: 12,345 rows" in page
    )
    assert "| files/s | 1,234 | 1,234 | 1,234 | 1,234 |" in page
    assert "| ours / it | 6.00 | 5.00 | 4.00 | 1.00 |" in page
