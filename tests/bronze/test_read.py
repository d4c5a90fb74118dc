"""Records as typed rows: what spells a value, what does not and says so, whatever the format."""

import gzip
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row, SparkSession

from bronze import shares as shares_of_files
from bronze.read import read
from bronze.shares import Arrival, gathered, shares
from bronze.source import Field, Source
from lakehouse.rules import Between, Holds, OneOf

ARRIVED = datetime(2024, 7, 1, 3, 10, 0, 123000, tzinfo=UTC)

Read = Callable[..., list[Row]]


def source(columns: Mapping[str, str | Field], **differs) -> Source:
    declared = {"name": "tills", "doc": "", "path": "tills/*", "format": "csv", "key": ()}
    fields = {name: Field(f) if isinstance(f, str) else f for name, f in columns.items()}
    return Source(**{**declared, "columns": fields, **differs})


@pytest.fixture(params=["here", "by tasks"])
def read_files(spark: SparkSession, tmp_path: Path, request, monkeypatch: pytest.MonkeyPatch) -> Read:
    """The rows of these files of a source, by file and position. A table of Arrow's is written as Parquet. However few,
    they are the same when tasks read them."""
    if request.param == "by tasks":
        monkeypatch.setattr(shares_of_files, "are_few", lambda arrivals: False)

    def read_them(source: Source, files: Mapping[str, str | bytes | pa.Table]) -> list[Row]:
        arrivals = []
        for file, content in files.items():
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pa.Table):
                pq.write_table(content, path)
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            milliseconds = round(ARRIVED.timestamp() * 1000)
            os.utime(path, ns=(milliseconds * 10**6, milliseconds * 10**6))
            arrivals.append(Arrival(str(path), file, path.stat().st_size, ARRIVED))
        return read(spark, source, arrivals, 2).orderBy("_file", "_position").collect()

    return read_them


def values(rows: list[Row], *columns: str) -> list:
    """The values of the good rows: of one column as they are, of more as tuples."""
    good = [row for row in rows if row._reasons is None]
    return [row[columns[0]] if len(columns) == 1 else tuple(row[c] for c in columns) for row in good]


# Types

TYPES = {
    "whole": "bigint",
    "money": "decimal(10,2)",
    "share": "double",
    "is_open": "boolean",
    "day": "date",
    "uk_day": Field("date", pattern="dd/MM/yyyy"),
    "at": "timestamp",
    "uk_at": Field("timestamp", pattern="dd/MM/yyyy HH:mm"),
    "tags": "array<int>",
}
GOOD = {
    "whole": " -7 ",
    "money": "12345678.90",
    "share": "1e-3",
    "is_open": "TRUE",
    "day": "2024-02-29",
    "uk_day": "29/02/2024",
    "at": "2024-02-29T23:59:59.000001Z",
    "uk_at": "29/02/2024 23:59",
    "tags": "[1,null]",
}
BAD = {
    "whole": ["7.0", "9223372036854775808", "seven", "1,000"],
    "money": ["123456789.00", "12,50", "-", "3.005"],
    "share": ["1.2.3", "1e400", "NaN", "-Infinity"],
    "is_open": ["2", "maybe"],
    "day": ["2023-02-29", "29/02/2024", "2024-02-29 and more", "2024-02-29T23:00:00", "2024", "2024-02"],
    "uk_day": ["2024-02-29", "31/02/2024", "29/02/24"],
    "at": ["2024-02-29 25:00", "23:59", "T23:59:59", "29/02/2024"],
    "uk_at": ["29/02/2024", "29/02/2024 23:59:59"],
    "tags": ['["a"]', "[1", "1", '{"a":1}'],
}


def test_texts_become_values_or_say_what_was_expected_and_found(read_files):
    told = [GOOD] + [{**GOOD, column: text} for column, texts in BAD.items() for text in texts] + [{"whole": "1"}]
    lines = "\n".join(json.dumps(record) for record in told)

    rows = read_files(source(TYPES, format="jsonl"), {"a.jsonl": lines})

    assert values(rows, *TYPES) == [
        (
            -7,
            Decimal("12345678.90"),
            0.001,
            True,
            date(2024, 2, 29),
            date(2024, 2, 29),
            datetime(2024, 2, 29, 23, 59, 59, 1),
            datetime(2024, 2, 29, 23, 59),
            [1, None],
        ),
        (1, *[None] * 8),
    ]
    like = {"uk_day": " like dd/MM/yyyy", "uk_at": " like dd/MM/yyyy HH:mm"}
    types = {name: f if isinstance(f, str) else f.type for name, f in TYPES.items()}
    assert [row._reasons for row in rows if row._reasons] == [
        [f"{column}: expected {types[column]}{like.get(column, '')}, found '{text}'"]
        for column, texts in BAD.items()
        for text in texts
    ]


