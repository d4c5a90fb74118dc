"""Rules as expectations: what a checkpoint finds, keeps, shows, and when it stops a run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bronze.sources.complete_journey.grocer import POS_TRANSACTIONS
from lakehouse import quality
from lakehouse.delta import Lakehouse
from lakehouse.quality import EXPECTATION_RESULTS, QualityError, Result, check, docs_folder, expectations
from lakehouse.rules import Between, Holds, Matches, OneOf, Required, Rule
from lakehouse.settings import Settings
from lakehouse.tables import Column, Table

ORDERS = Table(
    name="silver.orders",
    doc="What was ordered.",
    grain="one row per order",
    key=("order_id",),
    columns={
        "order_id": Column("string", "The order."),
        "email": Column("string", "Who ordered.", "personal"),
        "units": Column("int", "How many units."),
        "gross": Column("decimal(18,2)", "Before discounts."),
        "net": Column("decimal(18,2)", "After discounts."),
    },
)
NET_IS_NOT_MORE = Holds(condition="net <= gross", otherwise="net is more than gross")
GOOD = ("o1", "ann@example.com", 1, "12.00", "10.00")


def orders(*rules: Rule, **differs) -> Table:
    return replace(ORDERS, rules=rules, **differs)


@pytest.fixture
def write(lake: Lakehouse) -> Callable[..., None]:
    """Puts rows in place of all rows of a table, without the constraints that would refuse them."""

    def write(*rows: tuple, table: Table = ORDERS) -> None:
        texts = lake.spark.createDataFrame(rows, ", ".join(f"{name} string" for name in table.columns))
        typed = texts.selectExpr(*(f"CAST({name} AS {column.type})" for name, column in table.columns.items()))
        lake.replace(typed, replace(table, rules=(), key=()))

    return write


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return tmp_path / "quality"


def kept(lake: Lakehouse) -> list[Result]:
    rows = lake.read(EXPECTATION_RESULTS).orderBy("table_name", "table_version", "scope", "rule").collect()
    return [Result(**row.asDict()) for row in rows]


def by_rule(results: list[Result]) -> dict[str, Result]:
    return {result.rule: result for result in results}


# Rules as expectations


@pytest.mark.parametrize(
    ("rule", "type_", "says"),
    [
        (Required(column="email"), "expect_no_nulls", {"column": "email"}),
        (
            Between(column="units", low=1, high=9),
            "expect_values_between",
            {"column": "units", "min_value": 1, "max_value": 9},
        ),
        (
            OneOf(column="email", values=("a", "b")),
            "expect_values_in_set",
            {"column": "email", "value_set": ["a", "b"]},
        ),
        (
            Matches(column="order_id", pattern="o[0-9]{1,9}"),
            "expect_values_to_match",
            {"column": "order_id", "regex": "^(?:o[0-9]{1,9})$"},
        ),
        (
            NET_IS_NOT_MORE,
            "expect_no_such_rows",
            {
                "unexpected_rows_query": "SELECT `gross`, `net` FROM {batch} WHERE NOT coalesce((net <= gross), true)",
                "description": "No row of which net is more than gross.",
            },
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Rule) else "",
)
def test_each_rule_becomes_the_expectation_that_says_the_same(rule, type_, says):
    found = expectations(orders(rule))[1].configuration

    assert (found.type, {**found.kwargs, "description": found.description} if found.description else found.kwargs) == (
        type_,
        says,
    )


def test_the_key_and_the_columns_are_expectations_too():
    assert [(each.configuration.type, each.meta["rule"]) for each in expectations(ORDERS)] == [
        ("expect_no_nulls", "order_id is missing"),
        ("expect_table_columns_to_match_set", "the columns are not the declared ones"),
        ("expect_no_such_rows", "order_id: another row has the same"),
    ]


def test_values_that_break_a_rule_are_counted_and_not_asked_for():
    for each in expectations(orders(Between(column="units", low=1), OneOf(column="email", values=("a",)))):
        wanted = each.get_validation_dependencies().get_metric_names()
        assert wanted
        assert not [name for name in wanted if name.endswith("unexpected_values")]


def test_an_error_is_critical_and_a_warning_a_warning():
    _, error, warning, *_ = expectations(orders(NET_IS_NOT_MORE, Between(column="units", low=1, severity="warning")))

    assert (error.severity, warning.severity) == ("critical", "warning")


def test_the_positions_in_files_that_bronze_appends_once_are_not_counted_again():
    assert not any("another row" in each.meta["rule"] for each in expectations(POS_TRANSACTIONS.table))


# Checking


def test_good_rows_meet_every_rule_and_each_rule_is_kept_as_one_row(lake, write, docs):
    write(GOOD, ("o2", None, 2, "5.00", "5.00"))

    results = check(lake, [orders(NET_IS_NOT_MORE, Between(column="units", low=1))], layer="silver", docs=docs)

    assert {result.rule: (result.is_met, result.rows_checked, result.rows_unexpected) for result in results} == {
        "order_id is missing": (True, 2, 0),
        "net is more than gross": (True, 2, 0),
        "units is below 1": (True, 2, 0),
        "the columns are not the declared ones": (True, 0, 0),
        "order_id: another row has the same": (True, 2, 0),
    }
    assert kept(lake) == sorted(results, key=lambda result: result.rule)
    assert (docs / "index.html").exists()


def test_a_broken_error_stops_the_run_and_says_where_how_much_and_what_to_do(lake, write, docs):
    write(GOOD, GOOD, ("o2", "bob@example.com", 0, "1.00", "5.00"), (None, "cy@example.com", 1, "1.00", "1.00"))
    rules = (NET_IS_NOT_MORE, Between(column="units", low=1, severity="warning"))

    with pytest.raises(QualityError) as stopped:
        check(lake, [orders(*rules)], layer="silver", docs=docs)

    assert str(stopped.value) == (
        "Stopped after silver: rules of severity error are broken.\n"
        f"silver.orders (one row per order), version {lake.version(ORDERS)}:\n"
        "  order_id is missing: 1 of 4 rows\n"
        "  net is more than gross: 1 of 4 rows\n"
        "  order_id: another row has the same: 1 of 4 rows\n"
        "Correct what writes the table, or the rule, and run again. Broken rows, as far as they may be shown: "
        f"the column sample of quality.expectation_results; pages: {docs}/index.html"
    )
    assert {result.rule: result.is_met for result in kept(lake)} == {
        "order_id is missing": False,
        "net is more than gross": False,
        "units is below 1": False,
        "the columns are not the declared ones": True,
        "order_id: another row has the same": False,
    }


def test_a_broken_warning_is_reported_and_stops_nothing(lake, write, docs):
    write(GOOD, ("o2", "bob@example.com", 0, "5.00", "5.00"))

    results = check(lake, [orders(Between(column="units", low=1, severity="warning"))], layer="silver", docs=docs)

    broken = by_rule(results)["units is below 1"]
    assert (broken.is_met, broken.severity, broken.rows_unexpected) == (False, "warning", 1)
    assert broken.sample == '[{"order_id":"o2","units":0}]'


def test_all_rules_of_all_kinds_find_the_rows_that_break_them(lake, write, docs):
    write(
        ("o1", "ann@example.com", 1, "12.00", "10.00"),
        ("o2", "no mail", -1, "1.00", "2.00"),
        ("x", None, 100, "3.00", None),
    )
    rules = (
        Required(column="email", severity="warning"),
        Matches(column="email", pattern="[^@ ]+@[^@ ]+", severity="warning"),
        Matches(column="order_id", pattern="o[0-9]{1,3}", severity="warning"),
        OneOf(column="order_id", values=("o1", "o2"), severity="warning"),
        Between(column="units", low=0, high=10, severity="warning"),
        replace(NET_IS_NOT_MORE, severity="warning"),
        Holds(condition="order_id RLIKE '^o[0-9]{1,2}$'", otherwise="order_id is odd", severity="warning"),
    )

    results = check(lake, [orders(*rules)], layer="silver", docs=docs)

    assert {result.rule: result.rows_unexpected for result in results if not result.is_met} == {
        "email is missing": 1,
        "email does not match [^@ ]+@[^@ ]+": 1,
        "order_id does not match o[0-9]{1,3}": 1,
        "order_id is not one of o1, o2": 1,
        "units is not between 0 and 10": 2,
        "net is more than gross": 1,
        "order_id is odd": 1,
    }


def test_tables_that_are_checked_side_by_side_are_not_taken_for_each_other(lake, write, docs):
    rule = replace(NET_IS_NOT_MORE, severity="warning")
    tables = [orders(rule, name=f"silver.orders_{number}") for number in range(6)]
    for number, table in enumerate(tables):
        write(GOOD, *(("o2", "bob@example.com", 1, "1.00", "2.00"),) * (number % 2), table=table)

    results = check(lake, tables, layer="silver", docs=docs)

    found = {
        result.table_name: (result.rows_unexpected, result.rows_checked) for result in results if not result.is_met
    }
    assert found == {f"silver.orders_{number}": (1, 2) for number in (1, 3, 5)}


def test_a_key_of_several_columns_is_unique_only_as_a_whole(lake, write, docs):
    table = replace(ORDERS, key=("order_id", "units"))
    write(GOOD, ("o1", None, 2, "1.00", "1.00"), ("o2", None, 1, "1.00", "1.00"), table=table)
    assert all(result.is_met for result in check(lake, [table], layer="silver", docs=docs))

    write(GOOD, GOOD, GOOD, ("o1", None, 2, "1.00", "1.00"), table=table)
    with pytest.raises(QualityError):
        check(lake, [table], layer="silver", docs=docs)
    assert by_rule(kept(lake)[-5:])["order_id, units: another row has the same"].sample == (
        '[{"order_id":"o1","units":1,"count":3}]'
    )


def test_columns_that_nobody_declared_break_the_contract(lake, write, docs):
    write(GOOD)
    lake.spark.sql("ALTER TABLE silver.orders ADD COLUMNS (surprise string)")

    with pytest.raises(QualityError, match="the columns are not the declared ones"):
        check(lake, [ORDERS], layer="silver", docs=docs)


def test_a_rule_that_cannot_be_checked_counts_as_broken_and_says_why(lake, write, docs):
    write(GOOD)

    with pytest.raises(QualityError, match="colour is bad: could not be checked"):
        check(lake, [orders(Holds(condition="colour <> 'red'", otherwise="colour is bad"))], layer="silver", docs=docs)


def test_a_table_that_nobody_has_written_is_not_checked(lake, docs):
    assert check(lake, [ORDERS], layer="silver", docs=docs) == []
    assert not docs.exists()


# Checking once


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The tables of each checkpoint that runs."""
    seen = []
    run = quality.run_checkpoint

    def noted(due, *arguments):
        seen.append([each.table.name for each in due])
        return run(due, *arguments)

    monkeypatch.setattr(quality, "run_checkpoint", noted)
    return seen


