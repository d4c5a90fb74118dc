"""What a check says of files that a declaration does not fit, and of those that it does."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from bronze.check import Check, check, other_layout, staleness, told
from bronze.sample import given
from bronze.sketch import sketch
from bronze.source import Field, Source
from lakehouse.rules import Between, OneOf

NOW = datetime(2024, 7, 1, tzinfo=UTC)
Try = Callable[..., Check]


def source(**differs) -> Source:
    columns = {
        "id": Field("int"),
        "paid": Field("decimal(10,2)", decimal=","),
        "on": Field("date"),
        "kind": Field("string"),
    }
    declared = {
        "name": "tills", "doc": "", "path": "tills/*.csv", "format": "csv", "options": {"sep": ";"}, "key": ("id",),
        "columns": columns,
    }  # fmt: skip
    return Source(**{**declared, **differs})


@pytest.fixture
def tried(spark: SparkSession, tmp_path: Path) -> Try:
    """The check of a declaration on files with these contents; made of none, the declaration is sketched."""

    def on(declared: Source | None, *, is_claimed: bool = False, **contents: str | bytes | pa.Table) -> Check:
        for name, content in contents.items():
            path = tmp_path / "landing/tills" / name.replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pa.Table):
                pq.write_table(content, path)
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            os.utime(path, (NOW.timestamp() - 3600,) * 2)
        files = given(sorted((tmp_path / "landing/tills").iterdir()), str(tmp_path / "landing"))
        declared = declared or sketch("tills", files).source
        return check(spark, declared, files, of_files=len(files), is_claimed=is_claimed, now=NOW)

    return on


def said(found: Check) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(each.what, each.records, each.examples) for each in found.problems]


@pytest.mark.spark
def test_what_does_not_fit_is_told_with_counts_and_examples(tried):
    declared = source(
        rules=(OneOf(column="kind", values=("card", "cash")), Between(column="paid", high=100, severity="warning"))
    )
    found = tried(
        declared,
        is_claimed=True,
        a__csv="id;paid;on;kind;till\n1;2,50;2024-06-30;card;7\n2;2.50;30.06.2024;cash;8\n3;1,00;2024-06-30;coin;9\n4;1\n",
        b__csv="id;paid;on;kind\n5;250,00;2024-06-30;card\n5;1,00;2024-06-30;cash\n6;1,00;2024-06-30;card\n",
        c__csv="id;paid;on;kind\n6;9,00;2024-06-30;card\n7;1,00;2024-06-30;card\n7;1,00;2024-06-30;card\n",
    )

    assert (found.records, found.good, found.fits) == (10, 7, False)
    columns = {column.name: (column.filled, column.unfit, column.examples) for column in found.columns}
    assert columns == {
        "id": (9, 0, ()),
        "paid": (8, 1, ("'2.50' in a.csv, record 3",)),
        "on": (8, 1, ("'30.06.2024' in a.csv, record 3",)),
        "kind": (9, 0, ()),
    }
    assert said(found) == [
        ("kind is not one of card, cash", 1, ("a.csv, record 4",)),
        ("expected 5 fields, found 2", 1, ("a.csv, record 5",)),
        ("id is not a key: different records of one file share it", 1, ("b.csv, records 2, 3",)),
        ("till: in the files, and no column declares it (it is kept in _rescued)", 3, ("'7'", "'8'", "'9'")),
    ]
    assert [each.what for each in found.remarks] == [
        "paid is above 100 (a warning: kept, and counted when the layer is checked)"
    ]
    assert "  paid  decimal(10,2) like 1234,5          8 values  1 do NOT fit: '2.50' in a.csv, record 3" in told(found)


@pytest.mark.spark
def test_columns_that_no_one_declared_are_told_with_how_their_source_ends_them(tried):
    content = "id;paid;on;kind;till;KIND\n1;2,50;2024-06-30;card;7;x\n2;2,50;2024-06-30;card;8;y\n"
    of_case = "KIND: in the files, and no column declares it"

    evolving = tried(source(new_columns="evolve"), a__csv=content)
    refusing = tried(source(new_columns="quarantine"), a__csv=content)

    assert said(evolving) == [(f"{of_case} (it is kept in _rescued)", 2, ("'x'", "'y'"))]
    assert evolving.good == 2
    assert [(each.what, each.records) for each in evolving.remarks] == [
        ("till: no column declares it (it becomes one of the table, as text)", 2)
    ]
    assert refusing.good == 0
    assert said(refusing) == [
        ("not declared", 2, ("till, KIND in a.csv, record 2", "till, KIND in a.csv, record 3")),
        (f"{of_case} (its records are refused)", 2, ("'x'", "'y'")),
        ("till: in the files, and no column declares it (its records are refused)", 2, ("'7'", "'8'")),
    ]


@pytest.mark.spark
def test_a_declared_column_that_no_file_has_is_told_and_a_delimiter_that_does_not_fit(tried):
    absent = tried(source(), a__csv="ID;paid;on\n1;2,50;2024-06-30\n")

    assert said(absent) == [
        ("id is missing", 1, ("a.csv, record 2",)),
        ("ID: in the files, and no column declares it (it is kept in _rescued)", 1, ("'1'",)),
        ("id: declared, and no file has it", 0, ("is it ID?",)),
        ("kind: declared, and no file has it", 0, ()),
    ]
    wrong = tried(source(options={}), a__csv="id;paid;on;kind\n1;2,50;2024-06-30;card\n")
    (header, delimiter) = said(wrong)
    assert header[0] == "the header cannot be read"
    assert delimiter[0] == "sep: ',' is declared, and the files look like ';'"


FITTING = {
    "csv": "Nr;Betrag;am;bar\n1;1.234,50;31.12.2024 23:59;J\n2;2,00;01.02.2024 00:00;N\n",
    "jsonl": '{"id":1,"at":1719748800000,"who":{"no":7},"of":[{"n":1}]}\n{"id":2,"at":1719748800001}\n',
    "xml": '<a><r id="1"><p c="EUR">1.50</p><t>a</t><t>b</t></r><r id="2"><p c="USD">2.00</p><t>c</t></r></a>',
    "dat": "A0001  tea       2.50 20240630\nA0002  salt     12.00 20240701\nA0003  bread     1.25 20240702\n",
    "parquet": pa.table({"id": pa.array([1, 2], pa.int16()), "at": pa.array([NOW, NOW], pa.timestamp("us", "UTC"))}),
}


@pytest.mark.spark
@pytest.mark.parametrize("format", FITTING)
def test_what_is_sketched_fits_its_files_as_ingest_reads_them(format, tried):
    found = tried(None, is_claimed=True, **{f"a__{format}": FITTING[format]})

    assert (found.fits, list(told(found))[-1]) == (True, "All of it fits tills."), list(told(found))
    assert found.good == found.records > 0
    assert not found.remarks


def test_files_in_another_encoding_are_told_though_every_record_can_be_read(tmp_path):
    (tmp_path / "a.csv").write_bytes("id;name\n1;Zoë\n2;Jürgen\n".encode())
    declared = source(options={"sep": ";", "encoding": "cp1252"})

    (found,) = other_layout(declared, given([tmp_path / "a.csv"], "/nowhere"), is_refused=False)

    assert found.what == "encoding: cp1252 is declared, and the files are UTF-8: other letters would be read"


def test_another_format_is_told(tmp_path):
    (tmp_path / "a.csv").write_text('{"id": 1}\n{"id": 2}\n')

    (found,) = other_layout(source(), given([tmp_path / "a.csv"], "/nowhere"), is_refused=True)

    assert found.what == "format: csv is declared, and the files look like jsonl"


def test_a_source_is_stale_when_its_newest_file_is_older_than_declared():
    declared = source(fresh_within=timedelta(days=2))

    assert staleness(declared, NOW - timedelta(days=2), NOW) is None
    stale = staleness(declared, NOW - timedelta(days=5), NOW)
    assert stale and stale.what == "stale: the newest file is 5 days old, and may be 2 days"
