"""The plain identity: a household is a customer, for life."""

import json
import random
from datetime import datetime

import pytest
from pyspark.sql import Row, SparkSession

from silver.identity import household
from silver.tables import PARTIES, REVISIONS

KNOWN = {
    "pos/1": "1",
    "coupons/1": "1",
    "pos/2": "2",
    "pos/10": "10",
    "web/none": None,
    "web/nobody": None,
    "household/1": None,
    "party/web/none": "web/none",
}


@pytest.fixture
def resolve(spark: SparkSession):
    def resolve(parties: dict[str, str | None], *before: str) -> dict[str, Row]:
        """Of records and their household numbers; those in `before` had another version, a month earlier."""
        rows = [
            tuple(
                {"party_id": p, "household_no": n, "learned_at": datetime(2024, 7, 1)}.get(c) for c in PARTIES.columns
            )
            for p, n in parties.items()
        ]
        superseded = [
            (PARTIES.name, json.dumps({"party_id": party_id}), "{}", datetime(2024, 6, 1), datetime(2024, 7, 1))
            for party_id in before
        ]
        revisions = spark.createDataFrame(superseded, REVISIONS.schema)
        found = household.resolve(spark.createDataFrame(rows, PARTIES.schema), revisions).collect()
        return {row.party_id: row for row in found}

    return resolve


def test_records_with_one_household_number_are_one_customer_and_those_without_are_their_own(resolve):
    found = resolve(KNOWN)

    assert found["pos/1"].core_id == found["coupons/1"].core_id
    assert len({row.core_id for row in found.values()}) == len(KNOWN) - 1
    assert {party_id for party_id, row in found.items() if row.method == "itself"} == {
        "web/none",
        "web/nobody",
        "household/1",
    }


def test_ids_are_for_life_whatever_the_order_and_whoever_else_is_there(resolve):
    shuffled = list(KNOWN.items())
    random.Random(3).shuffle(shuffled)

    assert resolve(dict(shuffled)) == resolve(KNOWN)
    assert resolve({"pos/1": "1"})["pos/1"] == resolve(KNOWN)["pos/1"]
    assert resolve({"pos/1": "1"})["pos/1"].core_id == "Cc568f9b232eac32"


def test_a_record_is_known_from_its_first_version_on(resolve):
    found = resolve(KNOWN, "pos/1", "web/none")

    first = {party_id for party_id, row in found.items() if row.learned_at == datetime(2024, 6, 1)}
    assert first == {"pos/1", "web/none"}