def test_checked_again_nothing_changes_and_nothing_is_run(lake, write, docs, runs):
    write(GOOD)
    first = check(lake, [ORDERS], layer="silver", docs=docs)
    version = lake.version(EXPECTATION_RESULTS)

    assert sorted(check(lake, [ORDERS], layer="silver", docs=docs), key=str) == sorted(first, key=str)
    assert runs == [["silver.orders"]]
    assert lake.version(EXPECTATION_RESULTS) == version


def test_one_checkpoint_checks_all_tables_of_a_layer_and_later_only_those_that_changed(lake, write, docs, runs):
    returns = replace(ORDERS, name="silver.returns")
    write(GOOD)
    write(GOOD, table=returns)
    check(lake, [ORDERS, returns], layer="silver", docs=docs)
    write(GOOD, ("o2", None, 1, "1.00", "1.00"), table=returns)

    check(lake, [ORDERS, returns], layer="silver", docs=docs)

    assert runs == [["silver.orders", "silver.returns"], ["silver.returns"]]


def test_a_broken_version_stops_every_run_until_it_or_the_rule_is_another(lake, write, docs, runs):
    write(("o1", None, 1, "1.00", "5.00"))
    for _ in range(2):
        with pytest.raises(QualityError, match="net is more than gross: 1 of 1 rows"):
            check(lake, [orders(NET_IS_NOT_MORE)], layer="silver", docs=docs)
    assert len(runs) == 1

    check(lake, [orders(replace(NET_IS_NOT_MORE, severity="warning"))], layer="silver", docs=docs)
    write(GOOD)
    check(lake, [orders(NET_IS_NOT_MORE)], layer="silver", docs=docs)
    assert len(runs) == 3