def test_a_timezone_is_of_the_times_that_do_not_say_their_own(read_files):
    columns = {
        "at": "timestamp",
        "uk_at": Field("timestamp", pattern="dd/MM/yyyy HH:mm"),
        "zoned_at": Field("timestamp", pattern="dd/MM/yyyy HH:mm XXX"),
    }
    texts = [
        ("2024-07-01 12:00", "01/07/2024 12:00", "01/07/2024 12:00 +05:00"),
        ("2024-01-01T12:00:00.5", "01/01/2024 12:00", "01/01/2024 12:00 Z"),
        ("2024-07-01", None, None),
        ("2024-07-01T12:00:00Z", None, None),
        ("2024-07-01 12:00:00 +05:00", None, None),
        ("2024-07-01 12:00:00-0530", None, None),
        ("2024-07-01 12:00:00 America/New_York", None, None),
        ("2024-07-01 12:00:00 UTC+1", None, None),
    ]
    lines = "\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in texts)

    rows = read_files(source(columns, format="jsonl", timezone="Europe/Berlin"), {"a.jsonl": lines})

    july, january = (2024, 7, 1), (2024, 1, 1)
    assert values(rows, *columns) == [
        (datetime(*july, 10), datetime(*july, 10), datetime(*july, 7)),
        (datetime(*january, 11, 0, 0, 500000), datetime(*january, 11), datetime(*january, 12)),
        (datetime(2024, 6, 30, 22), None, None),
        (datetime(*july, 12), None, None),
        (datetime(*july, 7), None, None),
        (datetime(*july, 17, 30), None, None),
        (datetime(*july, 16), None, None),
        (datetime(*july, 11), None, None),
    ]


SPELLED = {
    "uk_day": Field("date", pattern="dd/MM/yyyy"),
    "born_on": Field("date", pattern="dd.MM.yy", from_year=1930),
    "seen_at": Field("timestamp", pattern="MM/dd/yy hh:mm a", from_year=2000),
    "at_s": Field("timestamp", pattern="epoch_s"),
    "at_ms": Field("timestamp", pattern="epoch_ms"),
    "on_ms": Field("date", pattern="epoch_ms"),
    "comma": Field("decimal(10,2)", decimal=","),
    "grouped": Field("decimal(12,2)", decimal=",", thousands="."),
    "count": Field("int", thousands=" "),
    "share": Field("double", decimal=","),
    "ja": Field("boolean", truth=("J", "N")),
    "one": Field("boolean", truth=("1", "0")),
}
SPELLED_GOOD = [
    ("uk_day", "01/02/2024", date(2024, 2, 1)),
    ("born_on", "01.02.65", date(1965, 2, 1)),
    ("born_on", "01.02.29", date(2029, 2, 1)),
    ("born_on", "29.02.72", date(1972, 2, 29)),
    ("seen_at", "12/31/99 12:05 AM", datetime(2099, 12, 31, 0, 5)),
    ("seen_at", "07/01/24 01:05 pm", datetime(2024, 7, 1, 13, 5)),
    ("at_s", "1719835200", datetime(2024, 7, 1, 12)),
    ("at_s", "1719835200.25", datetime(2024, 7, 1, 12, 0, 0, 250000)),
    ("at_s", "-86400", datetime(1969, 12, 31)),
    ("at_ms", "1719835200123", datetime(2024, 7, 1, 12, 0, 0, 123000)),
    ("on_ms", "1719835200123", date(2024, 7, 1)),
    ("comma", "1234,5", Decimal("1234.50")),
    ("comma", "-7", Decimal("-7.00")),
    ("grouped", "1.234.567,89", Decimal("1234567.89")),
    ("grouped", "1234567,89", Decimal("1234567.89")),
    ("count", "1 234", 1234),
    ("share", "1,5e3", 1500.0),
    ("ja", "J", True),
    ("ja", "N", False),
    ("one", " 0 ", False),
]
SPELLED_BAD = [
    ("uk_day", "2024-02-01", " like dd/MM/yyyy"),
    ("uk_day", "02/13/2024", " like dd/MM/yyyy"),
    ("born_on", "01.02.1965", " like dd.MM.yy"),
    ("seen_at", "07/01/24 13:05 PM", " like MM/dd/yy hh:mm a"),
    ("at_s", "1719835200123", " like epoch_s"),
    ("at_ms", "1719835200", " like epoch_ms"),
    ("at_s", "soon", " like epoch_s"),
    ("comma", "1234.5", " like 1234,5"),
    ("comma", "1.234,5", " like 1234,5"),
    ("comma", "12,345", " like 1234,5"),
    ("grouped", "1.23,4", " like 1.234,5"),
    ("grouped", "12.34", " like 1.234,5"),
    ("count", "12 34", " like 1 234"),
    ("share", "NaN", " like 1234,5"),
    ("ja", "Y", " like J or N"),
    ("ja", "true", " like J or N"),
    ("one", "yes", " like 1 or 0"),
]


