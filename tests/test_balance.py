"""What the simulator delivered is what bronze and quarantine hold, file by file, and every wart is accounted for."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bronze.ledger import FILES, LOADS, QUARANTINE
from bronze.registry import declared_sources
from bronze.sources.complete_journey.grocer import (
    CAMPAIGNS,
    COUPON_REDEMPTIONS,
    COUPONS,
    DEMOGRAPHICS,
    POS_TRANSACTIONS,
)
from lakehouse.tables import Table
from silver.tables import OFFERS, ORDER_LINES, REVISIONS
from simulator import warts
from simulator.warts import RawFile
from tests.faults.compare import GROCER, rows_of
from tests.small_lake import SmallLake

pytestmark = [pytest.mark.end_to_end, pytest.mark.spark, pytest.mark.timeout(1800)]

# How quarantine says what the simulator did. A reason is found by what it says.
SAID = {
    warts.TOO_FEW: r"expected \d+ fields, found",
    warts.TOO_MANY: r"expected \d+ fields, found",
    warts.TEXT: r"expected (bigint|decimal.*), found '(twelve|two dollars)'",
    warts.IMPOSSIBLE: r"transaction_timestamp: expected timestamp, found '2017-02-30",
    warts.NEGATIVE: r"quantity",
    warts.NO_HOUSEHOLD: r"household_id",
    warts.TORN_JSON: r"JSON",
    warts.NOT_JSON: r"JSON",
}


class Found:
    """The small lake's tables, and the manifest of its files."""

    def __init__(self, spark: SparkSession, small_lake: SmallLake) -> None:
        self.spark, self.home, self.manifest = spark, small_lake.finished, small_lake.manifest
        self.landed = first_of_each_content(self.manifest.files, small_lake.lake.landing)

    def rows(self, table: Table) -> DataFrame:
        return rows_of(self.spark, self.home, table)

    def count_by(self, rows: DataFrame, column: str) -> dict[str, int]:
        return {row[0]: row[1] for row in rows.groupBy(column).count().collect()}

    def file(self, name: str) -> RawFile:
        return next(file for file in self.manifest.files if file.path.endswith(name))

    def warts(self, kind: str) -> dict[str, int]:
        return {file.path: wart.count for file, wart in self.manifest.warts if wart.kind == kind}


@pytest.fixture(scope="module")
def found(spark: SparkSession, small_lake: SmallLake) -> Found:
    return Found(spark, small_lake)


@pytest.fixture(scope="module")
def refused(found: Found) -> list[Any]:
    return found.rows(QUARANTINE).collect()


def first_of_each_content(files: Sequence[RawFile], landing: Path) -> list[RawFile]:
    """The files that land: of those of one feed with the same bytes, the one that arrived first."""
    first: dict[tuple[str, bytes], RawFile] = {}
    for file in sorted(files, key=lambda file: (file.arrived_at, file.path)):
        first.setdefault((file.feed, (landing / file.path).read_bytes()), file)
    return list(first.values())


def without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def test_every_file_has_as_many_rows_in_bronze_as_were_delivered(found: Found) -> None:
    in_bronze: Counter[str] = Counter()
    for source in declared_sources(GROCER):
        in_bronze.update(found.count_by(found.rows(source.table), "_file"))

    assert dict(in_bronze) == without_zeros({file.path: file.rows for file in found.landed})


def test_every_broken_line_is_in_quarantine(found: Found, refused: list[Any]) -> None:
    by_file = Counter(row.file for row in refused)

    assert dict(by_file) == without_zeros({file.path: file.broken for file in found.landed})


@pytest.mark.parametrize("kind", SAID)
def test_every_kind_of_broken_line_is_refused_for_what_is_wrong_with_it(
    kind: str, found: Found, refused: list[Any]
) -> None:
    lines = {**warts.BROKEN_TRANSACTIONS, **warts.BROKEN_REDEMPTIONS}
    delivered = {line for broken in lines.values() for of_kind, line in broken if of_kind == kind}
    reasons = {row.raw: "; ".join(row.reasons) for row in refused if row.raw in delivered}

    assert len(delivered) == sum(found.warts(kind).values())
    assert reasons.keys() == delivered
    assert [each for each in reasons.values() if not re.search(SAID[kind], each)] == []


def test_every_file_is_known_and_every_load_has_landed(found: Found) -> None:
    expected: dict[str, tuple[int, ...]] = dict.fromkeys(found.manifest.totals, (0, 0, 0))
    for file in found.landed:
        files, rows, broken = expected[file.feed]
        expected[file.feed] = (files + 1, rows + file.rows, broken + file.broken)
    loads = {row.source: (row.files, row.rows, row.quarantined) for row in found.rows(LOADS).collect()}

    known = found.count_by(found.rows(FILES), "file")
    assert known == {file.path: 1 for file in found.manifest.files}
    assert loads == expected
    assert found.count_by(found.rows(LOADS), "status").keys() == {"landed"}


