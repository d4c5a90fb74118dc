"""The way in: every line of every file lands once, in bronze or in quarantine, whatever is broken or killed."""

import gzip
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from bronze import ingest as ingesting
from bronze.checkpoint import InUseError
from bronze.ingest import Landed, ingest
from bronze.landing import UnreadableFilesError
from bronze.ledger import FILES, LOADS, QUARANTINE
from bronze.plan import relative
from bronze.registry import declared_sources
from bronze.source import Field, Source
from lakehouse.delta import Appended, Lakehouse
from lakehouse.rules import Between, Holds
from lakehouse.settings import Settings
from lakehouse.tables import Table
from tests.bronze.told import listed_unless, opened_unless

MONDAY, TUESDAY, WEDNESDAY = (datetime(2024, 7, day, 3, 10) for day in (1, 2, 3))

TILLS = Source(
    name="tills",
    doc="Lines of the tills.",
    path="pos/*",
    format="csv",
    key=("id",),
    columns={"id": Field("int"), "amount": Field("decimal(10,2)")},
    rules=(Between(column="amount", low=0),),
)

DECLARED_OUTSIDE = """
from bronze.source import Field, Source
from lakehouse.rules import Between, OneOf

VISITS = Source(
    name="visits",
    doc="Visits of the web shop.",
    path="web/*.jsonl*",
    format="jsonl",
    key=("id",),
    columns={"id": Field("int"), "page": Field("string", path="seen.page")},
    rules=(OneOf(column="page", values=("home", "cart")),),
)

STOCK = Source(
    name="stock",
    doc="What is in stock.",
    path="stock/*.parquet",
    format="parquet",
    key=("id",),
    columns={"id": Field("bigint")},
    rules=(Between(column="id", low=1),),
)
"""


@dataclass(frozen=True)
class Landing:
    """The folder where files arrive."""

    folder: Path

    def put(self, file: str, content: str | bytes | pa.Table, at: datetime = MONDAY) -> str:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(as_bytes(file, content) if isinstance(content, str) else content)
        os.utime(path, (at.timestamp(), at.timestamp()))
        return file


def as_bytes(file: str, content: str) -> bytes:
    return gzip.compress(content.encode()) if file.endswith(".gz") else content.encode()


def landed_in(lake: Lakehouse, source: Source, *columns: str) -> list[tuple]:
    chosen = columns or ("_load_id", "_file", "_position", *source.columns)
    return sorted(tuple(row) for row in lake.read(source.table).select(*chosen).collect())


def quarantined(lake: Lakehouse) -> list[tuple]:
    rows = lake.read(QUARANTINE).select("load_id", "file", "position", "raw").collect()
    return sorted(tuple(row) for row in rows)


def attempts(lake: Lakehouse) -> list[tuple]:
    rows = lake.read(LOADS).orderBy("ended_at", "source").collect()
    return [(row.source, row.load_id, row.status, row.rows, row.quarantined) for row in rows]


def run(lake: Lakehouse, *sources: Source) -> list[Landed]:
    done: list[Landed] = []
    ingest(Lakehouse(lake.spark, lake.settings), sources, on_landed=done.append)
    return done


@pytest.fixture
def landing(lake: Lakehouse) -> Landing:
    folder = Path(lake.settings.landing_dir)
    folder.mkdir()
    return Landing(folder)


# One landing with all that may happen, taken in once


@dataclass(frozen=True)
class Taken:
    lake: Lakehouse
    landing: Landing
    sources: list[Source]
    landed: list[Landed]