def test_texts_are_read_as_their_source_spells_them_and_never_guessed(read_files):
    told = [{column: text} for column, text, _ in (*SPELLED_GOOD, *SPELLED_BAD)]

    rows = read_files(source(SPELLED, format="jsonl"), {"a.jsonl": "\n".join(map(json.dumps, told))})

    good = rows[: len(SPELLED_GOOD)]
    assert [(c, t, row[c]) for row, (c, t, _) in zip(good, SPELLED_GOOD, strict=True)] == SPELLED_GOOD
    assert [row._reasons for row in rows[len(SPELLED_GOOD) :]] == [
        [f"{column}: expected {SPELLED[column].type}{like}, found '{text}'"] for column, text, like in SPELLED_BAD
    ]
    assert [row._reasons for row in good] == [None] * len(good)


def test_a_boolean_is_true_or_false_where_no_other_spelling_is_declared(read_files):
    rows = read_files(source({"is_open": "boolean"}, format="csv"), {"a.csv": "is_open\ntrue\nFALSE\nyes\n1\nT\n"})

    assert [(row.is_open, row._reasons is None) for row in rows] == [
        (True, True), (False, True), (None, False), (None, False), (None, False)
    ]  # fmt: skip


def test_a_part_of_a_nested_value_that_is_of_another_type_refuses_its_row(read_files):
    columns = {"line": "struct<sku:string,count:int>", "lines": "array<struct<count:int>>", "by": "map<string,int>"}
    told = [
        {"line": {"sku": "a", "count": 1}, "lines": [{"count": 1}], "by": {"x": 1}},
        {"line": {"sku": "a", "count": "one"}},
        {"lines": [{"count": 1}, {"count": 1.5}]},
        {"by": {"x": "one"}},
    ]

    rows = read_files(source(columns, format="jsonl"), {"a.jsonl": "\n".join(map(json.dumps, told))})

    assert [bool(row._reasons) for row in rows] == [False, True, True, True]


def test_a_number_within_a_nested_value_is_neither_infinite_nor_none(read_files):
    columns = {"shares": "array<double>", "by": "map<string,float>", "lines": "array<struct<share:double>>"}
    told = [
        '{"shares": [0.5, null], "by": {"x": 1}, "lines": [null, {"share": 2.5}]}',
        '{"shares": [0.5, 1e400]}',
        '{"shares": ["NaN"]}',
        '{"by": {"x": "-Infinity"}}',
        '{"by": {"x": 1e39}}',
        '{"lines": [null, {"share": "NaN"}]}',
    ]

    rows = read_files(source(columns, format="jsonl"), {"a.jsonl": "\n".join(told)})

    assert [bool(row._reasons) for row in rows] == [False, True, True, True, True, True]
    assert values(rows, "shares", "by", "lines") == [([0.5, None], {"x": 1.0}, [None, Row(share=2.5)])]
    assert rows[5]._reasons == ['lines: expected array<struct<share:double>>, found \'[null,{"share":"NaN"}]\'']


# Rules