def test_a_file_that_says_what_another_said_is_known_and_does_not_land(found: Found) -> None:
    same = {row.file: row.same_as for row in found.rows(FILES).where("same_as IS NOT NULL").collect()}
    again = {file.path for file in found.manifest.files} - {file.path for file in found.landed}

    assert same.keys() == again
    assert {file.path for file in found.manifest.files if file.repeated} <= again
    landing = {file.path: file.bytes for file in found.manifest.files}
    assert all(landing[file] == landing[first] for file, first in same.items())


def test_a_file_of_no_bytes_is_known(found: Found) -> None:
    empty = {file.path for file in found.manifest.files if not file.bytes}
    assert empty

    assert empty - found.count_by(found.rows(FILES), "file").keys() == set()


def test_a_day_that_was_sent_again_is_there_once_in_silver(found: Found) -> None:
    total = found.manifest.totals[POS_TRANSACTIONS.name]
    assert total["repeated"] > 0

    keys = found.rows(POS_TRANSACTIONS.table).select(*POS_TRANSACTIONS.key).distinct().count()
    lines = found.rows(ORDER_LINES)

    assert lines.count() == keys == total["rows"] - total["repeated"]
    assert found.rows(REVISIONS).where(f"table_name = '{ORDER_LINES.name}'").count() == 0  # it said the same


def test_a_file_that_came_late_is_learned_of_late(found: Found) -> None:
    late = found.file(f"transactions_{warts.LATE_DAY}.csv")
    assert (late.arrived_at.date() - warts.LATE_DAY).days == 11

    day = found.rows(ORDER_LINES).where(F.to_date("ordered_at") == F.lit(warts.LATE_DAY))
    learned = day.agg(F.count("*"), F.min("learned_at").cast("double"), F.max("learned_at").cast("double")).first()

    assert learned is not None
    assert tuple(learned) == (late.rows, late.arrived_at.timestamp(), late.arrived_at.timestamp())


@pytest.mark.parametrize(
    ("source", "wart", "name"),
    [
        (POS_TRANSACTIONS, "undeclared column till_id", "till_id"),
        (COUPON_REDEMPTIONS, "undeclared field channel", "channel"),
    ],
    ids=["till_id", "channel"],
)
def test_what_no_one_declared_is_rescued(source: Any, wart: str, name: str, found: Found) -> None:
    rows = found.rows(source.table)
    rescued = rows.where(F.get_json_object("_rescued", f"$.{name}").isNotNull())

    assert found.count_by(rescued, "_file") == without_zeros(found.warts(wart))
    assert rows.where("_rescued IS NOT NULL").count() == rescued.count()


def test_a_resend_without_rows_is_a_file_that_was_seen(found: Found) -> None:
    (path,) = found.warts("no rows")

    assert path == f"pos/transactions/transactions_{warts.EMPTY_RESEND_DAY}_resend.csv"
    assert found.rows(FILES).where(F.col("file") == path).count() == 1
    assert found.rows(POS_TRANSACTIONS.table).where(F.col("_file") == path).count() == 0


def test_the_last_line_counts_without_its_newline(found: Found) -> None:
    file = found.file(f"transactions_{warts.NO_FINAL_NEWLINE_DAY}.csv")
    last = found.rows(POS_TRANSACTIONS.table).where(F.col("_file") == file.path).agg(F.max("_position")).first()

    assert last is not None and last[0] == 1 + file.rows  # the header is line 1
    assert [wart.kind for wart in file.warts] == ["no final newline"]


def test_a_byte_order_mark_is_no_part_of_the_header(found: Found) -> None:
    ((path, _),) = found.warts("byte order mark").items()
    campaigns = found.rows(CAMPAIGNS.table).where(F.col("_file") == path)

    assert campaigns.where("campaign_id IS NOT NULL AND _rescued IS NULL").count() == found.file(path).rows > 0


def test_a_blank_line_is_no_row(found: Found, refused: list[Any]) -> None:
    ((path, blank),) = found.warts("blank line").items()

    assert (blank, found.file(path).blank) == (1, 1)
    assert [row for row in refused if row.file == path] == []


def test_the_vendors_line_ends_and_missing_values_do_not_reach_the_values(found: Found) -> None:
    people = found.rows(DEMOGRAPHICS.table)
    texts = [name for name, field in DEMOGRAPHICS.columns.items() if field.type == "string"]
    is_odd = " OR ".join(f"{name} LIKE '%\\r%' OR {name} = 'n/a'" for name in texts)

    assert people.where(is_odd).count() == 0
    assert people.where(" OR ".join(f"{name} IS NULL" for name in texts)).count() > 0


def test_coupons_that_are_listed_twice_are_one_offer(found: Found) -> None:
    twice = sum(found.warts("duplicate rows").values())
    coupons = found.rows(COUPONS.table)
    offers = found.rows(OFFERS).where("kind = 'coupon'").count()

    assert twice > 0
    assert offers == coupons.select(*COUPONS.key).distinct().count() == coupons.count() - twice
