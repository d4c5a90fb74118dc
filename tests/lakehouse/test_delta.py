"""Writing and reading tables: once, in slices, under their contract, and only when something has changed."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import sleep

import pytest
from delta.tables import DeltaTable
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse import delta, files
from lakehouse.delta import Appended, Lakehouse, OvertakenError, contract_of
from lakehouse.files import files_of
from lakehouse.history import commits_of, declaration_of, entries_told, read_note
from lakehouse.rules import Between, OneOf
from lakehouse.settings import Settings
from lakehouse.tables import Column, ContractError, Table

MONDAY, TUESDAY = date(2024, 7, 1), date(2024, 7, 2)

SPEND = Table(
    name="gold.spend",
    doc="What was spent: by day, in Grandma's shop.",
    grain="one row per customer per day",
    key=("as_of", "core_id"),
    columns={
        "as_of": Column("date", "The day."),
        "core_id": Column("string", "The customer's id.", "pseudonymous"),
        "amount": Column("decimal(18,2)", "How much."),
        "channel": Column("string", "store or web."),
    },
    rules=(Between(column="amount", low=0), OneOf(column="channel", values=("store", "web"))),
    cluster_by=("as_of", "core_id"),
)

Row = tuple[date | None, str, str | None, str | None]


@pytest.fixture
def rows(lake: Lakehouse) -> Callable[..., DataFrame]:
    """Rows of SPEND from (day, customer, amount[, channel])."""

    def make(*rows: tuple) -> DataFrame:
        texts = [(*row, "store")[:4] if len(row) < 4 else row for row in rows]
        schema = "as_of date, core_id string, amount string, channel string"
        return lake.spark.createDataFrame(texts, schema).withColumn("amount", F.col("amount").cast("decimal(18,2)"))

    return make


def found(df: DataFrame) -> list[tuple]:
    return sorted((row.as_of, row.core_id, str(row.amount)) for row in df.collect())


def test_rows_added_by_several_at_once_are_there_once(lake, rows):
    lake.create(SPEND)
    several = [(rows((MONDAY, "C1", "1.00")), number) for number in (0, 0, 0, 0)]

    def add(each) -> Appended:
        df, number = each
        alone = Lakehouse(lake.spark, lake.settings)  # as another run has it
        return alone.append(df, SPEND, writer="tills", number=number)

    with ThreadPoolExecutor(4) as pool:
        appended = list(pool.map(add, several))

    assert sorted(each.is_repeat for each in appended) == [False, True, True, True]
    assert {each.rows for each in appended} == {1}
    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "1.00")]


def test_a_schema_is_made_once_by_tables_that_are_made_at_once(lake, monkeypatch):
    asked, sql = [], type(lake.spark).sql

    def slowly(session, query: str, *arguments, **named) -> DataFrame:
        if query.startswith("CREATE SCHEMA"):
            asked.append(query)
            sleep(0.5)
        return sql(session, query, *arguments, **named)

    monkeypatch.setattr(type(lake.spark), "sql", slowly)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lake.create, (SPEND, replace(SPEND, name="gold.spend_again")))) == [True, True]

    assert asked == ["CREATE SCHEMA IF NOT EXISTS gold"]


def test_rows_that_are_not_of_the_table_are_refused(lake):
    told = "expected the columns as_of, core_id, amount, channel, found as_of, core_id"
    with pytest.raises(ContractError, match=told):
        lake.rows([{"as_of": MONDAY, "core_id": "C1"}], SPEND)


def test_the_same_number_of_a_writer_adds_once_and_a_later_one_adds(lake, rows):
    first, other = (MONDAY, "C1", "1.00"), (MONDAY, "C2", "2.00")

    assert lake.append(rows(first), SPEND, writer="tills", number=3) == Appended(1, is_repeat=False)
    assert lake.append(rows(first, other), SPEND, writer="tills", number=3) == Appended(1, is_repeat=True)
    with pytest.raises(OvertakenError, match="number 2 to be the next of 'tills'"):
        lake.append(rows(first), SPEND, writer="tills", number=2)
    assert found(lake.read(SPEND)) == [first]

    lake.append(rows(other), SPEND, writer="tills", number=4)
    lake.append(rows(other), SPEND, writer="web", number=3)
    assert found(lake.read(SPEND)) == [first, other, other]
    notes = [(commit.note["writer"], commit.note["number"]) for commit in lake.commits(SPEND)]
    assert notes == [("web", 3), ("tills", 4), ("tills", 3)]
    assert [commit.rows for commit in lake.commits(SPEND)] == [1, 1, 1]


def test_a_number_is_known_however_many_commits_of_others_came_after_it(lake, rows):
    lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=3)
    for number in range(11):
        lake.append(rows((MONDAY, "C2", "2.00")), SPEND, writer="web", number=number)

    assert lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=3) == Appended(1, is_repeat=True)
    with pytest.raises(OvertakenError, match="number 2 to be the next of 'tills'"):
        lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=2)
    assert lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=4) == Appended(1, is_repeat=False)


def test_a_lake_that_is_not_local_has_delta_know_the_number(lake, rows, monkeypatch):
    monkeypatch.setattr(Lakehouse, "is_local", False)
    elsewhere = Lakehouse(lake.spark, lake.settings)

    assert elsewhere.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=3) == Appended(1, False)
    assert elsewhere.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=3) == Appended(1, True)
    with pytest.raises(OvertakenError, match="number 2 to be the next of 'tills'"):
        elsewhere.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=2)
    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "1.00")]


def test_a_slice_is_replaced_and_all_else_stays(lake, rows):
    lake.append(rows((MONDAY, "C1", "1.00"), (TUESDAY, "C1", "1.00")), SPEND, writer="tills", number=0)

    lake.replace(rows((TUESDAY, "C2", "2.00"), (TUESDAY, "C3", "3.00")), SPEND, where="as_of = '2024-07-02'")

    tuesday = [(TUESDAY, "C2", "2.00"), (TUESDAY, "C3", "3.00")]
    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "1.00"), *tuesday]
    lake.replace(rows((MONDAY, "C9", "9.00")), SPEND)
    assert found(lake.read(SPEND)) == [(MONDAY, "C9", "9.00")]
    detail = DeltaTable.forName(lake.spark, "gold.spend").detail().first()
    assert detail.clusteringColumns == ["as_of", "core_id"]
    assert "deletionVectors" not in detail.tableFeatures  # each step of a plan would list the table's files anew
    assert detail.description == "What was spent: by day, in Grandma's shop. Grain: one row per customer per day."
    assert {c.name: c.description for c in lake.spark.catalog.listColumns("gold.spend")} == {
        "as_of": "The day.",
        "core_id": "The customer's id. [pseudonymous]",
        "amount": "How much.",
        "channel": "store or web.",
    }
    with pytest.raises(ContractError, match="amount is below 0: 1 of 1 rows"):
        lake.replace(rows((MONDAY, "C1", "-0.01")), SPEND)
    with pytest.raises(
        ContractError, match=r"^Cannot write gold.spend [^:]*: expected rows that meet .*, found another"
    ):
        lake.replace(rows((TUESDAY, "C1", "1.00")), SPEND, where="as_of = '2024-07-01'")
    assert found(lake.read(SPEND)) == [(MONDAY, "C9", "9.00")]


def test_rows_that_break_the_contract_are_refused_and_missing_values_keep_it(lake, rows):
    lake.append(rows((MONDAY, "C1", None, None)), SPEND, writer="tills", number=0)

    for number, (bad, why) in enumerate(
        [
            ((MONDAY, "C2", "-1.00"), "amount is below 0"),
            ((MONDAY, "C2", "1.00", "fax"), "channel is not one of store, web"),
            ((None, "C2", "1.00"), "as_of is missing"),
        ],
        start=1,
    ):
        with pytest.raises(ContractError, match=rf"Cannot write gold.spend[^:]*:\s+{why}: 1 of 2 rows\nCorrect"):
            lake.append(rows((MONDAY, "C3", "1.00"), bad), SPEND, writer="tills", number=number)
    with pytest.raises(ContractError, match="note: found, but not declared"):
        lake.append(rows().withColumn("note", F.lit("")), SPEND, writer="tills", number=9)

    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "None")]


def test_a_merge_writes_only_what_differs(lake, rows):
    lake.replace(rows((MONDAY, "C1", "1.00"), (MONDAY, "C2", None), (MONDAY, "C3", "3.00")), SPEND)
    before = lake.version(SPEND)

    same = rows((MONDAY, "C1", "1.00"), (MONDAY, "C2", None))
    lake.merge(same, SPEND, note={"loads": 1})
    assert lake.version(SPEND) == before
    assert lake.commits(SPEND)[0].note == {"loads": 1}

    gone = rows((MONDAY, "C3", None), (MONDAY, "C9", None))
    lake.merge(rows((MONDAY, "C1", "1.00"), (MONDAY, "C2", "2.00"), (TUESDAY, "C2", "0.00")), SPEND, gone=gone)
    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "1.00"), (MONDAY, "C2", "2.00"), (TUESDAY, "C2", "0.00")]
    assert lake.version(SPEND) > before
    last = DeltaTable.forName(lake.spark, "gold.spend").history(1).first().operationMetrics
    assert [last[f"numTargetRows{what}"] for what in ("Inserted", "Updated", "Deleted")] == ["1", "1", "1"]
    with pytest.raises(ContractError, match="amount is below 0"):
        lake.merge(rows((MONDAY, "C1", "-1.00")), SPEND)
    assert lake.spark.conf.get(delta.METADATA, None) is None


def test_a_local_log_tells_the_commits_that_delta_tells(lake, rows):
    lake.append(rows((MONDAY, "C1", "1.00"), (MONDAY, "C2", "2.00")), SPEND, writer="tills", number=0)
    lake.append(rows(), SPEND, writer="tills", number=1)
    lake.merge(rows((MONDAY, "C2", "3.00")), SPEND, note={"loads": 1})
    lake.merge(rows((MONDAY, "C2", "3.00")), SPEND)
    lake.spark.sql("DELETE FROM gold.spend WHERE core_id = 'C1'")
    lake.spark.sql("ALTER TABLE gold.spend SET TBLPROPERTIES ('team' = 'tills')")
    lake.replace(rows((TUESDAY, "C1", "1.00")), SPEND, where="as_of = '2024-07-02'", note={"built_from": {}})
    table = DeltaTable.forName(lake.spark, "gold.spend")

    for most in (1, 3, None):
        assert lake.commits_in_log(SPEND, most) == commits_of(entries_told(table, most))
    assert [commit.is_change for commit in lake.commits(SPEND)] == [True, True, False, True, False, True]


TOTALS = Table(
    name="gold.totals",
    doc="Totals.",
    grain="one row per day",
    key=("as_of",),
    columns={"as_of": Column("date", "The day."), "total": Column("decimal(28,2)", "All of it.")},
)


def totals(lake: Lakehouse, factor: int = 1) -> DataFrame:
    total = (F.sum("amount") * factor).cast("decimal(28,2)")
    return lake.read(SPEND).groupBy("as_of").agg(total.alias("total"))


def all_totals(lake: Lakehouse) -> dict[date, Decimal]:
    return {row.as_of: row.total for row in lake.read(TOTALS).collect()}


def test_a_table_is_rebuilt_only_when_an_input_an_argument_or_the_code_has_changed(lake, rows, monkeypatch):
    def refresh(factor: int = 1) -> bool:
        return lake.refresh(TOTALS, lambda: totals(lake, factor), inputs=[SPEND], factor=factor)

    lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=0)
    assert (refresh(), refresh(), all_totals(lake)) == (True, False, {MONDAY: Decimal("1.00")})

    lake.optimize(SPEND)
    lake.merge(rows((MONDAY, "C1", "1.00")), SPEND)
    assert Lakehouse(lake.spark, lake.settings).version(SPEND) == lake.version(SPEND)
    assert refresh() is False

    assert (refresh(factor=2), refresh(factor=2)) == (True, False)
    lake.append(rows((MONDAY, "C2", "5.00")), SPEND, writer="tills", number=1)
    assert (refresh(factor=2), refresh(factor=2), all_totals(lake)) == (True, False, {MONDAY: Decimal("12.00")})

    monkeypatch.setattr(delta, "code_version", lambda layer: "mended")
    assert (refresh(factor=2), refresh(factor=2)) == (True, False)


def test_only_the_days_that_are_not_up_to_date_are_rebuilt_together(lake, rows):
    wednesday, built = TUESDAY + timedelta(days=1), []

    def refresh(*days: date, factor: int = 1) -> list[date]:
        def build(stale: Sequence[date]) -> DataFrame:
            built.append(list(stale))
            return totals(lake, factor).where(F.col("as_of").isin(list(stale)))

        before = len(lake.commits(TOTALS))
        written = lake.refresh_days(TOTALS, build, days, inputs=[SPEND], factor=factor)
        assert len(lake.commits(TOTALS)) == before + bool(written)
        return written

    days = [(day, "C1", f"{number}.00") for number, day in enumerate((MONDAY, TUESDAY, wednesday), start=1)]
    lake.append(rows(*days), SPEND, writer="tills", number=0)
    assert refresh(MONDAY, TUESDAY) == [MONDAY, TUESDAY]
    assert refresh(MONDAY, wednesday, TUESDAY) == [wednesday]
    assert refresh(MONDAY, TUESDAY, wednesday) == []
    assert refresh(TUESDAY, factor=2) == [TUESDAY]
    assert refresh(MONDAY, wednesday) == []
    assert all_totals(lake) == {MONDAY: Decimal("1.00"), TUESDAY: Decimal("4.00"), wednesday: Decimal("3.00")}

    lake.replace(lake.read(TOTALS).where("false"), TOTALS, where=f"as_of = DATE'{MONDAY}'")  # by somebody else
    assert refresh(MONDAY, factor=2) == [MONDAY]
    assert built == [[MONDAY, TUESDAY], [wednesday], [TUESDAY], [MONDAY]]


def forget(lake: Lakehouse, table: Table) -> Path:
    """Take a table out of the catalog. Returns the folder that is left."""
    layer, name = table.name.split(".")
    folder = Path(lake.settings.warehouse_dir) / f"{layer}.db" / name
    kept = folder.rename(folder.with_name("kept"))
    lake.spark.sql(f"DROP TABLE {table.name}")
    lake.made.clear()
    return kept.rename(folder)


@pytest.mark.parametrize("commits", [0, 1])
def test_a_table_whose_making_was_killed_is_made(commits, lake, rows):
    lake.create(SPEND)
    log = forget(lake, SPEND) / "_delta_log"
    (log / ".00000000000000000000.json.abc.tmp").write_text("{")
    for path in sorted(log.glob("*.json"))[commits:]:
        path.unlink()

    lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=0)

    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "1.00")]


def test_a_folder_with_rows_that_the_catalog_does_not_know_is_left_alone(lake, rows):
    lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=0)
    folder = forget(lake, SPEND)

    with pytest.raises(AnalysisException, match="not empty"):
        lake.append(rows((MONDAY, "C2", "2.00")), SPEND, writer="tills", number=1)

    assert found(lake.spark.read.format("delta").load(str(folder))) == [(MONDAY, "C1", "1.00")]
    shutil.rmtree(folder)


def test_a_table_is_read_as_it_was_at_a_version_or_a_time(lake, rows):
    assert lake.read(SPEND).collect() == []
    assert (lake.version(SPEND), lake.commits(SPEND)) == (-1, [])

    lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=0)
    before = lake.version(SPEND)
    lake.append(rows((MONDAY, "C2", "2.00")), SPEND, writer="tills", number=1)

    history = DeltaTable.forName(lake.spark, "gold.spend").history().selectExpr("version", "string(timestamp) AS at")
    times = {row.version: datetime.fromisoformat(row.at) for row in history.collect()}
    assert found(lake.read(SPEND, version=before)) == [(MONDAY, "C1", "1.00")]
    assert found(lake.read(SPEND, at=times[before])) == [(MONDAY, "C1", "1.00")]
    assert found(lake.read(SPEND, at=times[before + 1])) == found(lake.read(SPEND))
    assert len(found(lake.read(SPEND))) == 2


def test_a_table_follows_its_declaration(lake, rows):
    lake.append(rows((MONDAY, "C1", "1.00")), SPEND, writer="tills", number=0)

    wider = replace(
        SPEND,
        columns={**SPEND.columns, "email": Column("string", "Where to write.", "personal")},
        rules=(Between(column="amount", low=0), OneOf(column="channel", values=("store", "web", "fax"))),
    )
    by_fax = rows((MONDAY, "C2", "2.00", "fax")).withColumn("email", F.lit("c2@example.com"))
    lake.append(by_fax, wider, writer="tills", number=1)

    assert [(r.core_id, r.channel, r.email) for r in lake.read(wider).orderBy("core_id").collect()] == [
        ("C1", "store", None),
        ("C2", "fax", "c2@example.com"),
    ]
    comments = {c.name: c.description for c in lake.spark.catalog.listColumns("gold.spend")}
    assert comments["email"] == "Where to write. [personal]"
    with pytest.raises(ContractError, match="channel is not one of"):
        lake.append(by_fax.withColumn("channel", F.lit("pigeon")), wider, writer="tills", number=2)

    no_fax = replace(wider, rules=SPEND.rules)
    with pytest.raises(PySparkException, match=r"contract|violate"):
        lake.append(by_fax.where("false"), no_fax, writer="tills", number=3)
    lake.replace(by_fax.withColumn("channel", F.lit("web")), no_fax)
    with pytest.raises(ContractError, match="channel is not one of"):
        lake.append(by_fax, no_fax, writer="tills", number=4)


def test_a_column_says_what_its_declaration_says_now_and_never_takes_values_that_its_type_cannot_hold(lake, rows):
    of_monday = rows((MONDAY, "C1", "1.00"))
    lake.append(of_monday, SPEND, writer="tills", number=0)

    said = replace(SPEND, columns={**SPEND.columns, "channel": Column("string", "The till's.", "personal")})
    lake.append(of_monday, said, writer="tills", number=1)
    retyped = replace(SPEND, columns={**SPEND.columns, "amount": Column("string", ""), "channel": Column("int", "")})
    with pytest.raises(ContractError) as refused:
        lake.append(of_monday, retyped, writer="tills", number=2)

    comments = {c.name: c.description for c in lake.spark.catalog.listColumns("gold.spend")}
    assert comments["channel"] == "The till's. [personal]"
    assert "amount: declared string, the table has decimal(18,2)" in str(refused.value)
    assert "channel: declared int, the table has string" in str(refused.value)
    narrower = {**SPEND.columns, "amount": Column("decimal(10,2)", "The amount.")}
    lake.append(of_monday.withColumn("amount", F.col("amount").cast("decimal(10,2)")),
                replace(SPEND, columns=narrower), writer="tills", number=2)  # fmt: skip
    assert lake.read(SPEND).count() == 3


def test_a_local_log_tells_by_which_declaration_the_table_has_its_columns(lake, rows):
    wider = replace(SPEND, columns={**SPEND.columns, "email": Column("string", "Where to write.", "personal")})
    log = lake.folder(SPEND) / "_delta_log"
    assert declaration_of(log) is None

    lake.create(SPEND)
    assert declaration_of(log) == SPEND.fingerprint
    lake.append(rows((MONDAY, "C1", "1.00")).withColumn("email", F.lit(None)), wider, writer="tills", number=0)
    assert declaration_of(log) == wider.fingerprint
    lake.spark.sql("OPTIMIZE gold.spend")
    assert declaration_of(log) == wider.fingerprint
    lake.spark.sql("RESTORE TABLE gold.spend TO VERSION AS OF 0")  # the columns that it had then, too
    assert declaration_of(log) is None
    lake = Lakehouse(lake.spark, lake.settings)
    lake.append(rows((MONDAY, "C2", "1.00")).withColumn("email", F.lit(None)), wider, writer="tills", number=1)
    assert "email" in lake.read(wider).columns


def test_young_tables_are_read_by_the_files_that_their_log_names(lake, rows, monkeypatch):
    few = lake.for_few_rows
    assert few.read(SPEND).collect() == []
    few.append(rows((MONDAY, "C1", "1.00"), (TUESDAY, "C1", "1.50")), SPEND, writer="tills", number=0)
    few.append(rows((MONDAY, "C2", "2.00")), SPEND, writer="tills", number=1)
    few.replace(rows((TUESDAY, "C3", "3.00")), SPEND, where="as_of = '2024-07-02'")

    def same_as_delta() -> bool:
        mine, theirs = few.read(SPEND), lake.read(SPEND)
        assert sorted(Path(each).name for each in mine.inputFiles()) == sorted(
            Path(each).name for each in theirs.inputFiles()
        )
        return mine.columns == theirs.columns and found(mine) == found(theirs)

    young = files_of(lake.folder(SPEND))
    assert young is not None
    assert same_as_delta()
    few.merge(rows((MONDAY, "C1", "9.00")), SPEND, gone=rows((MONDAY, "C2", "2.00")))
    lake.optimize(SPEND)
    assert same_as_delta()
    lake.spark.sql("ALTER TABLE gold.spend ADD COLUMNS (email string)")
    assert same_as_delta()
    lake.spark.sql("DELETE FROM gold.spend")
    assert found(few.read(SPEND)) == []

    monkeypatch.setattr(files, "MOST", 3)
    assert files_of(lake.folder(SPEND)) is None
    assert same_as_delta()


def test_a_young_log_tells_values_that_end_a_line_elsewhere(lake, rows):
    odd = "C\u2028\u0085 1"

    lake.replace(rows((MONDAY, odd, "1.00")), SPEND)

    assert files_of(lake.folder(SPEND)).rows == 1
    assert found(lake.for_few_rows.read(SPEND)) == [(MONDAY, odd, "1.00")]


def test_a_young_log_tells_how_the_table_is_made_as_delta_does(lake, rows):
    def same_as_delta() -> bool:
        detail = DeltaTable.forName(lake.spark, SPEND.name).detail().first()
        young = files_of(lake.folder(SPEND))
        return young and (list(young.clustered_by), young.properties) == (detail.clusteringColumns, detail.properties)

    lake.create(SPEND)
    assert same_as_delta()
    assert files_of(lake.folder(SPEND)).clustered_by == SPEND.cluster_by
    rows((MONDAY, "C1", "1.00")).writeTo(SPEND.name).overwrite(F.lit(True))
    assert same_as_delta()
    assert files_of(lake.folder(SPEND)).clustered_by == ()
    lake.cluster(SPEND)
    lake.spark.sql("ALTER TABLE gold.spend DROP CONSTRAINT contract")
    assert same_as_delta()
    assert lake.contract(SPEND) is None
    lake.replace(rows((MONDAY, "C1", "1.00")), SPEND)
    assert lake.contract(SPEND)
    assert same_as_delta()


def test_what_is_put_in_the_place_of_no_rows_is_added(lake, rows):
    few = lake.for_few_rows

    def modes() -> list[str]:
        history = lake.spark.sql("DESCRIBE HISTORY gold.spend").where("operation = 'WRITE'").orderBy("version")
        return [row.operationParameters["mode"] for row in history.collect()]

    few.replace(rows(), SPEND, note={"built_from": "nothing"})
    assert few.newest_note(SPEND) == {"built_from": "nothing"}
    assert few.version(SPEND) == -1

    few.replace(rows((MONDAY, "C1", "1.00")), SPEND, where="as_of = '2024-07-01'", note={"built_from": "something"})
    assert few.newest_note(SPEND) == {"built_from": "something"}
    few.replace(rows((TUESDAY, "C1", "1.50")), SPEND, where="as_of = '2024-07-02'")
    assert modes() == ["Append", "Append", "Append"]
    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "1.00"), (TUESDAY, "C1", "1.50")]

    few.replace(rows((TUESDAY, "C2", "2.00")), SPEND, where="as_of = '2024-07-02'")
    assert modes()[-1] == "Overwrite"
    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "1.00"), (TUESDAY, "C2", "2.00")]
    few.replace(rows((TUESDAY, "C3", "3.00")), SPEND)
    assert modes()[-1] == "Overwrite"
    assert files_of(lake.folder(SPEND)).clustered_by == SPEND.cluster_by
    lake.spark.sql("DELETE FROM gold.spend")
    few.replace(rows((MONDAY, "C4", "4.00")), SPEND)
    assert modes()[-1] == "Append"
    assert found(lake.read(SPEND)) == [(MONDAY, "C4", "4.00")]


@pytest.mark.parametrize("where", ["as_of = '2024-07-02'", "as_of > nullif(as_of, as_of)"])
def test_rows_that_are_added_must_meet_the_condition_whose_rows_they_are_to_replace(where, lake, rows):
    days = lake.spark.createDataFrame([(MONDAY,), (TUESDAY,)], "as_of date")
    on_monday = days.join(rows((MONDAY, "C1", "1.00")), on="as_of")

    with pytest.raises(
        ContractError, match=r"^Cannot write gold.spend \(one row per [^:]*: expected rows that meet .*, found another"
    ):
        lake.replace(on_monday, SPEND, where=where)
    with pytest.raises(ContractError, match="as_of is missing: 1 of 1 rows"):
        lake.replace(rows((None, "C1", "1.00")), SPEND, where=where)

    lake.replace(on_monday, SPEND, where="as_of = '2024-07-01'")  # and no other row is asked
    assert found(lake.read(SPEND)) == [(MONDAY, "C1", "1.00")]


def test_a_slice_that_several_put_there_at_once_is_there_once(lake, rows):
    lake.create(SPEND)

    def put(number: int) -> None:
        lake.for_few_rows.replace(rows((MONDAY, "C1", f"{number}.00")), SPEND, where="as_of = '2024-07-01'")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))

    assert lake.read(SPEND).count() == 1


def test_a_log_that_asks_more_of_its_readers_is_left_to_delta(lake, rows):
    lake.append(rows((MONDAY, "C1", "1.00"), (MONDAY, "C2", "2.00")), SPEND, writer="tills", number=0)
    lake.spark.sql("ALTER TABLE gold.spend SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    lake.spark.sql("DELETE FROM gold.spend WHERE core_id = 'C1'")

    assert files_of(lake.folder(SPEND)) is None
    assert found(lake.for_few_rows.read(SPEND)) == [(MONDAY, "C2", "2.00")]


def test_what_dozens_of_tables_hold_is_read_in_few_tasks_in_a_session_for_few_rows(lake):
    dozens = lake.spark.range(0, 24, 1, 24)

    in_few = lake.for_few_rows.in_few_tasks(dozens)

    assert in_few.rdd.getNumPartitions() == 2 * lake.spark.sparkContext.defaultParallelism
    assert sorted(row.id for row in in_few.collect()) == list(range(24))
    assert lake.in_few_tasks(dozens).rdd.getNumPartitions() == 24


def test_keeping_a_table_small_changes_no_row(lake, rows):
    for number in range(3):
        lake.append(rows((MONDAY, f"C{number}", "1.00")), SPEND, writer="tills", number=number)
    before = found(lake.read(SPEND))

    lake.optimize(SPEND)
    lake.vacuum(SPEND)

    assert DeltaTable.forName(lake.spark, "gold.spend").detail().first().numFiles == 1
    assert found(lake.read(SPEND)) == before


def test_a_catalog_is_a_setting_alone(lake, rows):
    in_catalog = Lakehouse(lake.spark, Settings(home=lake.settings.home, catalog="spark_catalog"))

    assert in_catalog.refresh(SPEND, lambda: rows((MONDAY, "C1", "1.00")), inputs=[])
    in_catalog.append(rows((MONDAY, "C2", "2.00")), SPEND, writer="tills", number=0)
    in_catalog.merge(rows((MONDAY, "C1", "3.00")), SPEND)
    in_catalog.optimize(SPEND)

    assert found(in_catalog.read(SPEND)) == [(MONDAY, "C1", "3.00"), (MONDAY, "C2", "2.00")]
    assert found(lake.read(SPEND)) == found(in_catalog.read(SPEND))


def test_names_have_the_catalog_before_them_only_where_one_is_set():
    assert Settings(catalog="main").table("gold.spend") == "main.gold.spend"
    assert Settings().table("gold.spend") == "gold.spend"


def test_bronze_has_no_contract_since_its_rules_send_rows_to_quarantine():
    assert contract_of(replace(SPEND, name="bronze.spend")) is None
    assert contract_of(SPEND) == ("coalesce((`amount` >= 0), true) AND coalesce((`channel` IN ('store', 'web')), true)")
    assert contract_of(replace(SPEND, rules=(Between(column="amount", low=0, severity="warning"),))) is None


@pytest.mark.parametrize("text", [None, "", "optimised by hand", "[1]", "{"])
def test_a_commit_without_a_note_of_ours_says_nothing(text):
    assert read_note(text) == {}


def test_rows_are_counted_by_the_log_as_delta_counts_them(lake, rows):
    lake.add(rows((MONDAY, "C1", "1.00"), (MONDAY, "C2", "2.00"), (TUESDAY, "C1", "3.00")), SPEND)
    lake.replace(rows((MONDAY, "C9", "1.00")), SPEND, where=f"as_of = DATE'{MONDAY}'")
    lake.merge(rows((TUESDAY, "C2", "4.00"), (MONDAY, "C9", "5.00")), SPEND)
    other = replace(SPEND, name="gold.nothing_spent")
    lake.create(other)
    names = [SPEND.name, other.name]

    assert lake.counts(names) == {SPEND.name: 3, other.name: 0}
    lake.spark.sql(f"DELETE FROM {SPEND.name} WHERE core_id = 'C9'")
    assert lake.counts(names) == {SPEND.name: 2, other.name: 0}


def test_rows_of_a_table_that_is_not_young_are_counted_by_delta(lake, rows, monkeypatch):
    lake.add(rows((MONDAY, "C1", "1.00"), (MONDAY, "C2", "2.00")), SPEND)
    monkeypatch.setattr(files, "MOST", 0)

    assert lake.counts([SPEND.name]) == {SPEND.name: 2}