@pytest.fixture(scope="module")
def taken(spark: SparkSession, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    folder = tmp_path_factory.mktemp("arrives here")
    landing = Landing(folder / "landing")
    landing.put("pos/monday.csv", "id,amount\n1,1.00\n2,-1.00\n3,x,7\n4,4.00\n")
    landing.put("pos/50%25 ü #1;?.csv.gz", "amount,id,till\n5.00,5,A\n", at=TUESDAY)
    landing.put("pos/torn.csv.gz", as_bytes("torn.csv.gz", "id,amount\n6,6.00\n")[:-8])
    landing.put("web/visits.jsonl.gz", '{"id":1,"seen":{"page":"home"}}\n{"id":2,"seen":{"page":"404"}}\n{"id":3\n')
    landing.put("stock/a b.parquet", pa.table({"id": [0, 1, 2]}))
    landing.put("notes/readme.txt", "nobody declared me")
    (folder / "declared").mkdir()
    (folder / "declared" / "shop.py").write_text(DECLARED_OUTSIDE)
    sources = [TILLS, *declared_sources(folder / "declared")]
    lake = Lakehouse(spark, Settings(home=home, landing=str(landing.folder), state=str(folder / "state")))
    done: list[Landed] = []
    ingest(lake, sources, on_landed=done.append)
    yield Taken(lake, landing, sources, done)
    spark.sql("DROP DATABASE IF EXISTS bronze CASCADE")


def test_every_line_is_in_bronze_or_in_quarantine(taken):
    tills, stock, visits = taken.sources
    odd = "pos/50%25 ü #1;?.csv.gz"

    assert landed_in(taken.lake, tills, "_file", "_position", "id", "_rescued") == [
        (odd, 2, 5, '{"till": "A"}'),
        ("pos/monday.csv", 2, 1, None),
        ("pos/monday.csv", 5, 4, None),
        ("pos/torn.csv.gz", 2, 6, None),
    ]
    assert landed_in(taken.lake, stock, "_file", "_position", "id") == [
        ("stock/a b.parquet", 2, 1),
        ("stock/a b.parquet", 3, 2),
    ]
    assert landed_in(taken.lake, visits, "_file", "_position", "id", "page") == [("web/visits.jsonl.gz", 1, 1, "home")]
    refused = taken.lake.read(QUARANTINE).orderBy("source", "file", "position").collect()
    assert [(row.source, row.file, row.position, row.raw, row.reasons) for row in refused] == [
        ("stock", "stock/a b.parquet", 1, '{"id":0}', ["id is below 1"]),
        ("tills", "pos/monday.csv", 3, "2,-1.00", ["amount is below 0"]),
        ("tills", "pos/monday.csv", 4, "3,x,7", ["expected 2 fields, found 3"]),
        (
            "tills",
            "pos/torn.csv.gz",
            3,
            None,
            ["the file breaks off: Compressed file ended before the end-of-stream marker was reached"],
        ),
        ("visits", "web/visits.jsonl.gz", 2, '{"id":2,"seen":{"page":"404"}}', ["page is not one of home, cart"]),
        (
            "visits",
            "web/visits.jsonl.gz",
            3,
            '{"id":3',
            ["not JSON: Expecting ',' delimiter: line 1 column 8 (char 7)"],
        ),
    ]


def test_every_file_is_noted_and_one_that_nobody_declared_has_no_source(taken):
    rows = taken.lake.read(FILES).collect()

    assert {row.file: row.source for row in rows} == {
        "notes/readme.txt": None,
        "pos/50%25 ü #1;?.csv.gz": "tills",
        "pos/monday.csv": "tills",
        "pos/torn.csv.gz": "tills",
        "stock/a b.parquet": "stock",
        "web/visits.jsonl.gz": "visits",
    }
    assert {row.file: row.bytes for row in rows} == {
        row.file: (taken.landing.folder / row.file).stat().st_size for row in rows
    }
    assert {row.load_id for row in rows} == {0}


def test_every_load_is_noted_with_its_rows(taken):
    expected = [("stock", 0, "landed", 2, 1), ("tills", 0, "landed", 4, 3), ("visits", 0, "landed", 1, 2)]

    assert sorted(attempts(taken.lake)) == expected
    assert sorted((each.source, each.load_id, each.rows, each.quarantined) for each in taken.landed) == [
        (source, load_id, rows, quarantined) for source, load_id, _, rows, quarantined in expected
    ]
    assert {row.source: row.files for row in taken.lake.read(LOADS).collect()} == {"stock": 1, "tills": 3, "visits": 1}


def test_a_row_arrived_when_its_file_was_written(taken):
    arrived = Counter()
    for source in taken.sources:
        arrived.update(row._arrived_at for row in taken.lake.read(source.table).collect())
    arrived.update(row.arrived_at for row in taken.lake.read(QUARANTINE).collect())

    assert arrived == {MONDAY: 12, TUESDAY: 1}


def test_a_second_run_adds_nothing(taken):
    tables: list[Table] = [FILES, LOADS, QUARANTINE, *(source.table for source in taken.sources)]
    before = [taken.lake.commits_in_log(table) for table in tables]

    assert run(taken.lake, *taken.sources) == []

    assert [taken.lake.commits_in_log(table) for table in tables] == before


def test_files_that_come_later_or_late_land_in_the_next_load(taken):
    later = taken.landing.put("pos/later.csv", "id,amount\n7,7.00\n", at=TUESDAY)
    late = taken.landing.put("pos/late.csv", "id,amount\n8,8.00\n", at=datetime(1999, 12, 31))

    landed = run(taken.lake, *taken.sources)

    assert [(each.source, each.load_id, each.files, each.rows) for each in landed] == [("tills", 1, 2, 2)]
    rows = taken.lake.read(TILLS.table).where("_load_id = 1").collect()
    assert {(row._file, row._arrived_at, row.id) for row in rows} == {
        (later, TUESDAY, 7),
        (late, datetime(1999, 12, 31), 8),
    }


def test_a_file_lands_when_a_source_that_claims_it_is_declared(taken):
    notes = replace(
        TILLS, name="notes", path="notes/*", columns={"id": Field("string")}, rules=(), options={"header": "false"}
    )

    assert [(each.source, each.load_id, each.rows) for each in run(taken.lake, notes)] == [("notes", 2, 1)]
    assert landed_in(taken.lake, notes, "_file", "id") == [("notes/readme.txt", "nobody declared me")]
    assert taken.lake.read(FILES).count() == 9  # a version for each that says whose it is
    assert run(taken.lake, notes, *taken.sources) == []


def test_files_land_once_though_the_folder_of_the_state_is_lost(taken):
    shutil.rmtree(taken.lake.settings.state_dir)
    taken.landing.put("pos/new.csv", "id,amount\n9,9.00\n")

    landed = run(taken.lake, *taken.sources)

    assert [(each.source, each.load_id, each.rows) for each in landed] == [("tills", 3, 1)]
    assert len(landed_in(taken.lake, TILLS, "id")) == len(set(landed_in(taken.lake, TILLS, "id"))) == 7


# The same again, and other content under the same name


def noted(lake: Lakehouse) -> list[tuple]:
    rows = lake.read(FILES).orderBy("file", "version").collect()
    return [(row.file, row.version, row.bytes, row.load_id, row.same_as) for row in rows]


def test_files_without_records_land_none_and_are_noted(lake, landing):
    landing.put("pos/header.csv", "id,amount\n")
    landing.put("pos/empty.csv.gz", "")

    run(lake, TILLS)

    assert landed_in(lake, TILLS) == []
    assert attempts(lake) == [("tills", 0, "landed", 0, 0)]


def test_each_content_lands_once_and_each_version_of_a_file_is_noted(lake, landing):
    lines, more = "id,amount\n1,1.00\n2,-2.00\n", "id,amount\n1,1.00\n2,-2.00\n3,3.00\n"
    landing.put("pos/a.csv", lines)
    landing.put("pos/b.csv", lines, at=TUESDAY)
    landing.put("pos/none.csv", "")
    run(lake, TILLS)
    assert noted(lake) == [
        ("pos/a.csv", 1, len(lines), 0, None),
        ("pos/b.csv", 1, len(lines), 0, "pos/a.csv"),
        ("pos/none.csv", 1, 0, 0, None),
    ]

    landing.put("pos/a.csv", lines, at=TUESDAY)  # the same, delivered again
    landing.put("pos/b.csv", more, at=WEDNESDAY)  # written again, with a line more
    assert [(each.load_id, each.files, each.rows, each.quarantined) for each in run(lake, TILLS)] == [(1, 1, 2, 1)]
    (landing.folder / "pos/a.csv").rename(landing.folder / "pos/renamed.csv")
    assert run(lake, TILLS) == []
    assert run(lake, TILLS) == []

    assert noted(lake) == [
        ("pos/a.csv", 1, len(lines), 0, None),
        ("pos/a.csv", 2, len(lines), 1, "pos/a.csv"),
        ("pos/b.csv", 1, len(lines), 0, "pos/a.csv"),
        ("pos/b.csv", 2, len(more), 1, None),
        ("pos/none.csv", 1, 0, 0, None),
        ("pos/renamed.csv", 1, len(lines), 2, "pos/a.csv"),
    ]
    assert len({row.content_hash for row in lake.read(FILES).collect()}) == 3
    assert landed_in(lake, TILLS) == [
        (0, "pos/a.csv", 2, 1, 1),
        (1, "pos/b.csv", 2, 1, 1),
        (1, "pos/b.csv", 4, 3, 3),
    ]
    assert quarantined(lake) == [(0, "pos/a.csv", 3, "2,-2.00"), (1, "pos/b.csv", 3, "2,-2.00")]


def test_a_file_that_is_not_as_it_was_planned_is_refused_and_its_new_content_lands(lake, landing, monkeypatch):
    landing.put("pos/changed.csv", "id,amount\n1,1.00\n")
    landing.put("pos/gone.csv", "id,amount\n2,2.00\n")
    landing.put("pos/still.csv", "id,amount\n3,3.00\n")
    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "land_all", lambda lake, loads, on_landed: list(loads))
        run(lake, TILLS)
    landing.put("pos/changed.csv", "id,amount\n1,10.00\n", at=TUESDAY)
    (landing.folder / "pos/gone.csv").unlink()

    assert [(each.load_id, each.rows, each.quarantined) for each in run(lake, TILLS)] == [(0, 1, 2), (1, 1, 0)]
    landing.put("pos/back.csv", "id,amount\n2,2.00\n", at=TUESDAY)  # what was gone is no content that has landed
    assert [(each.load_id, each.rows) for each in run(lake, TILLS)] == [(2, 1)]

    assert landed_in(lake, TILLS) == [
        (0, "pos/still.csv", 2, 3, 3),
        (1, "pos/changed.csv", 2, 1, 10),
        (2, "pos/back.csv", 2, 2, 2),
    ]
    reasons = {row.file: row.reasons for row in lake.read(QUARANTINE).collect()}
    assert reasons == {
        "pos/changed.csv": [
            "the file was changed before it was read: expected 17 bytes of 2024-07-01 03:10:00, "
            "found 18 bytes of 2024-07-02 03:10:00"
        ],
        "pos/gone.csv": ["the file was deleted before it was read"],
    }


