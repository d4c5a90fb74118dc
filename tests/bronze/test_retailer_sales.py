"""The declarations of tills, shop, CRM, loyalty, catalogue, stores, carriers and finance; and of all together."""

from datetime import timedelta

import pytest

from bronze.registry import declared_sources
from bronze.source import Source
from silver.conformed import check_feeds
from simulator.feeds.systems import FEEDS

SALES = {
    "crm": ("accounts", "contacts", "consents", "cases", "notes", "household_links"),
    "shop": (
        "customers", "orders", "order_lines", "payments", "refunds", "carts", "wishlists", "reviews", "gift_cards",
    ),
    "pos": ("tickets", "ticket_lines", "tenders", "returns", "store_visits", "appointments"),
    "loyalty": ("members", "accruals", "redemptions", "tiers", "rewards"),
    "catalog": ("products", "categories", "prices", "promotions", "inventory"),
    "stores": ("stores", "opening_hours"),
    "logistics": ("shipments", "deliveries", "exceptions"),
    "finance": ("card_transactions", "credit_applications", "chargebacks", "invoices"),
}  # fmt: skip
NAMES = [f"{system}_{feed}" for system, feeds in SALES.items() for feed in feeds]
SOURCES = {source.name: source for source in declared_sources()}
PERSONAL = (
    "first_name", "last_name", "middle", "suffix", "birth_date", "born", "email", "phone", "mobile", "street", "zip",
    "city", "postal_code", "postcode", "Email", "Vorname", "Nachname", "Strasse", "PLZ", "Ort", "Telefon", "holder",
    "surname", "forename", "contact_name", "contact_phone", "bought_by", "author", "last_four",
)  # fmt: skip
OF_THINGS = {("stores_stores", "phone"), ("stores_stores", "city"), ("crm_notes", "author")}
SENSITIVE = ("income_band", "marital_status", "decision")


@pytest.fixture(params=NAMES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]


def test_what_is_simulated_is_declared() -> None:
    assert {feed.name for feed in FEEDS} - SOURCES.keys() == set()
    assert len(FEEDS) == 77


def test_every_column_says_what_it_means(source: Source) -> None:
    assert source.doc.endswith(".")
    assert [name for name, column in source.columns.items() if not column.doc.endswith((".", "..."))] == []


def test_what_tells_of_a_person_is_classed_so(source: Source) -> None:
    columns = {name: f.privacy for name, f in source.columns.items() if (source.name, name) not in OF_THINGS}

    assert {columns[name] for name in PERSONAL if name in columns} <= {"personal"}
    assert {columns[name] for name in SENSITIVE if name in columns} <= {"sensitive"}


def test_things_are_not_classed_as_people() -> None:
    of_things = [SOURCES[name] for name in NAMES if name.startswith(("catalog", "stores"))]

    assert {column.privacy for source in of_things for column in source.columns.values()} == {"none"}


def test_the_feeds_fit_silver() -> None:
    check_feeds(list(SOURCES.values()))


def test_lines_of_all_sales_channels_come_together() -> None:
    feeding = {source.name for source in SOURCES.values() for feed in source.feeds if feed.to == "silver.order_lines"}

    assert feeding >= {"pos_ticket_lines", "shop_order_lines", "partners_marketplace_orders"}


def test_no_file_belongs_to_two_sources() -> None:
    places = [(source.folder, source.glob) for source in SOURCES.values()]

    assert len({folder for folder, _ in places}) == len(places)


def test_every_format_delivery_and_clock_occurs_more_than_once() -> None:
    def most(of: str) -> dict[str, int]:
        found = [getattr(source, of) for source in SOURCES.values()]
        return {each: found.count(each) for each in set(found)}

    assert min(most("format").values()) >= 3
    assert most("format").keys() == {"csv", "jsonl", "json", "xml", "avro", "fixed", "parquet"}
    assert min(most("delivery").values()) >= 3
    assert most("delivery").keys() == {"append", "snapshot", "changes"}
    assert len(most("timezone")) >= 6


def test_every_dialect_of_csv_occurs() -> None:
    options = [source.options for source in SOURCES.values() if source.format == "csv"]

    assert {each.get("sep", ",") for each in options} >= {",", ";", "\t", "|"}
    assert {each.get("encoding", "utf-8") for each in options} >= {"utf-8", "utf-16", "cp1252", "latin-1"}
    assert {"true"} == {each["multiline"] for each in options if "multiline" in each}


def test_every_style_of_time_occurs() -> None:
    patterns = {column.pattern for source in SOURCES.values() for column in source.columns.values()}

    assert {None, "epoch_s", "epoch_ms", "dd.MM.yyyy HH:mm:ss", "MM/dd/yyyy hh:mm a", "dd/MM/yy"} <= patterns


def test_files_come_by_the_minute_hour_day_month_and_year() -> None:
    assert {feed.every for feed in FEEDS} == {"minute", "hour", "day", "month", "year"}
    for feed in FEEDS:
        assert (SOURCES[feed.name].fresh_within > timedelta(days=365)) == (feed.every == "year"), feed.name
    assert sum(feed.is_zipped for feed in FEEDS) >= 5
