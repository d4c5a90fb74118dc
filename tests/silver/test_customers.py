"""The golden record: of each trait, what was learned last."""

from datetime import datetime

import pytest
from pyspark.sql import Row, SparkSession

from silver import customers
from silver.tables import CORE_IDS, PARTIES


@pytest.fixture
def build(spark: SparkSession):
    """The golden records of parties; each says its customer, the day on which it was learned, and its traits."""

    def build(**parties: dict) -> dict[str, Row]:
        said, ids = [], []
        for party_id, party in parties.items():
            known = {**party, "party_id": party_id, "learned_at": datetime(2024, 7, party["day"])}
            said.append(tuple(known.get(name) for name in PARTIES.columns))
            ids.append(tuple({**known, "core_id": party.get("core_id", "C1")}.get(name) for name in CORE_IDS.columns))
        built = customers.build(
            spark.createDataFrame(said, PARTIES.schema), spark.createDataFrame(ids, CORE_IDS.schema)
        )
        return {row.core_id: row for row in built.collect()}

    return build


def test_the_newest_value_that_is_not_missing_holds(build):
    found = build(
        pos={"day": 1, "age_band": "25-34", "income_band": "100K+", "kids_count": "1"},
        crm={"day": 2, "age_band": "35-44", "income_band": None, "kids_count": ""},
        web={"day": 3, "age_band": None},
    )["C1"]

    assert (found.age_band, found.income_band, found.kids_count, found.marital_status) == ("35-44", "100K+", "", None)
    assert (found.parties, found.learned_at) == (3, datetime(2024, 7, 1))


def test_of_two_values_as_new_that_of_the_later_party_holds_in_whatever_order_they_come(build):
    a, b = {"day": 1, "age_band": "25-34"}, {"day": 1, "age_band": "35-44", "household_size": None}
    c = {"day": 1, "household_size": "2"}

    assert build(a=a, b=b, c=c) == build(c=c, b=b, a=a)
    assert (build(a=a, b=b)["C1"].age_band, build(a=b, b=a)["C1"].age_band) == ("35-44", "25-34")
    assert build(a=a, b=b, c=c)["C1"].household_size == "2"


def test_what_is_said_of_one_customer_is_not_said_of_another(build):
    found = build(a={"day": 1, "age_band": "65+"}, b={"day": 2, "core_id": "C2"})

    assert {core_id: (row.age_band, row.parties) for core_id, row in found.items()} == {
        "C1": ("65+", 1),
        "C2": (None, 1),
    }