def test_a_file_that_was_touched_before_it_was_read_lands_as_planned(lake, landing, monkeypatch):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n2,-2.00\n")
    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "land_all", lambda lake, loads, on_landed: list(loads))
        run(lake, TILLS)
    landing.put("pos/a.csv", "id,amount\n1,1.00\n2,-2.00\n", at=TUESDAY)

    run(lake, TILLS)

    assert landed_in(lake, TILLS) == [(0, "pos/a.csv", 2, 1, 1)]
    assert quarantined(lake) == [(0, "pos/a.csv", 3, "2,-2.00")]
    assert [(file, version, same_as) for file, version, _, _, same_as in noted(lake)] == [
        ("pos/a.csv", 1, None),
        ("pos/a.csv", 2, "pos/a.csv"),
    ]


def test_a_file_that_changes_before_its_refused_rows_are_read_again_does_not_land_twice(lake, landing, monkeypatch):
    lines = "id,amount\n1,1.00\n2,-2.00\n"
    landing.put("pos/a.csv", lines)

    def changes_just_after(*file) -> None:
        landing.put("pos/a.csv", "id,amount\n3,3.00\n", TUESDAY)

    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "change", changes_just_after)
        (told,) = run(lake, TILLS)
    assert "pos/a.csv: the file was changed before it was read" in (told.error or "")

    landing.put("pos/copy.csv", lines, at=WEDNESDAY)
    run(lake, TILLS)

    assert landed_in(lake, TILLS) == [(0, "pos/a.csv", 2, 1, 1), (1, "pos/a.csv", 2, 3, 3)]
    assert quarantined(lake) == [(0, "pos/a.csv", -1, None)]