def test_a_row_says_all_that_is_wrong_with_it(read_files):
    tills = source(
        {"id": "int", "amount": "decimal(10,2)", "channel": "string", "day": Field("date", required=True)},
        key=("id",),
        rules=(
            Between(column="amount", low=0, high=100),
            OneOf(column="channel", values=("store", "web")),
            OneOf(column="channel", values=("store",), severity="warning"),
            Holds(condition="amount < 50 OR channel = 'store'", otherwise="too much for the web"),
        ),
    )
    lines = [
        "id,amount,channel,day",
        "1,100,store,2024-07-01",
        "2,1,web,2024-07-01",
        "3,,,2024-07-01",
        "x,101,fax,",
        ",-1,store,1st",
        "6,99,web,2024-07-01",
        "7,1",
    ]

    rows = read_files(tills, {"tills/a.csv": "\n".join(lines)})

    assert values(rows, "id") == [1, 2, 3]
    assert {row._raw: row._reasons for row in rows if row._reasons} == {
        "x,101,fax,": [
            "id: expected int, found 'x'",
            "day is missing",
            "amount is not between 0 and 100",
            "channel is not one of store, web",
            "too much for the web",
        ],
        ",-1,store,1st": [
            "day: expected date, found '1st'",
            "id is missing",
            "amount is not between 0 and 100",
        ],
        "6,99,web,2024-07-01": ["too much for the web"],
        "7,1": ["expected 4 fields, found 2"],
    }


def test_every_row_has_its_place_its_arrival_and_its_raw_form(read_files):
    files = {
        "tills/a.csv": "id,till\n1,7\n\n2,8\n",
        "tills/b ü%41#1.csv.gz": gzip.compress(b"id\n3\n"),
        "tills/empty.csv": "",
        "tills/torn.csv.gz": gzip.compress(b"id\n4\n")[:-8],
    }

    rows = read_files(source({"id": "int"}), files)

    assert [(r._file, r._position, r.id, r._rescued, r._raw) for r in rows] == [
        ("tills/a.csv", 2, 1, '{"till": "7"}', "1,7"),
        ("tills/a.csv", 4, 2, '{"till": "8"}', "2,8"),
        ("tills/b ü%41#1.csv.gz", 2, 3, None, "3"),
        ("tills/torn.csv.gz", 2, 4, None, "4"),
        ("tills/torn.csv.gz", 3, None, None, None),
    ]
    assert {row._arrived_at for row in rows} == {ARRIVED.replace(tzinfo=None)}
    assert [r._reasons for r in rows[:-1]] == [None] * 4
    assert rows[-1]._reasons[0].startswith("the file breaks off")


def test_zipped_files_are_shared_out_by_what_they_hold():
    days = [Arrival(f"/landing/{day}.csv.gz", f"{day}", 1_200_000, ARRIVED) for day in range(12)]

    assert len(shares(days, 4)) == 4
    assert len(shares([replace(each, path=each.path.removesuffix(".gz")) for each in days], 4)) == 1


def test_files_are_shared_out_by_their_bytes():
    sizes = (1_500_000, 14_000_000, 8_000_000, 6_500_000)
    arrivals = [Arrival("", f"{size}", size, ARRIVED) for size in sizes]

    two = [["14000000", "1500000"], ["8000000", "6500000"]]
    assert [[a.file for a in share] for share in shares(arrivals, 2)] == two
    assert [[a.file for a in share] for share in shares(arrivals[:1], 8)] == [["1500000"]]
    [together] = shares(arrivals[2:], 8)  # too small to be worth two tasks
    assert [a.file for a in together] == ["8000000", "6500000"]
    large = [Arrival("", f"{number}", 40_000_000, ARRIVED) for number in range(3)]
    assert [len(shares(files, 8)) for files in (large, large[:1])] == [3, 1]  # a file is not shared out
    assert len(shares(large, 2)) == 2
    in_store = [Arrival(f"/Volumes/raw/{number}.csv", f"{number}.csv", 1_000, ARRIVED) for number in range(400)]
    assert len(shares(in_store, 64)) == 5


def test_batches_of_few_records_are_gathered_in_their_order(monkeypatch):
    monkeypatch.setattr(shares_of_files, "MANY", 3)
    batches = [pa.RecordBatch.from_pydict({"id": ids}) for ids in ([1], [2, 3], [4], [5, 6, 7, 8], [9])]

    assert [batch["id"].to_pylist() for batch in gathered(iter(batches))] == [[1, 2, 3], [4, 5, 6, 7, 8], [9]]


def test_a_small_file_that_holds_more_than_is_held_here_is_left_to_a_task(read_files, monkeypatch):
    lines = "".join(f"{number}\n" for number in range(1000))
    ids = source({"id": "int"})
    monkeypatch.setattr(shares_of_files, "FEW", 100)

    rows = read_files(ids, {"tills/a.csv.gz": gzip.compress(f"id\n{lines}".encode())})

    assert values(rows, "id") == list(range(1000))


