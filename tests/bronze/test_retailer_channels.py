"""The declarations of the retailer's channels, care, surveys and partners."""

import pytest

from bronze.registry import declared_sources
from bronze.source import Source
from silver.conformed import check_feeds

CHANNELS = {
    "web": ("page_views", "product_views", "searches", "sessions"),
    "app": ("installs", "events", "push_tokens", "screens"),
    "email": ("sends", "opens", "clicks", "bounces", "unsubscribes"),
    "sms": ("sends", "deliveries", "replies", "opt_outs"),
    "push": ("sends", "opens"),
    "onsite": ("impressions", "clicks"),
    "ads": ("impressions", "clicks", "spend", "conversions"),
    "social": ("mentions", "messages", "followers"),
    "care": ("calls", "chats", "tickets"),
    "surveys": ("nps", "product_feedback"),
    "partners": ("demographics", "geography", "marketplace_orders", "referrals"),
}
NAMES = [f"{system}_{feed}" for system, feeds in CHANNELS.items() for feed in feeds]
SOURCES = {source.name: source for source in declared_sources()}
TELLS_WHO = ("email", "msisdn", "phone", "caller", "name_given", "display_name", "address", "ip_address", "first_name")
IS_OF_ONE = ("cookie_id", "device_id", "customer_no", "session_id", "subscriber_key", "token", "handle", "visitor_id")


@pytest.fixture(params=NAMES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]


def test_every_column_says_what_it_means(source: Source) -> None:
    assert [name for name, column in source.columns.items() if not column.doc.endswith((".", "?", "..."))] == []


def test_what_tells_who_somebody_is_is_classed_so(source: Source) -> None:
    of_person = {name: column.privacy for name, column in source.columns.items() if name in TELLS_WHO}
    of_id = {name: column.privacy for name, column in source.columns.items() if name in IS_OF_ONE}

    assert set(of_person.values()) <= {"personal"}
    assert set(of_id.values()) <= {"pseudonymous"}


def test_every_source_has_rules_or_says_what_must_be_there(source: Source) -> None:
    assert source.rules or any(column.required for column in source.columns.values())


def test_the_feeds_fit_silver() -> None:
    check_feeds(list(SOURCES.values()))


def test_only_what_names_nobody_feeds_none() -> None:
    assert [name for name in NAMES if not SOURCES[name].feeds] == ["ads_spend", "partners_geography"]


def test_a_file_belongs_to_one_source() -> None:
    folders = [SOURCES[name].folder for name in NAMES]

    assert len(set(folders)) == len(NAMES)


def test_the_channels_deliver_in_every_format_and_way() -> None:
    of_channels = [SOURCES[name] for name in NAMES]

    assert {source.format for source in of_channels} == {"csv", "jsonl", "json", "xml", "avro", "fixed", "parquet"}
    assert {source.delivery for source in of_channels} == {"append", "snapshot", "changes"}
    assert len({source.timezone for source in of_channels}) >= 6
    assert {source.options.get("sep") for source in of_channels if source.format == "csv"} == {None, ";", "\t", "|"}
    assert {source.options.get("encoding") for source in of_channels} >= {"utf-16", "cp1252", "iso-8859-1", "latin-1"}