@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["at once", "after a kill"])
def test_a_file_that_was_away_while_the_good_rows_were_written_lands_whole_later(
    lake, landing, monkeypatch, format, is_killed
):
    source = replace(TILLS, format=format)
    content = "id,amount\n1,1.00\n2,-2.00\n" if format == "csv" else pa.table({"id": [1, 2], "amount": [1, -2]})
    landing.put("pos/a", content)
    landing.put("pos/b", "id,amount\n3,3.00\n" if format == "csv" else pa.table({"id": [3], "amount": [3]}))
    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "land_all", lambda lake, loads, on_landed: list(loads))
        run(lake, source)
    (landing.folder / "pos/a").rename(landing.folder / ".away")
    append = Lakehouse.append

    def back_after(self: Lakehouse, df, to: Table, **how) -> Appended:
        added = append(self, df, to, **how)
        if to.name == source.table.name and (landing.folder / ".away").exists():
            (landing.folder / ".away").rename(landing.folder / "pos/a")
            if is_killed:
                raise PySparkException("killed")
        return added

    monkeypatch.setattr(Lakehouse, "append", back_after)
    landed = [run(lake, source) for _ in range(3)]

    assert landed[2] == []
    assert landed_in(lake, source, "_file", "id", "amount") == [("pos/a", 1, 1), ("pos/b", 3, 3)]
    told = lake.read(QUARANTINE).orderBy("position").collect()
    assert [(row.file, row.position) for row in told] == [("pos/a", 0), ("pos/a", 3 if format == "csv" else 2)]
    assert told[0].reasons[0].startswith("the file was changed before it was read: ")


