"""The plain identity: what sources state, and what records share."""

import json
import random
from collections.abc import Callable, Mapping
from datetime import datetime

import pytest
from pyspark.sql import Row, SparkSession

from silver.identity import plain
from silver.tables import PARTIES, REVISIONS

NOW, BEFORE = datetime(2024, 7, 1), datetime(2024, 6, 1)
KNOWN = {
    "pos/1": "household/1",
    "coupons/1": "household/1",
    "pos/2": "household/2",
    "pos/10": "household/10",
    "web/none": None,
    "web/nobody": None,
    "party/web/none": "web/nowhere",
}

Said = Mapping[str, object]
Resolve = Callable[..., dict[str, Row]]


@pytest.fixture
def resolve(spark: SparkSession) -> Resolve:
    def resolve(parties: Mapping[str, Said | str | None], *before: str) -> dict[str, Row]:
        """Of records and what is said of them, or whom they are known as; those in `before` had another version, a
        month earlier."""
        rows = []
        for party_id, said in parties.items():
            of_party = {"party_id": party_id, "learned_at": NOW}
            of_party |= said if isinstance(said, Mapping) else {"known_as": said}
            rows.append(tuple(of_party.get(column) for column in PARTIES.columns))
        superseded = [(PARTIES.name, json.dumps({"party_id": party_id}), "{}", BEFORE, NOW) for party_id in before]
        revisions = spark.createDataFrame(superseded, REVISIONS.schema)
        found = plain.resolve(spark.createDataFrame(rows, PARTIES.schema), revisions).collect()
        return {row.party_id: row for row in found}

    return resolve


def customers(found: Mapping[str, Row]) -> set[frozenset[str]]:
    """Which records are one customer."""
    by_id: dict[str, set[str]] = {}
    for party_id, row in found.items():
        by_id.setdefault(row.core_id, set()).add(party_id)
    return {frozenset(each) for each in by_id.values()}


def together(*groups: str) -> set[frozenset[str]]:
    return {frozenset(group.split()) for group in groups}


def test_records_that_are_known_as_one_are_one_customer_and_the_others_are_their_own(resolve):
    found = resolve(KNOWN)

    assert found["pos/1"].core_id == found["coupons/1"].core_id
    assert len({row.core_id for row in found.values()}) == len(KNOWN) - 1
    assert {party_id for party_id, row in found.items() if row.method == "itself"} == {"web/none", "web/nobody"}


def test_a_record_is_followed_over_what_it_is_known_as(resolve):
    found = resolve({"push/t": "app/d", "app/d": "shop/1", "shop/1": None, "web/c": "shop/1", "web/other": None})

    assert customers(found) == together("push/t app/d shop/1 web/c", "web/other")


def test_ids_are_the_same_whatever_the_order_and_whoever_else_is_there(resolve):
    shuffled = list(KNOWN.items())
    random.Random(3).shuffle(shuffled)

    assert resolve(dict(shuffled)) == resolve(KNOWN)
    assert resolve({"pos/1": "household/1"})["pos/1"] == resolve(KNOWN)["pos/1"]
    assert resolve({"pos/1": "household/1"})["pos/1"].core_id == "Cc568f9b232eac32"


def test_a_record_is_known_from_its_first_version_on(resolve):
    found = resolve(KNOWN, "pos/1", "web/none")

    first = {party_id for party_id, row in found.items() if row.learned_at == BEFORE}
    assert first == {"pos/1", "web/none"}


def test_an_address_in_any_spelling_makes_one_customer_of_accounts_and_of_those_that_they_lead_to(resolve):
    found = resolve(
        {
            "shop/1": {"email": "Ann@post.example "},
            "crm/contact/1": {"email": "ann@post.example", "known_as": "crm/7"},
            "crm/contact/2": {"email": "a.lee@acme.example", "known_as": "crm/7"},
            "crm/7": None,
            "email/9": {"email": "a.lee@acme.example"},
            "surveys/x": {"email": "bob@post.example"},
            "web/c": {"email": "none"},
            "web/d": {"email": "none"},
        }
    )

    assert customers(found) == together(
        "shop/1 crm/contact/1 crm/contact/2 crm/7 email/9", "surveys/x", "web/c", "web/d"
    )
    assert (found["email/9"].method, found["surveys/x"].method) == ("email", "itself")


def test_an_address_of_too_many_is_no_ones(resolve):
    many = {f"care/{number}": {"email": "unknown@example.com"} for number in range(plain.MOST_HOLDERS + 1)}

    assert len(customers(resolve(many))) == len(many)
    assert len(customers(resolve(dict(list(many.items())[1:])))) == 1


def test_a_customer_has_the_id_of_the_record_that_was_known_first(resolve):
    alone = resolve({"shop/1": {"email": "ann@post.example"}}, "shop/1")
    later = resolve({"shop/1": {"email": "ann@post.example"}, "crm/0": {"email": "ann@post.example"}}, "shop/1")

    assert later["crm/0"].core_id == later["shop/1"].core_id == alone["shop/1"].core_id


def test_a_number_says_who_it_is_where_one_customer_alone_has_it(resolve):
    found = resolve(
        {
            "shop/1": {"email": "ann@post.example", "phone": "+1 312 7000 001"},
            "sms/1": {"phone": "(312) 7000-001"},
            "sms/2": {"phone": "312 555 0000"},
            "shop/2": {"email": "bob@post.example", "phone": "312-555-0000"},
            "shop/3": {"email": "eve@post.example", "phone": "312 5550000"},
            "sms/short": {"phone": "001"},
        }
    )

    assert customers(found) == together("shop/1 sms/1", "sms/2", "shop/2", "shop/3", "sms/short")
    assert found["sms/1"].method == "phone"
