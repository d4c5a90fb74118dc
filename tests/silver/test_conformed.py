"""Canonical tables from deliveries: the newest version of each key, those before it, and the same however they came."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bronze.source import Feed, Field, Source
from lakehouse.tables import ContractError
from silver import conformed
from silver.conformed import check_declared, check_feeds, newest, refresh, revisions, told_once_or_again, versions
from silver.tables import CAMPAIGNS, PARTIES, PRODUCTS, REVISIONS
from tests.silver.told import SAID, day, days, edited, products, revised

CATALOG = Source(
    name="catalog",
    doc="Products, numbered by their version.",
    path="catalog/*.csv",
    format="csv",
    key=("id",),
    newest_by="edited_on",
    columns={"id": Field("int"), "department": Field("string"), "edited_on": Field("date")},
    feeds=(
        Feed(
            to="silver.products",
            columns={"product_id": "cast(id as string)", "department": "department"},
            where="department <> 'none'",
        ),
    ),
)
SHELF = Source(
    name="shelf",
    doc="Products, as the shelves have them.",
    path="shelf/*.csv",
    format="csv",
    key=("product",),
    columns={"product": Field("string"), "category": Field("string")},
    feeds=(Feed(to="silver.products", columns={"product_id": "product", "category": "category"}),),
)


# Versions of one key. A delivery is what it says, the day on which it arrived, and its own measure of what is newest.

Delivery = tuple[str | None, int] | tuple[str | None, int, int | None]

DELIVERIES: dict[str, list[Delivery]] = {
    "told once": [("A", 1)],
    "changed": [("A", 1), ("B", 2), ("C", 4)],
    "told again": [("A", 1), ("A", 2), ("A", 3)],
    "told again, then changed": [("A", 1), ("A", 2), ("B", 3)],
    "changed, and changed back": [("A", 1), ("B", 2), ("A", 3)],
    "its own measure before arrival": [("B", 1, 20), ("A", 2, 10), ("C", 3, 30)],
    "an equal measure, then arrival": [("A", 2, 10), ("B", 1, 10)],
    "no measure is older than any": [("B", 1, 10), ("A", 2, None)],
    "late and old, but the same": [("A", 1, 20), ("A", 5, 10), ("B", 3, 30)],
    "late and old, between the same": [("A", 1, 10), ("A", 2, 30), ("B", 5, 20), ("C", 4, 40)],
    "delivered late, written long before": [("A", 3), ("B", 5), ("A", 1)],
    "twice in one delivery": [("A", 1), ("B", 1), ("C", 2)],
    "back and forth in one delivery": [("A", 1), ("B", 2), ("A", 2)],
    "a missing value is a value": [("A", 1), (None, 2), ("A", 3)],
}


@pytest.fixture(scope="module")
def history(spark: SparkSession) -> dict[str, list[tuple]]:
    """By key: (what it says, the day it was learned, the day it was superseded), oldest first."""
    told = told_rows(spark, [(key, said, None, *rest) for key, told in DELIVERIES.items() for said, *rest in told])
    rows = versions(told, PRODUCTS).select("product_id", "department", *days("learned_at", "superseded_at")).collect()
    found: dict[str, list[tuple]] = {key: [] for key in DELIVERIES}
    for row in rows:
        found[row.product_id].append((row.department, row.learned_at, row.superseded_at))
    return {key: sorted(each, key=lambda v: (v[2] is None, v[2], v[1])) for key, each in found.items()}


def told_rows(spark: SparkSession, told: Iterable[tuple]) -> DataFrame:
    """Rows as `conformed` makes them, of (product, department, category, arrived[, newest by])."""
    rows = []
    for position, (product, department, category, arrived, *measure) in enumerate(told):
        newest_by = None if not measure or measure[0] is None else float(measure[0])
        rows.append((product, department, category, newest_by, day(arrived), f"{arrived:03}.csv", position))
    said = ", ".join(f"{name} string" for name in SAID)
    schema = f"{said}, _newest_by double, _arrived_at timestamp, _file string, _position bigint"
    others = [name for name in PRODUCTS.columns if name not in (*SAID, "learned_at")]
    nulls = [F.lit(None).cast(PRODUCTS.columns[name].type).alias(name) for name in others]
    return spark.createDataFrame(rows, schema).select("*", *nulls, F.lit(False).alias("_gone"))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("told once", [("A", 1, None)]),
        ("changed", [("A", 1, 2), ("B", 2, 4), ("C", 4, None)]),
        ("told again", [("A", 1, None)]),
        ("told again, then changed", [("A", 1, 3), ("B", 3, None)]),
        ("changed, and changed back", [("A", 1, 2), ("B", 2, 3), ("A", 3, None)]),
        ("its own measure before arrival", [("A", 2, 1), ("B", 1, 3), ("C", 3, None)]),
        ("an equal measure, then arrival", [("B", 1, 2), ("A", 2, None)]),
        ("no measure is older than any", [("A", 2, 1), ("B", 1, None)]),
        ("late and old, but the same", [("A", 1, 3), ("B", 3, None)]),
        ("late and old, between the same", [("A", 1, 2), ("B", 5, 2), ("A", 2, 4), ("C", 4, None)]),
        ("delivered late, written long before", [("A", 1, 5), ("B", 5, None)]),
        ("twice in one delivery", [("A", 1, 1), ("B", 1, 2), ("C", 2, None)]),
        ("back and forth in one delivery", [("A", 1, 2), ("B", 2, 2), ("A", 2, None)]),
        ("a missing value is a value", [("A", 1, 2), (None, 2, 3), ("A", 3, None)]),
    ],
)
def test_the_versions_of_a_key(history, key, expected):
    assert sorted(history[key], key=str) == sorted(expected, key=str)


def test_a_value_that_moves_to_another_column_is_a_change(spark):
    told = told_rows(spark, [("P", "food", None, 1), ("P", None, "food", 2)])

    rows = told.transform(versions, PRODUCTS).orderBy("learned_at").select("department", "category").collect()

    assert [tuple(row) for row in rows] == [("food", None), (None, "food")]


def test_a_revision_holds_what_the_table_said_and_from_when_to_when(spark):
    told = told_rows(
        spark,
        [
            ("P", "A", None, 1),
            ("P", "B", None, 2),
            ("P", "C", None, 4),
            ("once", "A", None, 1),
            ("late", "A", None, 2, 1),
            ("late", "B", None, 1, 2),
        ],
    )

    rows = told.transform(versions, PRODUCTS).transform(revisions, PRODUCTS).orderBy("learned_at")

    row = '{{"product_id":"P","department":"{}","learned_at":"2024-07-0{}T00:00:00.000Z"}}'
    assert [
        (r.table_name, r.row_key, r.row, r.learned_at, r.superseded_at)
        for r in rows.select("table_name", "row_key", "row", *days("learned_at", "superseded_at")).collect()
    ] == [
        ("silver.products", '{"product_id":"P"}', row.format("A", 2), 1, 2),
        ("silver.products", '{"product_id":"P"}', row.format("B", 3), 2, 4),
    ]


def test_many_keys_told_again_are_found_as_a_few_are(spark, monkeypatch):
    told = told_rows(spark, [*random_deliveries(7, keys=12, number=30), ("once", "A", None, 1)])

    def outcome() -> tuple[list, list]:
        once, history = told_once_or_again(told, PRODUCTS)
        rows = once.unionByName(history.transform(newest, PRODUCTS))
        return sorted(map(str, rows.collect())), sorted(map(str, history.transform(revisions, PRODUCTS).collect()))

    few = outcome()
    monkeypatch.setattr(conformed, "MANY", 0)

    assert outcome() == few
    assert len(few[0]) > 10 and len(few[1]) > 3


def random_deliveries(seed: int, *, keys: int, number: int) -> list[tuple]:
    """(product, department, category, arrived, newest by): of few values, so that much is told again."""
    chooser = random.Random(seed)
    return [
        (
            f"P{chooser.randrange(keys)}",
            chooser.choice("AB"),
            chooser.choice(["x", None]),
            chooser.randrange(1, 9),
            chooser.choice([None, 1, 2, 3]),
        )
        for _ in range(number)
    ]


# Tables whose keys several feeds tell together


def party(teller: str, arrived: int, *, by: float | None = None, gone: bool = False, **said: str) -> dict:
    """What a teller says of one party on a day, and its own measure of what is newest."""
    told = {"party_id": "shop/1", "_teller": teller, "_newest_by": by, "_gone": gone}
    return told | {"_arrived_at": day(arrived), "_file": f"{arrived}.csv", "_position": 1} | said


@pytest.fixture
def told_parties(spark: SparkSession) -> Callable[..., list[tuple]]:
    """All versions of the party: name, address, when that was learned and superseded."""
    names = [name for name in PARTIES.columns if name != "learned_at"]
    order = "_newest_by double, _arrived_at timestamp, _file string, _position bigint, _gone boolean, _teller string"
    schema = ", ".join(f"`{name}` {PARTIES.columns[name].type}" for name in names) + f", {order}"
    columns = [*names, "_newest_by", "_arrived_at", "_file", "_position", "_gone", "_teller"]

    def known(*told: dict) -> list[tuple]:
        rows = spark.createDataFrame([tuple(row.get(name) for name in columns) for row in told], schema)
        found = rows.transform(versions, PARTIES).where("NOT _gone")
        shown = found.select("given_name", "email", *days("learned_at", "superseded_at"))
        return sorted((tuple(row) for row in shown.collect()), key=lambda row: row[2])

    return known


ANN, BOB = "a@x.example", "b@x.example"


def test_what_one_source_leaves_open_is_what_another_says(told_parties):
    assert told_parties(party("crm", 1, given_name="Ann"), party("shop", 2, email=ANN), party("web", 3)) == [
        ("Ann", None, 1, 2),
        ("Ann", ANN, 2, None),
    ]


def test_who_said_something_last_holds_whatever_their_own_measures(told_parties):
    assert told_parties(party("crm", 1, by=9e9, email=ANN), party("shop", 2, email=BOB)) == [
        (None, ANN, 1, 2),
        (None, BOB, 2, None),
    ]


def test_what_a_source_withdraws_is_gone_and_what_another_says_is_not(told_parties):
    assert told_parties(
        party("crm", 1, given_name="Ann", email=ANN), party("shop", 2, email=BOB), party("shop", 3), party("crm", 4)
    ) == [("Ann", ANN, 1, 2), ("Ann", BOB, 2, 3), ("Ann", ANN, 3, 4), (None, None, 4, None)]


def test_an_older_row_of_a_source_that_comes_late_says_nothing_new(told_parties):
    assert told_parties(party("crm", 1, by=20.0, given_name="Ann"), party("crm", 5, by=10.0, given_name="Anna")) == [
        ("Ann", None, 1, None)
    ]


def test_a_party_is_gone_with_the_last_source_that_told_it(told_parties):
    told = [party("crm", 1, given_name="Ann"), party("shop", 2, email=ANN), party("crm", 3, gone=True)]

    assert told_parties(*told) == [("Ann", None, 1, 2), ("Ann", ANN, 2, 3), (None, ANN, 3, None)]
    assert told_parties(*told, party("shop", 4, gone=True))[-1] == (None, ANN, 3, 4)


def test_parties_of_loads_one_by_one_are_those_of_a_rebuild(lake, deliver, monkeypatch):
    accounts, orders = (
        replace(
            SHELF,
            name=name,
            path=f"{name}/*.csv",
            key=("id",),
            columns={"id": Field("string"), "said": Field("string")},
            feeds=(Feed(to="silver.parties", columns={"party_id": "id", column: "said"}),),
        )
        for name, column in (("accounts", "given_name"), ("orders", "email"))
    )
    sources = [accounts, orders]
    chooser = random.Random(5)
    for load_id in range(3):
        for source in sources:
            rows = [
                (f"P{chooser.randrange(5)}", chooser.choice(["x", "y", None]), chooser.randrange(9)) for _ in range(6)
            ]
            deliver(source, load_id, *rows)
        refresh(lake, PARTIES, sources)

    def outcome() -> tuple[list[str], list[str]]:
        return tuple(sorted(map(str, lake.read(table).collect())) for table in (PARTIES, REVISIONS))  # type: ignore

    step_by_step = outcome()
    monkeypatch.setattr(conformed, "code_version", lambda layer: "changed")
    assert refresh(lake, PARTIES, sources).how == "rebuilt"

    assert outcome() == step_by_step
    assert len(step_by_step[1]) > 3


# Bringing a table up to what has landed


def test_a_table_follows_what_lands(lake, deliver):
    sources = [CATALOG, SHELF]
    assert refresh(lake, PRODUCTS, sources).how == "rebuilt"
    assert refresh(lake, PRODUCTS, sources).how == "unchanged"
    assert products(lake) == []

    deliver(CATALOG, 0, (1, "food", edited(0), 1), (2, "toys", edited(0), 1), (3, "none", edited(0), 1))
    deliver(SHELF, 0, ("9", "tea", 1))
    assert refresh(lake, PRODUCTS, sources).how == "merged"
    assert products(lake) == [("1", "food", None, 1), ("2", "toys", None, 1), ("9", None, "tea", 1)]
    assert refresh(lake, PRODUCTS, sources).how == "unchanged"

    deliver(CATALOG, 2, (1, "food", edited(0), 2), (2, "games", edited(2), 2), (4, "new", edited(2), 2))
    before = lake.version(PRODUCTS)
    assert refresh(lake, PRODUCTS, sources).how == "merged"
    assert products(lake) == [
        ("1", "food", None, 1),
        ("2", "games", None, 2),
        ("4", "new", None, 2),
        ("9", None, "tea", 1),
    ]
    assert revised(lake) == [("2", "toys", 1, 2)]
    assert lake.version(PRODUCTS) > before

    before = lake.version(PRODUCTS)
    deliver(CATALOG, 3, (2, "blocks", edited(1), 3))  # late: older than what is known
    assert refresh(lake, PRODUCTS, sources).how == "merged"
    assert (products(lake)[1], revised(lake)) == (("2", "games", None, 2), [("2", "toys", 1, 2)])
    assert lake.version(PRODUCTS) == before
    assert refresh(lake, PRODUCTS, sources).how == "unchanged"

    measured_by_arrival = replace(CATALOG, newest_by=None)
    assert refresh(lake, PRODUCTS, [measured_by_arrival, SHELF]).how == "rebuilt"
    assert products(lake)[1] == ("2", "blocks", None, 3)
    assert revised(lake) == [("2", "games", 2, 3), ("2", "toys", 1, 2)]


def test_what_many_feeds_tell_is_computed_once_and_the_same(lake, deliver, monkeypatch):
    computed = []
    monkeypatch.setattr(conformed, "FEW", 1)
    frame = type(lake.spark.range(1))
    checkpoint = frame.localCheckpoint
    monkeypatch.setattr(frame, "localCheckpoint", lambda df: computed.append(1) or checkpoint(df))

    sources = [CATALOG, SHELF]
    deliver(CATALOG, 0, (1, "food", edited(0), 1), (2, "toys", edited(0), 1))
    deliver(SHELF, 0, ("9", "tea", 1))
    assert refresh(lake, PRODUCTS, sources).how == "rebuilt"
    deliver(CATALOG, 1, (2, "games", edited(2), 2))
    assert refresh(lake, PRODUCTS, sources).how == "merged"

    assert products(lake) == [("1", "food", None, 1), ("2", "games", None, 2), ("9", None, "tea", 1)]
    assert revised(lake) == [("2", "toys", 1, 2)]
    assert len(computed) == 2


def test_loads_one_by_one_make_what_a_rebuild_makes(lake, deliver, monkeypatch):
    chooser = random.Random(11)
    loads: list[list[tuple]] = []
    for load_id in range(3):
        loads.append(
            [
                (
                    chooser.randrange(15),
                    chooser.choice(["A", "B", None]),
                    edited(chooser.randrange(3)),
                    # most arrive in their turn, some were written long before
                    chooser.choice([load_id * 3, load_id * 3 + 1, chooser.randrange(10)]),
                )
                for _ in range(25)
            ]
        )
    everything = replace(CATALOG, feeds=(replace(CATALOG.feeds[0], where=None),))
    for load_id, rows in enumerate(loads):
        deliver(everything, load_id, *rows)
        assert refresh(lake, PRODUCTS, [everything]).how == ("merged" if load_id else "rebuilt")
    step_by_step = products(lake), revised(lake)

    monkeypatch.setattr(conformed, "code_version", lambda layer: "changed")
    assert refresh(lake, PRODUCTS, [everything]).how == "rebuilt"

    assert (products(lake), revised(lake)) == step_by_step
    assert step_by_step == by_hand(loads)


def by_hand(loads: Sequence[Sequence[tuple]]) -> tuple[list[tuple], list[tuple]]:
    """What the table and its revisions are by their definition, over plain lists."""
    told = [
        (key, edited_on, arrived, f"{load_id}.csv", position, said)
        for load_id, rows in enumerate(loads)
        for position, (key, said, edited_on, arrived) in enumerate(rows, 1)
    ]
    # what one file says of a key over and over counts where it says it last
    last = {(key, on, arrived, file, said): position for key, on, arrived, file, position, said in told}
    ordered = sorted(
        (key, on, arrived, file, position, said) for (key, on, arrived, file, said), position in last.items()
    )
    table, revisions = [], []
    for key, of_key in groupby(ordered, key=lambda each: each[0]):
        runs = [
            (said, min(each[2] for each in run))
            for said, run in ((s, list(r)) for s, r in groupby(of_key, lambda e: e[5]))
        ]
        table.append((str(key), runs[-1][0], None, runs[-1][1]))
        for number, (said, learned) in enumerate(runs[:-1], 1):
            superseded = min(each for _, each in runs[number:])
            if superseded > learned:
                revisions.append((str(key), said, learned, superseded))
    return sorted(table, key=lambda row: row[0]), sorted(revisions, key=str)


# Feeds


def test_what_has_landed_does_not_leave_silver_because_its_declaration_is_not_given():
    check_declared(["shelf"], [SHELF, CATALOG])

    with pytest.raises(ContractError) as error:
        check_declared(["tills", "shelf", "shop"], [SHELF, CATALOG])

    assert str(error.value).startswith("Cannot conform: 2 sources have landed in this lakehouse and are not declared; ")
    assert str(error.value).splitlines()[1] == "  shop, tills"


def test_all_that_is_wrong_with_feeds_is_said_at_once():
    wrong = replace(
        CATALOG,
        feeds=(
            Feed(to="silver.people", columns={}),
            Feed(to="silver.products", columns={"department": "department", "colour": "'red'", "learned_at": "now()"}),
            Feed(to="silver.offers", columns={"kind": "'coupon'", "offer_code": "id", "product_id": "id"}),
        ),
    )

    with pytest.raises(ContractError) as refused:
        check_feeds([SHELF, wrong])

    assert str(refused.value) == (
        "Cannot conform the sources:\n"
        "  catalog: feeds silver.people, expected one of silver.parties, silver.stores, silver.products, "
        "silver.order_lines, silver.returns, silver.payments, silver.campaigns, silver.offers, silver.interactions, "
        "silver.consents\n"
        "  catalog: feeds silver.products.colour, which is not one of its columns\n"
        "  catalog: feeds silver.products.learned_at, which is not one of its columns\n"
        "  catalog: does not say silver.products.product_id, which is part of the key\n"
        "  catalog: does not say silver.offers.campaign_id, which is part of the key\n"
        "  catalog: does not say silver.offers.store_id, which is part of the key\n"
        "Correct their feeds."
    )
    check_feeds([SHELF, CATALOG])


def test_rows_that_break_a_tables_contract_stop_it(lake, deliver):
    ends_early = replace(
        SHELF,
        columns={"id": Field("string"), "starts": Field("date"), "ends": Field("date")},
        key=("id",),
        feeds=(Feed(to="silver.campaigns", columns={"campaign_id": "id", "starts_on": "starts", "ends_on": "ends"}),),
    )
    deliver(ends_early, 0, ("1", edited(2), edited(1), 1))

    with pytest.raises(Exception, match="the campaign ends before it starts: 1 of 1 rows"):
        refresh(lake, CAMPAIGNS, [ends_early])

    assert lake.read(CAMPAIGNS).collect() == []
