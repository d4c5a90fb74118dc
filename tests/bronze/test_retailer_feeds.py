"""What the declared sources tell silver: every feed in Spark, and the rules that a feed could have wrong."""

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import reduce
from hashlib import sha256
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from bronze.registry import declared_sources
from bronze.source import LINEAGE, Feed, Source
from lakehouse.rules import OneOf
from lakehouse.tables import Table, conform
from lakehouse.types import data_type
from silver.deliveries import spelled
from silver.tables import CONFORMED
from tests.faults.compare import GROCER

RETAILER = declared_sources()
SOURCES = {source.name: source for source in RETAILER}
TABLES = {table.name: table for table in CONFORMED}
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
OF_TYPE: dict[type[T.DataType], Any] = {
    T.StringType: "7", T.BooleanType: True, T.DoubleType: 1.0, T.DecimalType: Decimal(1),
    T.ShortType: 1, T.IntegerType: 1, T.LongType: 1, T.DateType: date(2024, 7, 1), T.TimestampType: NOON,
}  # fmt: skip
TOLD_OTHERWISE = {
    "coalesce(concat('loyalty/', loyalty_no), concat('pos/', ticket_no))",  # a ticket without a number is nobody's
    "coalesce(concat('shop/session/', session), concat('shop/', customer_no))",  # each is told, by a feed of its own
    "coalesce(concat('shop/', customer_no), concat('shop/guest/', order_no))",  # the order tells it, in German
}

Told = Callable[..., list[Row]]


def schema(source: Source) -> T.StructType:
    columns = {name: f.type for name, f in source.columns.items()} | {name: c.type for name, c in LINEAGE.items()}
    return T.StructType([T.StructField(name, data_type(type_)) for name, type_ in columns.items()])


def full_rows(source: Source) -> list[dict[str, Any]]:
    """A value in each column; of a column that has few, each of them."""
    few = {rule.column: rule.values for rule in source.rules if isinstance(rule, OneOf)}
    plain = {field.name: OF_TYPE.get(type(field.dataType)) for field in schema(source)}
    return [
        plain | {name: values[at % len(values)] for name, values in few.items()}
        for at in range(max([1, *map(len, few.values())]))
    ]


def bare_row(source: Source) -> dict[str, Any]:
    """Nothing but what a row must have."""
    must = {*source.key, *(name for name, f in source.columns.items() if f.required)}
    return {name: value for name, value in full_rows(source)[0].items() if name in must or name in LINEAGE}


def frame(spark: SparkSession, source: Source, rows: list[dict[str, Any]]) -> DataFrame:
    return spark.createDataFrame(
        [tuple(row.get(name) for name in schema(source).names) for row in rows], schema(source)
    )


def fed(rows: DataFrame, feed: Feed, table: Table) -> DataFrame:
    """What a feed says of its table."""
    kept = rows.where(feed.where) if feed.where else rows
    said = (F.expr(value).alias(name) for name, value in spelled(feed, table).items())
    return kept.select(*said, F.lit(NOON).alias("learned_at"))


@pytest.fixture
def told(spark: SparkSession) -> Told:
    """What a row of a source tells silver's table, by all of its feeds."""

    def told_of(source: str, table: str, **row: Any) -> list[Row]:
        rows = frame(spark, SOURCES[source], [row])
        feeds = [feed for feed in SOURCES[source].feeds if feed.to == table]
        return [found for feed in feeds for found in fed(rows, feed, TABLES[table]).collect()]

    return told_of


@pytest.mark.parametrize("table", CONFORMED, ids=lambda table: table.name)
def test_every_feed_makes_rows_that_its_table_takes(spark: SparkSession, table: Table) -> None:
    """Of rows that have all that they can have, and of rows that have the least."""
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
    said = [
        fed(frame(spark, source, [*full_rows(source), bare_row(source)]), feed, table)
        for source in [*RETAILER, *declared_sources(GROCER)]
        for feed in source.feeds
        if feed.to == table.name
    ]
    rows = reduce(DataFrame.union, said).transform(conform, table)

    broken = [F.expr(f"NOT ({rule.sql})").alias(rule.name) for rule in table.all_rules]
    found = rows.select(F.struct(*broken).alias("broken"), F.to_json(F.struct(*table.columns)).alias("row")).collect()
    assert [(name, each.row) for each in found for name, is_broken in each.broken.asDict().items() if is_broken] == []


