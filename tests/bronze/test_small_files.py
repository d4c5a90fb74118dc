"""Small files that are read as one hold what each holds by itself."""

import gzip
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from bronze import shares
from bronze.records import Layout
from bronze.records.small_files import SMALL, lines_of, may_be_joined, read_joined
from bronze.shares import Arrival, few_records, one_by_one, placed, records_of_share

HEADER = b"id,amount,till\n"
CONTENTS = {
    "plain": HEADER + b"1,1.00,A\n2,2.00,B\n",
    "no line end": HEADER + b"3,3.00,C",
    "windows": HEADER.replace(b"\n", b"\r\n") + b"4,4.00,D\r\n5,,\r\n",
    "quoted": HEADER + b'6,"6,00","E ""e"""\n',
    "other header": b"till,id,amount\nF,7,7.00\n",
    "other columns": b"id,amount,note\n8,8.00,of nobody\n",
    "header alone": HEADER,
    "nothing": b"",
    "empty first": b"\n" + HEADER + b"0,0.50,Z\n",
    "empty first of windows": b"\r\n" + HEADER + b"0,0.50,Z\n",
    "empty last": HEADER + b"0,0.60,Y\n\n\n",
    "empty lines": HEADER + b"9,9.00,G\n\n10,10.00,H\n",
    "mark": b"\xef\xbb\xbf" + HEADER + b"11,11.00,I\n",
    "wide": HEADER + b"12,12.00,J,more\n13,13.00,K\n",
    "open quote": HEADER + b'14,"14.00,L\n15,15.00,M\n',
    "closes it": HEADER + b'16,16.00",N\n',
    "not UTF-8": HEADER + b"17,17.00,\xff\n",
    "no header": b"a,b,c\n18,18.00,O\n",
    "twice": b"id,id,till\n19,19,P\n",
    "lone return": HEADER + b"20,20.00,Q\r21\n",
}


JSON = {
    "plain": b'{"id": 1, "amount": 1.00, "till": "A"}\n{"id": 2, "till": null}\n',
    "no line end": b'{"id": 3, "more": [1, {"a": 2}]}',
    "windows": b'{"id": 4}\r\n\r\n{"id": 5}\r\n',
    "nothing": b"",
    "blanks": b"\n  \n",
    "mark": b'\xef\xbb\xbf{"id": 6}\n',
    "broken": b'{"id": 7}\n{"id": \n{"id": 8}\n',
    "no object": b'{"id": 9}\n[10]\n',
    "not UTF-8": b'{"id": "\xff"}\n{"id": 11}\n',
    "twice": b'{"id": 12, "id": 13}\n',
}


def layout(format_: str = "csv", **options: str) -> Layout:
    columns = {name: name for name in ("id", "amount", "till")}
    return Layout(format=format_, columns=columns, options=options, keeps_raw=False)


def in_bytes(content: bytes, name: str) -> bytes:
    return gzip.compress(content) if name.endswith(".gz") else content


def arrivals(folder: Path, names: list[str], contents: dict[str, bytes] = CONTENTS) -> list[Arrival]:
    found = []
    for number, name in enumerate(names):
        path = folder / f"{number:02} {name}.txt{'.gz' if number % 3 == 2 else ''}"
        path.write_bytes(in_bytes(contents[name], path.name))
        arrived = datetime(2024, 7, 1, 3, number, tzinfo=UTC)
        os.utime(path, (arrived.timestamp(), arrived.timestamp()))
        found.append(Arrival(str(path), path.name, path.stat().st_size, arrived))
    return found


def records(batches) -> list[dict]:
    """All of them; what a good record said is asked for by nobody."""
    rows = pa.Table.from_batches(list(batches)).to_pylist()
    rows = [row if row["_error"] else {**row, "_raw": None} for row in rows]
    return sorted(rows, key=lambda row: (row["_file"], row["_position"], str(row["_error"])))