def test_of_a_table_of_days_only_the_jobs_day_is_checked_and_again_only_when_it_was_written(lake, docs, runs):
    table = Table(
        name="gold.features",
        doc="Features.",
        grain="one row per customer and day",
        key=("as_of", "core_id"),
        columns={"as_of": Column("date", "The day."), "core_id": Column("string", "Who."), "n": Column("int", "N.")},
        rules=(Between(column="n", low=0, severity="warning"),),
    )
    rows = "VALUES (DATE'2024-01-01', 'a', -1), (DATE'2024-01-02', 'a', 1), (DATE'2024-01-02', 'b', -1)"
    features = lake.spark.sql(f"SELECT * FROM {rows} AS t(as_of, core_id, n)")
    first, second = date(2024, 1, 1), date(2024, 1, 2)

    def written(*days: date) -> None:
        where = " OR ".join(f"as_of = DATE'{day}'" for day in days)
        note = {"built_from": {str(day): "these" for day in days}}
        lake.replace(features.where(where), table, where=where, note=note)

    def checked() -> list[Result]:
        return check(lake, [table], layer="gold", days=[second], docs=docs)

    written(first, second)
    broken = by_rule(checked())["n is below 0"]
    assert (broken.scope, broken.rows_checked, broken.rows_unexpected) == ("as_of = DATE'2024-01-02'", 2, 1)

    written(first)
    checked()
    assert len(runs) == 1

    written(second)
    checked()
    assert len(runs) == 2