def test_whoever_a_feed_names_is_a_party_of_some_feed() -> None:
    named, parties = (
        {
            feed.columns["party_id"]
            for source in RETAILER
            for feed in source.feeds
            if "party_id" in feed.columns and (feed.to == "silver.parties") == is_party
        }
        for is_party in (False, True)
    )

    assert named - parties == TOLD_OTHERWISE


def test_all_that_tell_of_one_kind_of_party_say_one_source() -> None:
    said = defaultdict(set)
    for source in RETAILER:
        for feed in source.feeds:
            if feed.to == "silver.parties":
                (kind, *_) = re.findall(r"'([^']+)/'", feed.columns["party_id"])
                said[kind].add(feed.columns["source"])

    assert {kind: sources for kind, sources in said.items() if len(sources) > 1} == {}


def test_a_source_says_what_it_feeds_or_that_it_is_bronze_only() -> None:
    said = {source.name: "Bronze only:" in source.doc for source in RETAILER}

    assert {name for name, is_bronze_only in said.items() if is_bronze_only == bool(SOURCES[name].feeds)} == set()


@pytest.mark.parametrize(("type_", "column", "other"), [("email", "email", "phone"), ("phone", "phone", "email")])
def test_a_contact_is_a_party_that_names_its_account(told: Told, type_: str, column: str, other: str) -> None:
    (row,) = told("crm_contacts", "silver.parties", ContactId="003A", AccountId="001B", Type=type_, Value=" a@b.c ")

    assert (row.party_id, row.known_as) == ("crm/contact/003A", "crm/001B")
    assert (row[column], row[other]) == ("a@b.c", None)


@pytest.mark.parametrize(
    ("source", "row", "party", "known_as"),
    [
        ("web_sessions", {"cookie_id": "c", "customer_no": "9"}, "web/c", "shop/9"),
        ("web_sessions", {"cookie_id": "c"}, "web/c", None),
        ("web_page_views", {"cookie_id": "c", "customer_no": "9", "page_type": "product"}, "web/c", "shop/9"),
        ("app_events", {"device_id": "d", "customer_no": "9", "name": "wish"}, "app/d", "shop/9"),
        ("app_push_tokens", {"token": "t", "device_id": "d"}, "push/t", "app/d"),
        ("onsite_impressions", {"visitor_kind": "cookie", "visitor_id": "c"}, "onsite/cookie/c", "web/c"),
        ("onsite_impressions", {"visitor_kind": "device", "visitor_id": "d"}, "onsite/device/d", "app/d"),
        ("onsite_clicks", {"visitor_kind": "customer", "visitor_id": "9"}, "onsite/customer/9", "shop/9"),
        ("ads_clicks", {"cookie_id": "c"}, "ads/c", "web/c"),
        ("crm_cases", {"case_id": "5", "account_id": "1", "order_ref": "SO-1"}, "crm/case/5", "crm/1"),
        ("crm_consents", {"consent_id": "u", "email": "a@b.c"}, "crm/consent/u", None),
        ("care_chats", {"chat_id": "h", "customer_no": "9"}, "care/chat/h", "shop/9"),
        ("shop_reviews", {"review_id": "r", "order_no": "SO-1"}, "shop/review/r", None),
        ("logistics_shipments", {"shipment": "s", "order": "SO-1"}, "logistics/s", None),
    ],
)
def test_a_party_is_known_as_whom_its_source_says(
    told: Told, source: str, row: dict, party: str, known_as: str | None
) -> None:
    found = told(source, "silver.parties", **row)

    assert [(each.party_id, each.known_as) for each in found] == [(party, known_as)]