def test_a_damaged_parquet_file_of_which_rows_have_landed_is_not_told_as_refused_whole(lake, landing):
    """Spark skips a part of which it knows by the footer that all keys are missing, and so reads no damaged page."""
    stock = replace(TILLS, name="stock", path="stock/*", format="parquet")
    rows = pa.table({"id": pa.array([1, None], pa.int32())})
    landing.put("stock/a", with_last_page_damaged(rows))

    assert [(each.rows, each.quarantined, each.error) for each in run(lake, stock)] == [(1, 1, None)]

    assert landed_in(lake, stock, "_file", "id") == [("stock/a", 1)]
    assert quarantined(lake) == [(0, "stock/a", -1, None)]
    (reason,) = lake.read(QUARANTINE).select("reasons").collect()[0].reasons
    assert reason.startswith("its good rows have landed, and which of its other records were refused is not known: ")
    assert "the file is damaged: " in reason
    assert run(lake, stock) == []


def test_a_damaged_parquet_file_is_refused_whole_and_the_others_of_its_load_land(lake, landing):
    stock = replace(TILLS, name="stock", path="stock/*", format="parquet")
    landing.put("stock/a", pa.table({"id": [1]}))
    landing.put("stock/b", with_last_page_damaged(pa.table({"id": [2, 3]})))

    assert [(each.rows, each.quarantined, each.error) for each in run(lake, stock)] == [(1, 1, None)]

    assert landed_in(lake, stock) == [(0, "stock/a", 1, 1, None)]
    assert quarantined(lake) == [(0, "stock/b", 0, None)]
    (reason,) = lake.read(QUARANTINE).select("reasons").collect()[0].reasons
    assert reason.startswith("the file is damaged: ")


