"""The raw files of The Complete Journey: read back here by plain means, and balanced against the package's tables."""

import csv
import gzip
import json
import os
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from simulator import complete_journey
from simulator.cli import app
from simulator.complete_journey import manifest_path, package_file, write
from simulator.warts import BROKEN_TRANSACTIONS, Manifest

HOUSEHOLDS = 40
TABLES = {
    "pos_transactions": "transactions",
    "promotions": "promotions",
    "coupon_redemptions": "coupon_redemptions",
    "coupons": "coupons",
    "demographics": "demographics",
    "products": "products",
    "campaigns": "campaign_descriptions",
    "mailings": "campaigns",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    landing = tmp_path_factory.mktemp("small") / "landing"
    return landing, write(landing, households=HOUSEHOLDS, promotion_weeks=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    landing = tmp_path_factory.mktemp("whole") / "landing"
    return landing, write(landing)


def files_under(landing: Path) -> list[str]:
    return sorted(str(path.relative_to(landing)) for path in landing.rglob("*") if path.is_file())


def untouched(landing: Path) -> dict[str, tuple[int, int, int]]:
    """What changes in a file's inode when it is written, replaced, or given another time."""
    stats = {path: (landing.parent / path).stat() for path in files_under(landing.parent)}
    return {path: (found.st_ino, found.st_mtime_ns, found.st_ctime_ns) for path, found in stats.items()}


def contents(landing: Path) -> dict[str, tuple[bytes, int]]:
    return {path: ((landing / path).read_bytes(), (landing / path).stat().st_mtime_ns) for path in files_under(landing)}


def lines(landing: Path, path: str) -> list[str]:
    data = (landing / path).read_bytes()
    return (gzip.decompress(data) if path.endswith(".gz") else data).decode("latin-1").splitlines()


def records(landing: Path, feed: str, path: str) -> int:
    """The records in a file, good or broken; a blank line is none."""
    if feed == "promotions":
        return pq.ParquetFile(landing / path).metadata.num_rows
    if feed == "products":
        return len(json.loads((landing / path).read_bytes())["products"])
    header = 0 if ".jsonl" in path else 1
    return sum(1 for line in lines(landing, path) if line) - header


def test_the_good_rows_are_the_rows_of_the_package(whole):
    _, manifest = whole
    good = {feed: total["rows"] - total["repeated"] for feed, total in manifest.totals.items()}

    assert good == {feed: pq.ParquetFile(package_file(table)).metadata.num_rows for feed, table in TABLES.items()}


def test_the_manifest_has_every_file_and_its_size_and_its_records(whole):
    landing, manifest = whole

    assert sorted(file.path for file in manifest.files) == files_under(landing)
    for file in manifest.files:
        assert (landing / file.path).stat().st_size == file.bytes, file.path
        assert records(landing, file.feed, file.path) == file.rows + file.broken, file.path


def test_the_feeds_have_a_file_per_delivery(whole):
    _, manifest = whole

    assert {feed: total["files"] for feed, total in manifest.totals.items()} == {
        "pos_transactions": 365 + 2,
        "promotions": 53,
        "coupon_redemptions": 12,
        "coupons": 27,
        "demographics": 2,
        "products": 1,
        "campaigns": 13,
        "mailings": 27,
    }


def test_every_promotion_is_in_the_file_of_its_week(whole):
    landing, manifest = whole
    weeks = [pq.read_table(landing / file.path, columns=["week"])["week"] for file in manifest.of("promotions")]

    assert [pc.unique(week).to_pylist() for week in weeks] == [[week] for week in range(1, 54)]


def test_promotions_arrive_before_the_first_sale_of_their_week(whole):
    _, manifest = whole
    sales = pq.read_table(package_file("transactions"), columns=["week", "transaction_timestamp"])
    first_sales = sales.group_by("week").aggregate([("transaction_timestamp", "min")]).sort_by("week")
    first_days = [first.date() for first in first_sales["transaction_timestamp_min"].to_pylist()]

    days_ahead = [
        (day - file.arrived_at.date()).days for day, file in zip(first_days, manifest.of("promotions"), strict=True)
    ]

    assert days_ahead == [1] * 52 + [2]  # the stores were closed on Monday the 25th of December


def test_the_sales_are_those_of_the_package_to_the_cent(small):
    landing, manifest = small
    broken = {line for of_day in BROKEN_TRANSACTIONS.values() for _, line in of_day}
    found = []
    for file in manifest.of("pos_transactions"):
        if not file.repeated:
            rows = csv.reader(line for line in lines(landing, file.path)[1:] if line not in broken)
            found += [tuple(row[:11]) for row in rows]
    table = pq.read_table(package_file("transactions"))
    table = table.filter(pc.is_in(table["household_id"], pc.unique(table["household_id"]).sort()[:HOUSEHOLDS]))
    expected = [
        tuple(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values())
        for row in table.to_pylist()
    ]

    assert found == expected


def test_coupons_keep_the_duplicates_of_the_package(whole):
    landing, manifest = whole
    rows = Counter(line for file in manifest.of("coupons") for line in lines(landing, file.path)[1:])

    assert sum(rows.values()) - len(rows) == 4_872
    assert sum(wart.count for _, wart in manifest.warts if wart.kind == "duplicate rows") == 4_872


def test_nested_feeds_have_their_values(small):
    landing, manifest = small
    (catalog,) = manifest.of("products")
    document = json.loads((landing / catalog.path).read_bytes())
    redemption = json.loads(lines(landing, "coupons/redemptions/redemptions_2017-09.jsonl")[0])

    assert document["exported_at"] == "2017-01-01T00:00:00Z"
    assert document["products"][0] == {
        "product_id": 25671,
        "manufacturer_id": 2,
        "department": "GROCERY",
        "brand": "National",
        "category": {"name": "FRZN ICE", "type": "ICE - CRUSHED/CUBED"},
        "package_size": "22 LB",
    }
    assert redemption == {
        "household": {"id": 40},
        "coupon": {"upc": "10000089098", "campaign": 13},
        "redeemed_on": "2017-09-01",
        "channel": "app",
    }


def test_files_are_as_old_as_their_arrival(small):
    landing, manifest = small

    for file in manifest.files:
        assert datetime.fromtimestamp((landing / file.path).stat().st_mtime, UTC) == file.arrived_at, file.path


@pytest.mark.parametrize(
    ("path", "arrived_at"),
    [
        ("pos/transactions/transactions_2017-01-01.csv", datetime(2017, 1, 2, 3, 10)),
        ("pos/transactions/transactions_2017-03-14_resend.csv", datetime(2017, 3, 19, 3, 10)),
        ("pos/transactions/transactions_2017-07-03.csv", datetime(2017, 7, 14, 3, 10)),
        ("merchandising/promotions/promotions_week_01.parquet", datetime(2016, 12, 31, 2, 0)),
        ("merchandising/promotions/promotions_week_02.parquet", datetime(2017, 1, 1, 2, 0)),
        ("coupons/redemptions/redemptions_2017-12.jsonl", datetime(2018, 1, 1, 4, 0)),
        ("coupons/coupons/coupons_c01.csv.gz", datetime(2017, 3, 2, 5, 0)),
        ("crm/demographics/demographics_2017.csv", datetime(2017, 1, 1, 6, 0)),
        ("crm/demographics/demographics_2017_redelivered.csv", datetime(2017, 7, 1, 6, 0)),
        ("catalog/products/products.json", datetime(2017, 1, 1, 1, 0)),
        ("marketing/campaigns/campaigns_2016-11.csv", datetime(2016, 11, 7, 8, 0)),
        ("marketing/mailings/mailing_2017-03-03_c01.jsonl.gz", datetime(2017, 3, 3, 9, 0)),
    ],
)
def test_when_a_file_arrives(small, path, arrived_at):
    _, manifest = small
    arrivals = {file.path: file.arrived_at for file in manifest.files}

    assert arrivals[path] == arrived_at.replace(tzinfo=UTC)


def test_the_warts_are_in_the_files(whole):
    """Each kind of wart is counted in the file, by a rule of its own, and agrees with the manifest."""
    landing, manifest = whole

    def is_number(value: str) -> bool:
        return value.replace(".", "", 1).replace("-", "", 1).isdigit()

    def widths(path: str) -> list[int]:
        """By line: how many fields it has more than the header."""
        counts = [line.count(",") for line in lines(landing, path)]
        return [count - counts[0] for count in counts]

    def complete(path: str) -> list[list[str]]:
        rows = zip(lines(landing, path), widths(path), strict=True)
        return [line.split(",") for line, width in rows if width == 0][1:]

    def is_json(line: str) -> bool:
        try:
            json.loads(line)
        except ValueError:
            return False
        return True

    def raw(path: str) -> bytes:
        return (landing / path).read_bytes()

    def duplicates(path: str) -> int:
        return len(lines(landing, path)) - len(set(lines(landing, path)))

    count = {
        "too few fields": lambda p: sum(width < 0 for width in widths(p)),
        "too many fields": lambda p: sum(width > 0 for width in widths(p)),
        "text for a number": lambda p: sum(not all(map(is_number, row[4:10])) for row in complete(p)),
        "impossible date": lambda p: sum(row[10].startswith("2017-02-30") for row in complete(p)),
        "negative quantity": lambda p: sum(row[4].startswith("-") for row in complete(p)),
        "no household": lambda p: (
            sum("household" not in json.loads(line) for line in lines(landing, p))
            if p.endswith(".jsonl")
            else sum(row[0] == "" for row in complete(p))
        ),
        "truncated JSON": lambda p: sum(x.startswith("{") and not is_json(x) for x in lines(landing, p)),
        "not JSON": lambda p: sum(not x.startswith("{") for x in lines(landing, p)),
        "undeclared column till_id": lambda p: sum(
            len(row) == 12 and row[11][0] == "T" and row[0] != "" and not row[10].startswith("2017-02-30")
            for row in complete(p)
        ),
        "undeclared field channel": lambda p: sum(json.loads(x).get("channel") == "app" for x in lines(landing, p)),
        "ten days late": lambda p: int(
            (landing / p).stat().st_mtime == datetime(2017, 7, 14, 3, 10, tzinfo=UTC).timestamp()
        ),
        "no final newline": lambda p: int(not raw(p).endswith(b"\n")),
        "no rows": lambda p: int(len(lines(landing, p)) == 1),
        "re-delivered": lambda p: (
            (len(lines(landing, p)) - 1) * (raw(p) == raw(p.replace("_resend", "").replace("_redelivered", "")))
        ),
        "CRLF line ends": lambda p: raw(p).count(b"\r\n"),
        "byte order mark": lambda p: raw(p).count(b"\xef\xbb\xbf"),
        "blank line": lambda p: sum(line == "" for line in lines(landing, p)),
        "duplicate rows": duplicates,
    }

    assert {wart.kind for _, wart in manifest.warts} == set(count)
    for file, wart in manifest.warts:
        assert count[wart.kind](file.path) == wart.count, (file.path, wart)


def test_how_many_warts_there_are(whole):
    _, manifest = whole
    files = Counter(wart.kind for _, wart in manifest.warts)
    counts = Counter()
    for _, wart in manifest.warts:
        counts[wart.kind] += wart.count

    assert {kind: (files[kind], counts[kind]) for kind in files} == {
        "too few fields": (2, 2),
        "too many fields": (2, 2),
        "text for a number": (2, 2),
        "impossible date": (2, 2),
        "negative quantity": (2, 2),
        "no household": (3, 3),
        "truncated JSON": (1, 1),
        "not JSON": (1, 1),
        "undeclared column till_id": (122, 492_763),
        "undeclared field channel": (5, 1_517),
        "re-delivered": (2, 3_462 + 801),
        "ten days late": (1, 1),
        "no rows": (1, 1),
        "no final newline": (1, 1),
        "CRLF line ends": (2, 2 * 802),
        "byte order mark": (1, 1),
        "blank line": (1, 1),
        "duplicate rows": (7, 4_872),
    }
    assert sum(file.broken for file in manifest.of("pos_transactions")) == 12
    assert sum(file.broken for file in manifest.of("coupon_redemptions")) == 3
    assert sum(file.blank for file in manifest.files) == 1


def test_broken_records_are_all_explained(whole):
    _, manifest = whole
    of_lines = {kind for of_day in BROKEN_TRANSACTIONS.values() for kind, _ in of_day} | {"truncated JSON", "not JSON"}

    for file in manifest.files:
        assert sum(wart.count for wart in file.warts if wart.kind in of_lines) == file.broken, file.path


def test_two_folders_are_the_same_to_the_byte_and_second(small, tmp_path):
    landing, manifest = small
    again = write(tmp_path / "landing", households=HOUSEHOLDS, promotion_weeks=2)

    assert contents(tmp_path / "landing") == contents(landing)
    assert again == manifest
    assert manifest_path(tmp_path / "landing").read_bytes() == manifest_path(landing).read_bytes()


@pytest.mark.parametrize("manifest_is_lost", [False, True])
def test_a_second_write_touches_nothing(tmp_path, manifest_is_lost):
    landing = tmp_path / "lake" / "landing"
    first = write(landing, households=5, promotion_weeks=1)
    if manifest_is_lost:
        manifest_path(landing).rename(tmp_path / "lost.json")
    before = untouched(landing)

    assert write(landing, households=5, promotion_weeks=1) == first
    after = untouched(landing)
    assert {path: after[path] for path in before} == before


def test_a_damaged_or_lost_file_is_made_whole(tmp_path):
    landing = tmp_path / "landing"
    write(landing, households=5, promotion_weeks=2)
    whole = contents(landing)
    torn = landing / "pos/transactions/transactions_2017-02-01.csv"
    modified_ns = torn.stat().st_mtime_ns
    torn.write_bytes(torn.read_bytes()[:100])
    os.utime(torn, ns=(modified_ns, modified_ns))
    (landing / "merchandising/promotions/promotions_week_02.parquet").unlink()

    write(landing, households=5, promotion_weeks=2)

    assert contents(landing) == whole


def test_until_has_what_had_arrived_by_the_end_of_the_day(small, tmp_path):
    _, everything = small
    until = date(2017, 7, 13)
    landing = tmp_path / "landing"
    manifest = write(landing, households=HOUSEHOLDS, promotion_weeks=2, until=until)

    assert files_under(landing) == sorted(f.path for f in everything.files if f.arrived_at.date() <= until)
    assert files_under(landing) == sorted(f.path for f in manifest.files)
    assert not (landing / "pos/transactions/transactions_2017-07-03.csv").exists()
    assert (landing / "pos/transactions/transactions_2017-07-12.csv").exists()
    assert not (landing / "pos/transactions/transactions_2017-07-13.csv").exists()


def test_day_by_day_ends_where_all_at_once_does(small, tmp_path):
    whole, _ = small
    landing = tmp_path / "landing"
    for until in (date(2017, 1, 31), date(2017, 7, 13), date(2017, 7, 14), None):
        write(landing, households=HOUSEHOLDS, promotion_weeks=2, until=until)

    assert contents(landing) == contents(whole)


def test_households_are_the_first_by_id(small):
    landing, manifest = small
    mailed = {
        json.loads(line)["household_id"]
        for file in manifest.of("mailings")
        for line in lines(landing, file.path)
        if line
    }
    asked = {int(line.split(";")[0]) for line in lines(landing, "crm/demographics/demographics_2017.csv")[1:]}

    assert mailed | asked <= set(range(1, HOUSEHOLDS + 2))  # 2,469 ids of 2,500 are in use
    assert manifest.totals["products"]["rows"] == 92_331


def test_another_set_of_households_needs_another_folder(tmp_path):
    write(tmp_path / "landing", households=2, promotion_weeks=0)

    with pytest.raises(ValueError, match="households: expected 2, as its files have; found all"):
        write(tmp_path / "landing", promotion_weeks=0)


def test_no_unfinished_file_is_left(small):
    landing, _ = small

    assert [path for path in files_under(landing) if Path(path).name.startswith(".")] == []


def test_the_manifest_survives_its_file(small):
    landing, manifest = small

    assert Manifest.from_json(manifest_path(landing).read_bytes()) == manifest


def test_the_command_prints_a_line_per_feed(tmp_path):
    landing = tmp_path / "landing"
    arguments = ["complete-journey", "--landing", str(landing), "--households", "3", "--no-promotions"]
    printed = CliRunner().invoke(app, arguments).stdout.splitlines()

    assert [line.split()[0] for line in printed] == ["feed", *(feed for feed in TABLES if feed != "promotions")]
    assert CliRunner().invoke(app, [*arguments, "--quiet"]).stdout == ""


def test_the_command_says_what_is_wrong(tmp_path):
    landing = tmp_path / "landing"
    arguments = ["complete-journey", "--landing", str(landing), "--no-promotions", "--quiet"]
    CliRunner().invoke(app, [*arguments, "--households", "3"])
    refused = CliRunner().invoke(app, [*arguments, "--households", "4"])

    assert refused.exit_code == 1
    assert "found 4" in refused.stderr


def test_money_has_two_decimals(small):
    landing, _ = small
    row = lines(landing, "pos/transactions/transactions_2017-01-03.csv")[1].split(",")

    assert all(str(Decimal(value).quantize(Decimal("0.01"))) == value for value in row[5:9])
    assert complete_journey.MONEY == ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