@pytest.mark.parametrize(("customer", "party"), [(9, "shop/9"), (None, "shop/guest/SO-1")])
def test_an_order_is_of_its_account_or_of_its_guest_and_so_is_its_visit(
    told: Told, customer: int | None, party: str
) -> None:
    order = {"Bestellnummer": "SO-1", "Kundennummer": customer, "Vorname": "Ann", "Land": " ", "Sitzung": "v"}
    buyer, visit = told("shop_orders", "silver.parties", **order)

    assert (buyer.party_id, buyer.given_name, buyer.country, buyer.known_as) == (party, "Ann", None, None)
    assert (visit.party_id, visit.known_as) == ("shop/session/v", party)


def test_cents_become_money_and_a_card_is_one_party_wherever_it_paid(told: Told) -> None:
    (at_till,) = told("pos_tenders", "silver.payments", ticket=4, kind="CARD", amount=1999, card_token="tok")
    (in_shop,) = told(
        "shop_payments", "silver.payments", id="p", order="SO-1", method="card", amount=5, card_token="tok"
    )
    (cash,) = told("pos_tenders", "silver.payments", ticket=4, kind="CASH", amount=100)
    (holder,) = told("finance_card_transactions", "silver.parties", token="tok", holder="ANN LEE", amount_minor=5)

    assert (at_till.order_id, at_till.method, at_till.amount) == ("pos/4", "card", Decimal("19.99"))
    assert (in_shop.order_id, in_shop.amount) == ("shop/SO-1", Decimal("0.05"))
    assert (cash.party_id, cash.method, cash.amount) == (None, "cash", Decimal("1.00"))
    assert at_till.party_id == in_shop.party_id == holder.party_id == "card/tok"
    assert (holder.source, holder.full_name) == ("card", "ANN LEE")


@pytest.mark.parametrize(
    ("receipt", "order"), [("SO-1", "shop/SO-1"), ("194280440592", "pos/194280440592"), (None, None)]
)
def test_points_are_of_the_order_on_the_receipt(told: Told, receipt: str | None, order: str | None) -> None:
    (row,) = told("loyalty_accruals", "silver.interactions", accrual_id="AC1", member_no=6, receipt=receipt)

    assert (row.kind, row.party_id, row.order_id) == ("earned points", "loyalty/6", order)


def test_a_message_has_one_number_from_its_sending_on(told: Told) -> None:
    sent, opened, clicked, bounced, left = (
        told(f"email_{feed}", "silver.interactions", message_id="m", event_id="e", subscriber_key="S")[0]
        for feed in ("sends", "opens", "clicks", "bounces", "unsubscribes")
    )
    (replied,) = told("sms_replies", "silver.interactions", reply_id="r", msisdn="+1", in_reply_to="m")

    assert {each.message_id for each in (sent, opened, clicked, bounced, left)} == {"email/m"}
    assert {each.party_id for each in (sent, opened, clicked, bounced, left)} == {"email/S"}
    assert replied.message_id == "sms/m"


def test_who_unsubscribes_withdraws_a_consent(told: Told) -> None:
    (by_key,) = told("email_unsubscribes", "silver.consents", message_id="m", email="a@b.c", subscriber_key="S")
    (by_address,) = told("email_unsubscribes", "silver.consents", message_id="m", email="a@b.c")
    (by_text,) = told("sms_opt_outs", "silver.consents", msisdn="+1", keyword="STOP", opted_out_at=NOON)

    number = sha256(b"+1").hexdigest()
    assert (by_key.party_id, by_address.party_id, by_text.party_id) == ("email/S", "email/a@b.c", f"sms/{number}")
    assert [(row.channel, row.is_granted) for row in (by_key, by_text)] == [("email", False), ("sms", False)]


def test_a_page_of_no_kind_is_viewed_and_a_product_page_is_left_to_the_product_views(told: Told) -> None:
    page, product = (
        told("web_page_views", "silver.interactions", view_id="v", cookie_id="c", page_type=kind)
        for kind in (None, "product")
    )

    assert (len(page), len(product)) == (1, 0)