def with_last_page_damaged(rows: pa.Table) -> bytes:
    """Its footer is sound, and so are its pages but the last."""
    file = BytesIO()
    pq.write_table(rows, file, row_group_size=1)
    metadata = pq.read_metadata(file)
    at = metadata.row_group(metadata.num_row_groups - 1).column(0).data_page_offset
    content = file.getvalue()
    return content[:at] + b"\xff" * 20 + content[at + 20 :]


# Another run beside this one


def test_loads_that_another_run_notes_between_two_passes_land_before_later_ones(lake, landing, monkeypatch):
    """Else their number would be overtaken, and their rows never added."""
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")
    landed: list[Landed] = []

    def second_pass(lake, take_in, checkpoint, continuous) -> None:
        landing.put("pos/b.csv", "id,amount\n2,2.00\n")
        with monkeypatch.context() as patch:  # the other notes it and is killed
            patch.setattr(ingesting, "land_all", lambda lake, loads, on_landed: list(loads))
            other = Settings(home=lake.settings.home, state=f"{lake.settings.state_dir}/other")
            ingest(Lakehouse(lake.spark.newSession(), other), [TILLS])
        landing.put("pos/c.csv", "id,amount\n3,3.00\n")
        take_in(None, 0)

    monkeypatch.setattr(ingesting, "started", second_pass)
    ingest(lake, [TILLS], continuous=True, on_landed=landed.append)

    assert [(each.load_id, each.error) for each in landed] == [(0, None), (1, None), (2, None)]
    assert landed_in(lake, TILLS, "_load_id", "id") == [(0, 1), (1, 2), (2, 3)]


def test_a_run_that_is_behind_finds_that_another_landed_all_of_its_load(lake, landing, monkeypatch):
    """The other refused nothing of the first load, and something of the second."""
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")
    loads = []
    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "land_all", lambda lake, noted, on_landed: loads.extend(noted) or list(noted))
        run(lake, TILLS)
    run(lake, TILLS)
    landing.put("pos/b.csv", "id,amount\n2,-2.00\n")
    run(lake, TILLS)

    assert ingesting.land(lake, loads[0]) == (1, 0)
    assert quarantined(lake) == [(1, "pos/b.csv", 2, "2,-2.00")]


def test_two_runs_with_one_checkpoint_do_not_disturb_each_other(lake, landing):
    """The second says so, and the first lands what it found."""
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")

    def run_another(landed: Landed) -> None:
        with pytest.raises(InUseError, match=r"ingest for this run alone, .*\n.* \(--state\)"):
            run(Lakehouse(lake.spark.newSession(), lake.settings), TILLS)
        done.append(landed)

    done: list[Landed] = []
    ingest(lake, [TILLS], on_landed=run_another)

    assert [(each.rows, each.error) for each in done] == [(1, None)]
    assert run(lake, TILLS) == []


# What fails


def test_a_file_that_cannot_be_opened_is_named_and_lands_once_it_can(lake, landing, monkeypatch):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")
    landing.put("pos/b.csv", "id,amount\n2,2.00\n")
    with monkeypatch.context() as patch:
        patch.setattr("bronze.landing.open_file", opened_unless("b.csv"))
        told = run(lake, TILLS)

    assert [(each.source, each.rows, each.error) for each in told] == [
        ("tills", 1, None),
        (
            "tills",
            0,
            f"files that cannot be opened for now: [Errno 13] Permission denied: '{landing.folder / 'pos/b.csv'}'",
        ),
    ]
    assert [(each.load_id, each.rows, each.error) for each in run(lake, TILLS)] == [(1, 1, None)]
    assert [(row.file, row.content_hash is None) for row in lake.read(FILES).orderBy("file").collect()] == [
        ("pos/a.csv", False),
        ("pos/b.csv", False),
    ]