OPTIONS: list[dict[str, str]] = [
    {},
    {"header": "false"},
    {"quote": ""},
    {"sep": ";"},
    {"escape": "\\\\"},
    {"null": "A"},
    {"encoding": "windows-1252"},
    {"multiline": "true"},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_each_file_has_the_records_places_and_refusals_that_it_has_by_itself(tmp_path, options):
    files = arrivals(tmp_path, [*CONTENTS, *CONTENTS])

    assert records(placed(files, layout(**options))) == records(one_by_one(files, layout(**options)))


@pytest.mark.parametrize("name", CONTENTS)
def test_no_file_changes_what_its_neighbours_hold(tmp_path, name):
    files = arrivals(tmp_path, ["plain", name, "quoted"])

    assert records(placed(files, layout())) == records(one_by_one(files, layout()))


@pytest.mark.parametrize("name", JSON)
def test_no_file_of_json_lines_changes_what_its_neighbours_hold(tmp_path, name):
    files = arrivals(tmp_path, ["plain", name, "no line end"], JSON)
    everything = arrivals(tmp_path, [*JSON, *JSON], JSON)

    assert records(placed(files, layout("jsonl"))) == records(one_by_one(files, layout("jsonl")))
    assert records(placed(everything, layout("jsonl"))) == records(one_by_one(everything, layout("jsonl")))


@pytest.mark.parametrize("names", [["nothing"], ["blanks", "nothing"], ["blanks", "plain"]])
def test_files_without_records_give_none(tmp_path, names):
    files, of_json = arrivals(tmp_path, names, JSON), layout("jsonl")
    plain = {name: pa.string() for name in of_json.columns}

    rows = 2 if "plain" in names else 0
    assert sum(batch.num_rows for batch in records_of_share(files, of_json, plain)) == rows
    assert sum(batch.num_rows for batch in few_records(files, of_json, plain) or []) == rows
    assert (few_records(files, of_json, plain) == []) == (not rows)


def test_a_file_that_breaks_off_is_refused_there_and_its_neighbours_land(tmp_path):
    files = arrivals(tmp_path, ["plain", "quoted", "plain"])
    torn = Path(files[2].path)
    torn.write_bytes(torn.read_bytes()[:-8])
    files[2] = replace(
        files[2], bytes=torn.stat().st_size, arrived_at=datetime.fromtimestamp(torn.stat().st_mtime, UTC)
    )

    found = records(placed(files, layout()))

    assert found == records(one_by_one(files, layout()))
    assert [row["_file"] for row in found if row["_error"]] == [files[2].file]


def test_a_fault_of_the_reader_refuses_the_file_that_it_is_of(tmp_path, monkeypatch):
    def faulty(files, layout):
        if any(b"E" in each.text for each in files):
            raise ZeroDivisionError
        return read_joined(files, layout)

    files = arrivals(tmp_path, ["plain", "quoted", "no line end"])
    alone: list[str] = []
    monkeypatch.setattr(shares, "read_joined", faulty)
    monkeypatch.setattr(shares, "one_by_one", lambda files, layout: alone.extend(f.file for f in files) or iter(()))

    list(placed(files, layout()))

    assert alone == [files[1].file]


def test_a_file_that_changes_while_it_is_read_does_not_land(tmp_path, monkeypatch):
    files = arrivals(tmp_path, ["plain", "no line end"])
    read = shares.lines_of

    def written_to(path, layout):
        lines = read(path, layout)
        Path(path).write_bytes(HEADER + b"1,9.99,Z\n")
        return lines

    monkeypatch.setattr(shares, "lines_of", written_to)
    found = records(placed(files[:1], layout()))

    assert [(row["id"], row["_error"] is None) for row in found] == [(None, False)]


def test_a_share_of_many_files_is_joined_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(shares, "ENOUGH", 30)
    files = arrivals(tmp_path, ["plain", "other header"] * 6)

    assert records(placed(files, layout())) == records(one_by_one(files, layout()))


def test_what_may_span_lines_or_must_keep_its_raw_form_is_not_joined():
    assert may_be_joined(layout()) and may_be_joined(layout("jsonl"))
    assert not may_be_joined(layout(multiline="true"))
    assert not may_be_joined(layout("jsonl", records="lines[]"))
    assert not may_be_joined(replace(layout(), keeps_raw=True))
    assert not may_be_joined(layout("xml"))


def test_files_of_one_header_are_parsed_as_one(tmp_path, monkeypatch):
    parsed = []
    monkeypatch.setattr(shares, "joined", lambda files, layout: parsed.append(len(files)) or iter(()))

    list(placed(arrivals(tmp_path, ["plain", "no line end", "windows", "mark", "other header", "plain"]), layout()))

    assert parsed == [5, 1]


def test_a_file_that_changed_since_it_was_planned_is_refused_and_its_neighbours_are_not(tmp_path):
    files = arrivals(tmp_path, ["plain", "no line end"])
    Path(files[0].path).write_bytes(HEADER + b"1,9.99,Z\n2,2.00,B\n3,3.00,C\n")

    found = records(placed(files, layout()))

    assert [(row["_file"], row["id"], row["_error"] is None) for row in found] == [
        (files[0].file, None, False),
        (files[1].file, "3", True),
    ]


def test_a_large_file_is_read_by_itself(tmp_path):
    (tmp_path / "large.csv").write_bytes(HEADER + b"1,1.00,A\n" * (SMALL // 8))

    assert lines_of(str(tmp_path / "large.csv"), layout()) is None