# Parquet


def test_parquet_columns_of_other_types_are_cast_where_that_loses_nothing(read_files):
    stock = source(
        {
            "id": "bigint",
            "price": "decimal(10,2)",
            "day": Field("date", pattern="dd/MM/yyyy"),
            "on": "date",
            "at": "timestamp",
            "code": "string",
            "tags": "string",
            "note": "string",
        },
        format="parquet",
        key=("id",),
        timezone="Europe/Berlin",
        rules=(Between(column="price", low=0),),
    )
    noon = datetime(2024, 7, 1, 12)
    good = {
        "id": [1.0, 2.0],
        "price": [0.1, 3.25],
        "day": ["01/07/2024", None],
        "on": pa.array([datetime(2024, 7, 1), None], pa.timestamp("us")),
        "at": pa.array([noon, None], pa.timestamp("us")),
        "code": [7, None],
        "tags": [["a"], None],
        "note": pa.array([None, None], pa.null()),
    }
    bad = {
        "id": [5.5, None],
        "price": [3.005, -1.0],
        "day": ["2024-07-01", None],
        "on": pa.array([noon, None], pa.timestamp("us")),
        "at": pa.array([20240701, 1], pa.int64()),
    }

    rows = read_files(stock, {"stock/bad.parquet": pa.table(bad), "stock/good.parquet": pa.table(good)})

    assert values(rows, *stock.columns) == [
        (
            1,
            Decimal("0.10"),
            date(2024, 7, 1),
            date(2024, 7, 1),
            datetime(2024, 7, 1, 10),
            "7",
            '["a"]',
            None,
        ),
        (2, Decimal("3.25"), *[None] * 6),
    ]
    assert [row._reasons for row in rows[:2]] == [
        [
            "id: expected bigint, found '5.5'",
            "price: expected decimal(10,2), found '3.005'",
            "day: expected date like dd/MM/yyyy, found '2024-07-01'",
            "on: expected date, found '2024-07-01 12:00:00'",
            "at: expected timestamp, found '20240701'",
        ],
        ["at: expected timestamp, found '1'", "id is missing", "price is below 0"],
    ]
    assert json.loads(rows[0]._raw)["id"] == 5.5


def test_a_number_of_parquet_is_neither_infinite_nor_none(read_files):
    no_numbers = [float("nan"), float("inf"), float("-inf"), None, 0.5]
    doubles, floats = pa.array(no_numbers, pa.float64()), pa.array(no_numbers, pa.float32())
    weights = source({"share": "double", "small": "float", "shares": "array<double>"}, format="parquet")

    for found in (
        {"share": doubles},
        {"share": floats},
        {"small": floats},
        {"small": doubles},
        {"shares": pa.array([[0.5, each] for each in no_numbers])},
        {"shares": pa.array([[0.5, each] for each in no_numbers], pa.list_(pa.float32()))},
    ):
        rows = read_files(weights, {"weights/a.parquet": pa.table(found)})

        assert [bool(row._reasons) for row in rows] == [True, True, True, False, False], found
        [name] = found
        expected = {"share": "double", "small": "float", "shares": "array<double>"}[name]
        text = '[0.5,"NaN"]' if name == "shares" else "NaN"
        assert rows[0]._reasons == [f"{name}: expected {expected}, found '{text}'"]
        assert values(rows, name) == ([[0.5, None], [0.5, 0.5]] if name == "shares" else [None, 0.5])