def test_a_folder_that_cannot_be_listed_is_named_and_nothing_is_noted(lake, landing, monkeypatch):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")
    landing.put("web/b.csv", "id,amount\n2,2.00\n")
    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", listed_unless("web"))
        with pytest.raises(PermissionError, match=r"^\[Errno 13\] Permission denied: '.*web'$"):
            run(lake, TILLS)
    assert lake.read(FILES).count() == lake.read(LOADS).count() == 0

    assert [(each.load_id, each.rows, each.error) for each in run(lake, TILLS)] == [(0, 1, None)]


def test_a_source_that_fails_is_reported_holds_up_no_other_and_lands_once_mended(lake, landing):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")
    landing.put("web/a.csv", "id,amount\n2,2.00\n")
    web = replace(TILLS, name="web", path="web/*")
    broken = replace(web, rules=(Holds(condition="price > 0", otherwise="price is missing"),))

    landed = {each.source: each for each in run(lake, TILLS, broken)}
    assert (landed["tills"].error, landed["tills"].rows) == (None, 1)
    assert "price" in (landed["web"].error or "")
    assert landed_in(lake, web) == []

    landing.put("web/b.csv", "id,amount\n3,3.00\n")
    assert [each.load_id for each in run(lake, TILLS, broken)] == [0, 0]  # at the start, and once more with the news
    assert [(each.source, each.load_id, each.rows) for each in run(lake, TILLS, web)] == [("web", 0, 1), ("web", 1, 1)]

    assert landed_in(lake, web) == [(0, "web/a.csv", 2, 2, 2), (1, "web/b.csv", 2, 3, 3)]
    assert [(source, load_id, status) for source, load_id, status, *_ in attempts(lake)] == [
        ("tills", 0, "landed"),
        ("web", 0, "failed"),
        ("web", 0, "failed"),
        ("web", 0, "failed"),
        ("web", 0, "landed"),
        ("web", 1, "landed"),
    ]
    assert run(lake, TILLS, web) == []


class Killed(BaseException):
    """What no code of ours catches, as it catches no SIGKILL."""


def test_a_run_that_is_killed_anywhere_and_run_again_leaves_what_an_undisturbed_one_does(lake, landing, monkeypatch):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n2,-2.00\n")
    killed = []

    def kill_after(patch: pytest.MonkeyPatch, table: Table) -> None:
        method = "add" if table == LOADS else "append"
        original = getattr(Lakehouse, method)

        def write(self: Lakehouse, df, to: Table, **how) -> Appended | None:
            written = original(self, df, to, **how)
            if to.name == table.name:
                killed.append(to.name)
                raise Killed
            return written

        patch.setattr(Lakehouse, method, write)

    for table in (FILES, TILLS.table, QUARANTINE, LOADS):
        with monkeypatch.context() as patch:
            kill_after(patch, table)
            with pytest.raises(Killed):
                run(lake, TILLS)
    run(lake, TILLS)

    assert killed == ["bronze.files", "bronze.tills", "bronze.quarantine", "bronze.loads"]
    assert [(row.file, row.load_id) for row in lake.read(FILES).collect()] == [("pos/a.csv", 0)]
    assert landed_in(lake, TILLS) == [(0, "pos/a.csv", 2, 1, 1)]
    assert quarantined(lake) == [(0, "pos/a.csv", 3, "2,-2.00")]
    assert attempts(lake) == [("tills", 0, "landed", 1, 1)]


# Of a store, which only a stream lists


