"""Change logs and full snapshots: what is gone is gone, whatever the order in which the deliveries came."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from bronze.ledger import QUARANTINE
from bronze.source import Changes, Feed, Field, Source
from lakehouse.delta import Lakehouse
from silver import conformed
from silver.conformed import refresh, versions
from silver.deliveries import told
from silver.tables import PRODUCTS
from tests.silver.told import day, days, products, revised

FEED = Feed(to="silver.products", columns={"product_id": "cast(id as string)", "department": "department"})

LOG = Source(
    name="product_log",
    doc="Changes of products.",
    path="log/*.csv",
    format="csv",
    key=("id",),
    columns={
        "id": Field("int"),
        "department": Field("string", required=True),
        "op": Field("string"),
        "seq": Field("bigint"),
    },
    feeds=(FEED,),
    delivery="changes",
    changes=Changes(operation="op", sequence="seq"),
)
EXPORT = Source(
    name="product_export",
    doc="All products, each night.",
    path="export/*.csv",
    format="csv",
    key=("id",),
    columns={"id": Field("int"), "department": Field("string")},
    feeds=(FEED,),
    delivery="snapshot",
)

History = Callable[..., list[tuple]]


@pytest.fixture
def history(lake: Lakehouse) -> History:
    """What is said of products, and from which day to which, of rows (columns, day of arrival[, file])."""

    def of_rows(source: Source, *rows: tuple, refused: tuple[str, ...] = ()) -> list[tuple]:
        width = len(source.columns)
        data = []
        for position, (*said, arrived) in enumerate((row[: width + 1] for row in rows), 1):
            file = rows[position - 1][width + 1] if len(rows[position - 1]) > width + 1 else f"{arrived:02}.csv"
            data.append((*said, None, file, position, day(arrived), 0))
        frame = lake.spark.createDataFrame(data, source.table.schema)
        if refused:
            bad = [(source.name, file, 9, "", ["torn"], day(int(file[:2])), 0) for file in refused]
            lake.append(lake.spark.createDataFrame(bad, QUARANTINE.schema), QUARANTINE, writer="q", number=0)
        found = frame.transform(told, source, source.feeds[0], PRODUCTS, lake).transform(versions, PRODUCTS)
        told_of = found.select("product_id", "department", "_gone", *days("learned_at", "superseded_at")).collect()
        said = [(r.product_id, "gone" if r._gone else r.department, r.learned_at, r.superseded_at) for r in told_of]
        return sorted(said, key=lambda each: (each[0], each[3] is None, each[3], each[2]))

    return of_rows


# Change logs


def test_the_row_of_the_highest_sequence_holds_and_a_delete_ends_it(history):
    found = history(
        LOG,
        (1, "A", "I", 10, 1),
        (1, "B", "U", 11, 2),
        (2, "A", "I", 12, 1),
        (2, None, "D", 14, 3),
        (2, "A", "U", 13, 4),  # came after its delete, and was before it
        (3, "A", "I", 15, 1),
        (3, None, "D", 16, 2),
        (3, "C", "I", 17, 3),
        (4, None, "D", 18, 1),  # what it deletes was never told
        (5, "A", "I", 2**60, 2),
        (5, "B", "U", 2**60 + 1, 1),  # a double would hold them for equal
    )

    assert found == [
        ("1", "A", 1, 2),
        ("1", "B", 2, None),
        ("2", "A", 1, 3),
        ("2", "gone", 3, None),
        ("3", "A", 1, 2),
        ("3", "gone", 2, 3),
        ("3", "C", 3, None),
        ("5", "A", 2, 1),
        ("5", "B", 1, None),
    ]


def test_a_change_that_is_delivered_again_changes_nothing(history):
    found = history(
        LOG,
        (1, "A", "I", 1, 1),
        (1, "A", "I", 1, 2),
        (1, None, "D", 2, 3),
        (1, None, "D", 2, 4),
        (1, "A", "I", 1, 5),
    )

    assert found == [("1", "A", 1, 3), ("1", "gone", 3, None)]


def test_a_row_that_tells_another_key_now_leaves_the_one_before(history):
    by_department = replace(FEED, columns={"product_id": "department"}, where="department <> 'none'")
    moving = replace(LOG, feeds=(by_department,))

    found = history(
        moving,
        (1, "A", "I", 1, 1),
        (2, "A", "I", 2, 1),
        (1, "B", "U", 3, 2),  # A is still told by 2
        (2, "none", "U", 4, 3),  # and now by none
        (1, None, "D", 5, 4),
    )

    assert found == [("A", None, 1, 3), ("A", "gone", 3, None), ("B", None, 2, 4), ("B", "gone", 4, None)]


# Snapshots


def test_what_the_newest_snapshot_lacks_is_gone(history):
    found = history(EXPORT, (1, "A", 1), (2, "A", 1), (1, "A", 2), (2, "B", 3), (1, "C", 4), (2, "B", 4))

    assert found == [
        ("1", "A", 1, 3),
        ("1", "gone", 3, 4),
        ("1", "C", 4, None),
        ("2", "A", 1, 2),
        ("2", "gone", 2, 3),
        ("2", "B", 3, None),
    ]


def test_the_files_of_one_day_are_one_snapshot(history):
    found = history(EXPORT, (1, "A", 1, "a.csv"), (2, "A", 1, "b.csv"), (2, "A", 2, "a.csv"), (1, "A", 2, "b.csv"))

    assert found == [("1", "A", 1, None), ("2", "A", 1, None)]


BY_NAME = replace(EXPORT, snapshot_of="to_date(substring(_file, 1, 2), 'dd')")


def test_a_snapshot_that_comes_late_brings_nothing_back(history):
    found = history(
        BY_NAME,
        (1, "A", 1, "01.csv"),
        (2, "A", 1, "01.csv"),
        (1, "A", 3, "03.csv"),
        (1, "A", 5, "02.csv"),
        (2, "A", 5, "02.csv"),
        (3, "A", 5, "02.csv"),
    )

    assert found == [
        ("1", "A", 1, None),
        ("2", "A", 1, 3),
        ("2", "gone", 3, None),
        ("3", "A", 5, 3),
        ("3", "gone", 3, None),
    ]


def test_a_snapshot_of_which_anything_was_refused_says_of_nothing_that_it_is_gone(history):
    found = history(EXPORT, (1, "A", 1), (2, "A", 1), (2, "B", 2), (2, "B", 3), refused=("02.csv",))

    assert found == [("1", "A", 1, 3), ("1", "gone", 3, None), ("2", "A", 1, 2), ("2", "B", 2, None)]


def test_a_file_of_the_same_day_that_was_refused_whole_spoils_its_snapshot(history):
    found = history(EXPORT, (1, "A", 1), (2, "A", 1), (2, "A", 2, "x.csv"), refused=("02.csv",))

    assert found == [("1", "A", 1, None), ("2", "A", 1, None)]


# Bringing a table up to what has landed


def test_a_key_that_is_gone_leaves_the_table_and_is_remembered(lake, deliver):
    sources = [LOG, replace(EXPORT, feeds=(replace(FEED, columns={"product_id": "concat('x', id)"}),))]
    deliver(LOG, 0, (1, "A", "I", 1, 1), (2, "A", "I", 2, 1))
    deliver(sources[1], 0, (1, "A", 1), (2, "A", 1))
    assert refresh(lake, PRODUCTS, sources).how == "rebuilt"

    deliver(LOG, 1, (1, None, "D", 3, 2))
    deliver(sources[1], 1, (1, "A", 2))
    assert refresh(lake, PRODUCTS, sources).how == "merged"

    assert products(lake) == [("2", "A", None, 1), ("x1", None, None, 1)]
    assert revised(lake) == [("1", "A", 1, 2), ("x2", None, 1, 2)]
    assert refresh(lake, PRODUCTS, sources).how == "unchanged"


def log_by_hand(rows: list[tuple]) -> dict[int, str]:
    """The rows that hold: of each key that of the highest sequence."""
    last = {key: (department, op) for key, department, op, _ in sorted(rows, key=lambda row: row[3])}
    return {key: department for key, (department, op) in last.items() if op != "D"}


def snapshots_by_hand(rows: list[tuple]) -> dict[int, str]:
    newest = max(of for *_, of in rows)
    return {key: department for key, department, of in rows if of == newest}


@pytest.mark.parametrize("kind", ["changes", "snapshot"])
def test_loads_in_any_order_make_what_a_rebuild_makes(lake, deliver, monkeypatch, kind):
    chooser = random.Random(kind)
    if kind == "changes":
        source = LOG
        log = [
            (key, None if op == "D" else chooser.choice("AB"), op, seq)
            for seq, (key, op) in enumerate(((chooser.randrange(8), chooser.choice("IUD")) for _ in range(40)), 1)
        ]
        chooser.shuffle(log)
        loads = [(None, log[start : start + 14]) for start in range(0, 40, 14)]
        expected = log_by_hand(log)
    else:
        source = BY_NAME
        states = {of: [(key, chooser.choice("AB"), of) for key in chooser.sample(range(8), 4)] for of in range(1, 5)}
        order = [2, 4, 1, 3]
        loads = [(f"{of:02}.csv", [row[:2] for row in states[of]]) for of in order]
        expected = snapshots_by_hand([row for of in order for row in states[of]])
    for load_id, (file, rows) in enumerate(loads):
        deliver(source, load_id, *((*row, load_id + 1) for row in rows), file=file)
        assert refresh(lake, PRODUCTS, [source]).how == ("merged" if load_id else "rebuilt")
    step_by_step = products(lake), revised(lake)

    monkeypatch.setattr(conformed, "code_version", lambda layer: "changed")
    assert refresh(lake, PRODUCTS, [source]).how == "rebuilt"

    assert (products(lake), revised(lake)) == step_by_step
    assert {int(key): department for key, department, *_ in step_by_step[0]} == expected
    assert 0 < len(expected) < 8
    assert len(step_by_step[1]) > 3