def test_a_text_of_parquet_that_is_not_utf_8_is_refused_wherever_it_is(read_files):
    texts = pa.array([b"caf\xc3\xa9", b"nam\xc3", None], pa.binary())
    said = pa.Array.from_buffers(pa.string(), 3, texts.buffers())  # who writes it says that it is UTF-8
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3]), said)
    within = pa.StructArray.from_arrays([lists, said], names=["a.b", "c"])
    maps = pa.MapArray.from_arrays(pa.array([0, 1, 2, 3]), pa.array(["x", "y", "z"]), within)
    lists_of_lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3]), lists)
    lists_of_maps = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3]), maps)
    ids = pa.array([1, 2, 3], pa.int64())
    stock = source({"id": "bigint", "name": "string", "names": "array<string>"}, format="parquet", key=("id",))

    for name, found, raw in (
        ("name", said, '{"id":2,"name":"bmFtww=="}'),  # in base64, as other bytes
        ("names", lists, '{"id":2,"names":["nam\ufffd"]}'),
        ("undeclared", said, '{"id":2,"undeclared":"bmFtww=="}'),
        ("undeclared", within, '{"id":2,"undeclared":{"a.b":["nam\ufffd"],"c":"nam\ufffd"}}'),
        ("undeclared", maps, '{"id":2,"undeclared":{"y":{"a.b":["nam\ufffd"],"c":"nam\ufffd"}}}'),
        ("undeclared", lists_of_lists, '{"id":2,"undeclared":[["nam\ufffd"]]}'),
        ("undeclared", lists_of_maps, '{"id":2,"undeclared":[{"y":{"a.b":["nam\ufffd"],"c":"nam\ufffd"}}]}'),
    ):
        rows = read_files(stock, {"stock/a.parquet": pa.table({"id": ids, name: found})})

        assert [row._reasons for row in rows] == [None, [f"{name}: not UTF-8"], None]
        assert rows[1]._raw == raw


def test_a_text_of_parquet_that_is_declared_as_bytes_need_not_be_utf_8(read_files):
    torn = pa.Array.from_buffers(pa.string(), 1, pa.array([b"nam\xc3"], pa.binary()).buffers())

    rows = read_files(source({"sent": "binary"}, format="parquet"), {"a.parquet": pa.table({"sent": torn})})

    assert values(rows, "sent") == [b"nam\xc3"]


def test_any_name_of_a_column_of_parquet_is_taken(read_files):
    odd = pa.table({"id": [1], "a`b": ["x"], "a.b": ["y"], "": ["z"], "_metadata": ["m"]})

    rows = read_files(source({"id": "int"}, format="parquet"), {"a.parquet": odd})

    assert [(row.id, json.loads(row._rescued)) for row in rows] == [
        (1, {"a`b": "x", "a.b": "y", "": "z", "_metadata": "m"})
    ]
    assert [(row._file, row._position, row._arrived_at) for row in rows] == [
        ("a.parquet", 1, ARRIVED.replace(tzinfo=None))
    ]


def test_bytes_and_texts_within_a_parquet_column_do_not_stand_for_each_other(read_files):
    listed = source({"bytes": "array<binary>", "texts": "array<string>", "sent": "binary"}, format="parquet")
    texts, some_bytes = pa.array([["abcd"]]), pa.array([[b"old"]])

    for found in ({"bytes": texts}, {"texts": some_bytes}, {"sent": texts}):
        [row] = read_files(listed, {"a.parquet": pa.table(found)})
        assert [reason.split(":")[0] for reason in row._reasons] == [*found]

    [row] = read_files(listed, {"a.parquet": pa.table({"bytes": some_bytes, "texts": texts})})
    assert (row._reasons, row.bytes, row.texts) == (None, [b"old"], ["abcd"])


def test_parquet_files_of_different_schemas_land_together_and_keep_their_names_and_places(read_files):
    files = {
        "stock/a b.parquet": pa.table({"id": [1, 2], "extra": ["x", None]}),
        "stock/ä%41+#?.parquet": pa.table({"day": [date(2024, 7, 1)], "id": [3]}),
        "stock/[1]*{x}.parquet": pa.table({"id": pa.array([4], pa.int32())}),
        "stock/none.parquet": pa.table({"id": pa.array([], pa.int64())}),
        "stock/torn.parquet": b"PAR1 and no more",
    }
    stock = source({"id": "bigint", "day": "date"}, format="parquet", key=("id",))

    rows = read_files(stock, files)

    assert [(r._file, r._position, r.id, r.day, r._rescued) for r in rows if r._reasons is None] == [
        ("stock/[1]*{x}.parquet", 1, 4, None, None),
        ("stock/a b.parquet", 1, 1, None, '{"extra":"x"}'),
        ("stock/a b.parquet", 2, 2, None, "{}"),
        ("stock/ä%41+#?.parquet", 1, 3, date(2024, 7, 1), None),
    ]
    assert {row._arrived_at for row in rows} == {ARRIVED.replace(tzinfo=None)}
    [torn] = [row for row in rows if row._reasons]
    assert (torn._file, torn._position) == ("stock/torn.parquet", 0)
    assert torn._reasons[0].startswith("the file is not Parquet: ")