def test_loads_that_passed_are_not_checked_again_and_broken_ones_are_until_they_pass(lake, docs):
    landed = Table(
        name="bronze.orders",
        doc="Orders.",
        grain="one row per record",
        key=(),
        columns={"units": Column("int", "Units."), "_load_id": Column("bigint", "The load.")},
        rules=(Between(column="units", low=0),),
    )

    def land(load: int, *units: int) -> None:
        rows = lake.spark.createDataFrame([(each, load) for each in units], landed.schema)
        lake.append(rows, landed, writer="test", number=load)
        newest[landed.name] = load

    newest: dict[str, int] = {}

    def checked() -> tuple[str, int, int]:
        results = check(lake, [landed], layer="bronze", loads=newest, docs=docs)
        return by_rule(results)["units is below 0"]

    land(0, 1, 2, 3)
    first = checked()
    assert (first.scope, first.rows_checked, first.checked_up_to) == ("true", 3, 0)

    land(1, 4)
    land(2, 5)
    second = checked()
    assert (second.scope, second.rows_checked, second.checked_up_to) == ("_load_id > 0", 2, 2)
    assert check(lake, [landed], layer="bronze", loads=newest, docs=docs) == []

    land(3, -1)
    with pytest.raises(QualityError):
        checked()
    land(4, 6)
    with pytest.raises(QualityError, match="units is below 0: 1 of 2 rows"):
        checked()


# Privacy, and where the pages are


def test_neither_the_results_nor_the_pages_hold_a_personal_value(lake, write, docs):
    write(("o1", "ann-at-example", 1, "1.00", "5.00"), ("o2", "bob-at-example", 1, "1.00", "5.00"))
    rules = (
        Matches(column="email", pattern="[^@]+@[^@]+", severity="warning"),
        Holds(condition="email LIKE '%@%' AND net <= gross", otherwise="all is wrong", severity="warning"),
    )

    results = by_rule(check(lake, [orders(*rules)], layer="silver", docs=docs))

    assert results["email does not match [^@]+@[^@]+"].sample == '[{"order_id":"o1"}, {"order_id":"o2"}]'
    assert results["all is wrong"].sample.startswith('[{"order_id":"o1","gross":1.00,"net":5.00}')
    written = [path.read_text() for path in docs.rglob("*") if path.suffix in (".html", ".json", "") and path.is_file()]
    assert len(written) >= 3
    assert not any("-at-example" in text for text in written)


def test_pages_are_in_the_lakehouse_and_on_databricks_in_the_volume_of_state(tmp_path):
    assert docs_folder(Settings(home=tmp_path)) == tmp_path / "quality"
    assert docs_folder(Settings(target="databricks", state="/Volumes/c/raw/state")) == Path(
        "/Volumes/c/raw/state/quality"
    )


def test_each_checkpoint_adds_a_page_that_opens_from_disk(lake, write, docs):
    write(GOOD)
    check(lake, [ORDERS], layer="silver", docs=docs)
    write(GOOD, ("o2", None, 1, "1.00", "1.00"))
    check(lake, [ORDERS], layer="silver", docs=docs)

    pages = sorted((docs / "validations" / "silver" / "orders").rglob("*.html"))
    index = (docs / "index.html").read_text()
    assert len(pages) == 2
    assert all(page.relative_to(docs).as_posix() in index for page in pages)