@pytest.fixture
def store(lake: Lakehouse) -> Lakehouse:
    """The same landing folder, by its address as Spark spells it: as any store's."""
    address = f"file:{lake.settings.landing_dir}"
    return Lakehouse(lake.spark, lake.settings.model_copy(update={"landing": address}))


def test_what_arrives_in_a_store_is_found_by_a_stream_and_lands_once(store, landing):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n2,-2.00\n")
    assert [(each.rows, each.quarantined, each.error) for each in run(store, TILLS)] == [(1, 1, None)]

    landing.put("pos/b.csv", "id,amount\n3,3.00\n")
    assert [(each.load_id, each.rows, each.error) for each in run(store, TILLS)] == [(1, 1, None)]

    assert run(store, TILLS) == []
    assert landed_in(store, TILLS, "_load_id", "_file", "id") == [(0, "pos/a.csv", 1), (1, "pos/b.csv", 3)]
    assert quarantined(store) == [(0, "pos/a.csv", 3, "2,-2.00")]


def test_what_a_batch_of_a_store_fails_on_is_told_as_it_is_and_the_batch_is_given_again(store, landing, monkeypatch):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")
    with monkeypatch.context() as patch:
        patch.setattr("bronze.landing.open_file", opened_unless("a.csv"))
        with pytest.raises(UnreadableFilesError, match="Permission denied"):
            run(store, TILLS)

    assert [(each.rows, each.error) for each in run(store, TILLS)] == [(1, None)]


# Continuously


def test_a_file_that_arrives_or_is_written_again_while_it_watches_is_taken_in_until_it_is_stopped(lake, landing):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")
    done: list[Landed] = []

    query = ingest(lake, [TILLS], continuous=True, on_landed=done.append)
    try:
        wait_until(lambda: len(done) == 1)
        landing.put("pos/b.csv", "id,amount\n2,2.00\n")
        wait_until(lambda: len(done) == 2)
        landing.put("pos/a.csv", "id,amount\n1,1.00\n3,3.00\n", at=TUESDAY)
        wait_until(lambda: len(done) == 3)
        wait_until(lambda: len(attempts(lake)) == 3 and not query.status["isTriggerActive"])
    finally:
        query.stop()

    assert query.exception() is None
    assert landed_in(lake, TILLS, "_load_id", "_file", "id") == [
        (0, "pos/a.csv", 1),
        (1, "pos/b.csv", 2),
        (2, "pos/a.csv", 1),
        (2, "pos/a.csv", 3),
    ]
    assert run(lake, TILLS) == []


def test_a_folder_that_looks_the_same_is_taken_in_again_after_a_while_for_what_could_not_land(
    lake, landing, monkeypatch
):
    landing.put("pos/a.csv", "id,amount\n1,1.00\n")
    monkeypatch.setattr(ingesting, "AGAIN_AFTER", 1.0)
    done: list[Landed] = []
    with monkeypatch.context() as patch:
        patch.setattr("bronze.landing.open_file", opened_unless("a.csv"))
        query = ingest(lake, [TILLS], continuous=True, on_landed=done.append)
    try:
        wait_until(lambda: len(done) == 2)
    finally:
        query.stop()

    assert ["Permission denied" in (each.error or "") for each in done] == [True, False]
    assert landed_in(lake, TILLS, "id") == [(1,)]


def wait_until(is_so, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


# Names


@pytest.mark.parametrize(
    ("path", "landing", "expected"),
    [
        ("file:/data/landing/crm/a b.csv", "/data/landing", "crm/a b.csv"),
        ("file:///data/landing/50%25.csv", "/data/landing", "50%25.csv"),
        ("dbfs:/Volumes/main/raw/landing/a#1;?.csv", "/Volumes/main/raw/landing/", "a#1;?.csv"),
        ("s3://bucket/landing/a.csv", "s3://bucket/landing", "a.csv"),
    ],
)
def test_a_file_is_named_from_the_landing_folder_on(path, landing, expected):
    assert relative(path, landing) == expected
