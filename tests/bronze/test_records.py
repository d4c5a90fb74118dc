"""Text files into records: each line is in exactly one, readable or refused, whatever its neighbours are."""

import gzip
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from bronze import records
from bronze.records import Layout
from bronze.records import content as bytes_of_files
from bronze.records.delimited import as_objects, read_csv
from bronze.records.nested import Attributed, Number, spelled_out, to_json
from tests.bronze.told import fields, refusals

# CSV: dialects


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("a;b\n1;2,5\n", {"sep": ";"}, ("1", "2,5")),
        ("a\tb\n1\t2;5\n", {"sep": "\t"}, ("1", "2;5")),
        ('a,b\n"1,5","say ""yes"""\n', {}, ("1,5", 'say "yes"')),
        ("a,b\n'1,5',\"2\"\n", {"quote": "'"}, ("1,5", '"2"')),
        ('a,b\n"1,2\n', {"quote": ""}, ('"1', "2")),
        ('a,b\n1\\,5,"say \\"yes\\""\n', {"escape": "\\"}, ("1,5", 'say "yes"')),
        ("a,b\r\n1,2\r\n", {}, ("1", "2")),
        ("\ufeffa,b\n1,2\n", {}, ("1", "2")),
        ("a,b\nn/a,NA\n", {"null": "n/a"}, (None, "NA")),
        ('a,b\n,""\n', {}, (None, None)),
        ("a,b\n 1 ,2\n", {}, (" 1 ", "2")),
        (" a , b \n1,2\n", {}, ("1", "2")),
        ("b,a\n2,1\n", {}, ("1", "2")),
        ("a,b\n1,2", {}, ("1", "2")),
    ],
)
def test_csv_in_the_dialect_of_its_source(read, content, options, expected):
    assert fields(read(content, **options)) == [(2, *expected)]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "cp1252", "utf-16", "utf-16-le", "utf16", "utf-8-sig"])
def test_text_in_the_encoding_of_its_source(read, encoding):
    content = "a,b\nMüller,Café\n".encode(encoding)

    assert fields(read(content, encoding=encoding)) == [(2, "Müller", "Café")]


def test_a_byte_order_mark_that_utf_16_le_keeps_is_no_part_of_the_first_name(read):
    assert fields(read("\ufeffa,b\n1,2\n".encode("utf-16-le"), encoding="utf-16-le")) == [(2, "1", "2")]


def test_without_a_header_columns_stand_in_their_declared_order(read):
    assert fields(read("1,2\n3,4\n", header="false")) == [(1, "1", "2"), (2, "3", "4")]


def test_a_quoted_line_end_is_part_of_the_value_where_the_source_says_so(read):
    found = read('a,b\n"first\n\nthird",2\n3,4\n', multiline="true")

    assert fields(found) == [(2, "first\n\nthird", "2"), (5, "3", "4")]
    assert found[0]["_raw"] == '"first\n\nthird",2'


def test_where_no_value_may_span_lines_an_open_quote_refuses_its_line_alone(read):
    found = read('a,b\n1,"two\n3,4\n')

    assert refusals(found) == [(2, '1,"two', "a quote is opened and never closed")]
    assert fields(found) == [(3, "3", "4")]


@pytest.mark.parametrize("multiline", ["true", "false"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_quote_that_is_open_at_the_end_of_the_file_is_refused(read, multiline, end):
    found = read('a,b\n1,2\n3,"fou' + end, multiline=multiline)

    assert fields(found) == [(2, "1", "2")]
    assert refusals(found) == [(3, '3,"fou', "a quote is opened and never closed")]


def test_a_quote_that_is_never_closed_takes_no_other_line_with_it(read):
    lines = [f"{i},{i}" for i in range(20_000)]
    lines[3] = '3,"three'

    found = read("a,b\n" + "\n".join(lines), multiline="true")

    assert refusals(found) == [(5, '3,"three', "a quote is opened and never closed")]
    assert len(fields(found)) == 19_999


def test_a_quote_in_one_column_that_is_never_closed_is_no_value(read):
    assert refusals(read('a\n"x\n', "a")) == [(2, '"x', "a quote is opened and never closed")]


def test_a_quote_within_a_field_opens_nothing(read):
    found = read('a,b\n5" pipe,1\n6" pipe,2\n"x\ny",3\n', multiline="true")

    assert fields(found) == [(2, '5" pipe', "1"), (3, '6" pipe', "2"), (4, "x\ny", "3")]


def test_an_escaped_quote_closes_nothing(read):
    found = read('a,b\n"5\\" pipe",1\n"6\\" pipe",2\n"x\ny",3\n', multiline="true", escape="\\")

    assert fields(found) == [(2, '5" pipe', "1"), (3, '6" pipe', "2"), (4, "x\ny", "3")]


# CSV: torn and odd


def test_a_ragged_line_is_refused_and_says_how_wide_it_is(read):
    found = read("a,b\n1,2\n3\n4,5,6\n7,8\n")

    assert fields(found) == [(2, "1", "2"), (5, "7", "8")]
    assert refusals(found) == [(3, "3", "expected 2 fields, found 1"), (4, "4,5,6", "expected 2 fields, found 3")]
    assert [r["_position"] for r in found] == [2, 3, 4, 5]


@pytest.mark.parametrize("torn", [b"3,\xc3", b"3,\xc3,5"])
def test_torn_utf_8_refuses_its_line_alone(read, torn):
    found = read(b"a,b\n1,2\n" + torn + b"\n5,\xc3\xa9\n")

    assert fields(found) == [(2, "1", "2"), (4, "5", "\u00e9")]
    assert refusals(found) == [(3, torn.decode("utf-8", "backslashreplace"), "not UTF-8 at byte 3")]


def test_a_byte_that_the_encoding_does_not_know_refuses_its_line_alone(read):
    found = read(b"a,b\n\xfc,2\n3,\x81\n5,6\n", encoding="cp1252")

    assert fields(found) == [(2, "\u00fc", "2"), (4, "5", "6")]
    assert refusals(found) == [(3, "3,\\x81", "not cp1252 at byte 3")]


@pytest.mark.parametrize("content", ["a,b\n1,2\n3,4\r5\n", "a,b\n1,2\n3,4\r5,6\n", "a,b\n1,2\n3\r4,5\n"])
def test_a_carriage_return_alone_ends_no_line(read, content):
    found = read(content)

    assert fields(found) == [(2, "1", "2")]
    assert refusals(found) == [(3, content.split("\n")[2], "a carriage return stands alone in a field")]


def test_blank_lines_are_no_records_and_are_counted(read):
    assert fields(read("\n\na,b\n\n1,2\r\n\r\n\n3,4\n\n")) == [(5, "1", "2"), (8, "3", "4")]


def test_what_no_column_declares_is_rescued_and_a_column_that_is_not_there_is_null(read):
    [found] = read('till_id,b,note\n"7",2,\u00fc\n')

    assert (found["a"], found["b"], json.loads(found["_rescued"])) == (None, "2", {"till_id": "7", "note": "\u00fc"})
    assert found["_raw"] == '"7",2,\u00fc'


@pytest.mark.parametrize("text", ["", "2,5", "\u00fc \u2028 \x7f", 'a "b"', "a\\b", "a\tb", "a\x01b"])
def test_a_rescued_text_is_json_whatever_it_holds(text):
    columns = {'a "b"': pa.chunked_array([["1", None, "3"]]), "c": pa.chunked_array([[text, "2", None]], pa.string())}

    found = as_objects(columns).to_pylist()

    rows = [{'a "b"': "1", "c": text}, {'a "b"': None, "c": "2"}, {'a "b"': "3", "c": None}]
    assert found == [json.dumps(row, ensure_ascii=False) for row in rows]


@pytest.mark.parametrize("content", ["", "a,b", "a,b\n", "\n", "\n\na,b\n\n"])
def test_a_file_without_lines_has_no_records(read, content):
    assert read(content) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a,b,a\n1,2,3\n", "it names a column twice: a,b,a"),
        (b"a,\xff\n1,2\n", "not UTF-8 at byte 3"),
        (b'a,"b\n1,2\n', "a quote is opened and never closed"),
        (b"a,b\r1,2\r3,4\r", "a carriage return stands alone in a field"),
    ],
)
def test_a_header_that_cannot_be_read_refuses_the_file_and_keeps_its_text(read, content, why):
    found = read(content)

    assert refusals(found) == [(1, content.decode("utf-8", "backslashreplace"), f"the header cannot be read: {why}")]
    assert fields(found) == []


def test_a_field_of_any_length_is_read_beside_a_broken_line(read):
    assert fields(read(b"a,b\n1," + b"x" * 200_000 + b"\n3,\xff\n")) == [(2, "1", "x" * 200_000)]


# JSON


def test_values_are_found_at_their_paths_and_what_is_left_is_rescued(read):
    line = '{"who":{"id":1.10,"name":"Ann"},"tags":["x",2.50],"other":{},"ok":true,"none":null}'

    [found] = read(
        line, format="jsonl", paths={"id": "who.id", "tags": "tags", "ok": "ok", "none": "none", "no": "a.b"}
    )

    assert [found[name] for name in ("id", "tags", "ok", "none", "no")] == ["1.10", '["x",2.50]', "true", None, None]
    assert found["_rescued"] == '{"who":{"name":"Ann"}}'
    assert found["_raw"] == line


def test_a_value_where_an_object_was_declared_is_rescued(read):
    [found] = read('{"who":7}', format="jsonl", paths={"id": "who.id"})

    assert (found["id"], found["_rescued"]) == (None, '{"who":7}')


@pytest.mark.parametrize("number", ["1.10", "-0", "1E400", "0.1000000000000000055511151231257827", "9" * 40])
def test_a_number_stays_as_it_was_written(read, number):
    [found] = read(f'{{"a":{number},"c":[{number}]}}', "a", format="jsonl")

    assert (found["a"], found["_rescued"]) == (number, f'{{"c":[{number}]}}')


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"a":NaN}', "not JSON: NaN is not JSON"),
        (b'{"a":-Infinity}', "not JSON: -Infinity is not JSON"),
        (b'{"a":1,"a":2}', "not JSON: the name a is there twice"),
        (b'{"b":{"x":1,"x":1}}', "not JSON: the name x is there twice"),
        (b"[1]", "expected a JSON object, found list"),
        (b'"a"', "expected a JSON object, found str"),
        (b"null", "expected a JSON object, found NoneType"),
        (b'{"a":1', "not JSON: Expecting ',' delimiter: line 1 column 7 (char 6)"),
        (b'{"a":1} {"a":2}', "not JSON: Extra data: line 1 column 9 (char 8)"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 7"),
        (rb'{"a":"\ud83d"}', "not JSON: half a character"),
        (rb'{"b":["\udc00"]}', "not JSON: half a character"),
        (rb'{"\udc00":1,"\udc00":2}', r"not JSON: the name \udc00 is there twice"),
        (b'{"b":' + b"[" * 450 + b"]" * 450 + b"}", "not JSON: maximum recursion depth exceeded"),
        (b"[" * 5000 + b"]" * 5000, "not JSON: maximum recursion depth exceeded"),
    ],
)
def test_a_line_that_holds_no_sound_object_is_refused_alone(read, line, why):
    found = read(b'{"a":1}\n\n' + line + b'\n{"a":"\\ud83d\\ude00"}\r\n', "a", format="jsonl")

    assert fields(found, "a") == [(1, "1"), (4, "\U0001f600")]
    [(position, raw, reason)] = refusals(found)
    assert (position, raw) == (3, line.decode("utf-8", "backslashreplace"))
    assert reason.startswith(why)


def test_a_name_that_is_there_twice_is_found_among_many_in_time(read):
    names = ",".join(f'"n{number}":1' for number in range(100_000))
    begun = time.process_time()

    found = read(f'{{{names},"n99999":2}}', format="jsonl")

    assert [why for _, _, why in refusals(found)] == ["not JSON: the name n99999 is there twice"]
    assert time.process_time() - begun < 5


def test_a_document_gives_the_records_at_its_path(read):
    found = read('{"page":{"rows":[{"a":1.0},7,{"a":"\\ud83d"},{"a":2}]}}', "a", format="json", records="page.rows")

    assert fields(found, "a") == [(1, "1.0"), (4, "2")]
    assert refusals(found) == [
        (2, "7", "expected a JSON object, found Number"),
        (3, '{"a":"\\ud83d"}', "not JSON: half a character"),
    ]


@pytest.mark.parametrize(("content", "values"), [('[{"a":1},{"a":2}]', ["1", "2"]), ('{"a":1}', ["1"]), ("[]", [])])
def test_without_a_path_a_document_is_an_array_or_one_record(read, content, values):
    assert [r["a"] for r in read(content, "a", format="json")] == values


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"rows":[{"a":1}', "the file is not JSON: Expecting ',' delimiter"),
        ("", "the file is not JSON: Expecting value"),
        ('{"other":[]}', "expected an array of records at rows, found none"),
        ("7", "expected an array of records at rows, found none"),
    ],
)
def test_a_document_without_records_is_refused_whole_and_kept(read, content, why):
    [(position, raw, reason)] = refusals(read(content, format="json", records="rows"))

    assert (position, raw) == (0, content)
    assert reason.startswith(why)


# Files that break off


def lines_of(count: int) -> str:
    return "".join(f"{i},{random.Random(i).random()}\n" for i in range(count))


@pytest.mark.parametrize("options", [{}, {"multiline": "true"}])
@pytest.mark.parametrize("block", [1 << 10, 16 << 20])
def test_a_gzip_file_that_breaks_off_gives_its_whole_lines_and_says_so(read, monkeypatch, options, block):
    monkeypatch.setattr(bytes_of_files, "BLOCK", block)
    content = gzip.compress(("a,b\n" + lines_of(3000)).encode())

    found = read(content[: len(content) // 2], name="file.gz", **options)

    good = fields(found)
    assert len(good) > 1000
    assert good == fields(read("a,b\n" + lines_of(len(good))))
    [(position, rest, why)] = refusals(found)
    assert position == len(good) + 2
    assert lines_of(3000).splitlines()[len(good)].startswith(rest or "")
    assert why == "the file breaks off: Compressed file ended before the end-of-stream marker was reached"


def test_a_gzip_file_whose_end_was_altered_gives_its_lines_and_says_so(read):
    content = gzip.compress(b'{"a":1}\n{"a":2}\n')

    found = read(content[:-8] + b"\0" * 8, "a", name="file.gz", format="jsonl")

    assert fields(found, "a") == [(1, "1"), (2, "2")]
    assert [(p, why[:23]) for p, _, why in refusals(found)] == [(3, "the file breaks off: CR")]


def test_a_file_that_is_not_gzip_says_so(read):
    assert refusals(read("a,b\n1,2\n", name="file.gz")) == [
        (1, None, "the file breaks off: Not a gzipped file (b'a,')")
    ]


def test_the_record_that_says_that_a_file_breaks_off_takes_no_other_ones_place(read):
    content = gzip.compress(b"a,b\n1\n2,3\n4,5\n")

    found = read(content[:-4], name="file.gz")

    assert [(r["_position"], r["_error"] is None) for r in found] == [(2, False), (3, True), (4, True), (5, False)]


def test_a_zipped_file_is_read_as_the_plain_one(read):
    content = ("a,b\n" + lines_of(500)).encode()

    assert read(gzip.compress(content), name="file.gz") == read(content)


# Larger than memory has room for


@pytest.mark.parametrize(
    ("options", "content", "good", "why"),
    [
        ({}, "a,b\n1,2\n3,{}\n5,6\n", [(2, "1", "2")], "a line does not end within 1000 bytes"),
        ({"format": "jsonl"}, '{{"a":1}}\n{{"a":"{}"}}\n', [(1, "1", None)], "a line does not end within 1000 bytes"),
        ({"format": "fixed", "widths": (1, 1)}, "12\n{}\n", [(1, "1", "2")], "a line does not end within 1000 bytes"),
        ({"multiline": "true"}, "a,b\n1,2\n3,{}\n", [], "the file, whose records may span lines, is larger than 1000"),
        ({"encoding": "utf-16-le"}, "a,b\n1,2\n3,{}\n", [], "the file, whose records may span lines, is larger than"),
        ({"format": "json"}, '{{"a":"{}"}}', [], "the file, whose records may span lines, is larger than 1000 bytes"),
    ],
    ids=lambda each: "",
)
@pytest.mark.parametrize("name", ["file", "file.gz"])
def test_what_must_be_held_whole_and_is_too_large_ends_the_file(read, monkeypatch, options, content, good, why, name):
    monkeypatch.setattr(bytes_of_files, "BLOCK", 100)
    monkeypatch.setattr(bytes_of_files, "LARGEST", 1000)
    raw = content.format("x" * 3000).encode(options.get("encoding", "utf-8"))

    found = read(gzip.compress(raw) if name.endswith(".gz") else raw, name=name, **options)

    assert fields(found) == good
    [(position, rest, reason)] = refusals(found)
    assert position == (good[-1][0] if good else 0) + 1
    assert reason.startswith(why)
    assert len(rest) < 1200


def test_a_line_that_unzips_to_gigabytes_needs_little_memory(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"x" * (1 << 20)) * 1024)
    script = f"""
import resource
from bronze.records import Layout, read_records
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print([batch.num_rows for batch in read_records({str(path)!r}, Layout("csv", {{"a": "a", "b": "b"}}, {{}}))])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 900 << 10)
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split("\n")[:2] == ["[1, 1]", "True"]


# What no reader expects


def reader_that_raises(error: Exception) -> Callable:
    def reader(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
        yield from read_csv(path, layout)
        raise error

    return reader


@pytest.mark.parametrize(
    "error", [ValueError("odd"), RecursionError("odd"), UnicodeError("odd"), pa.ArrowInvalid("odd")]
)
def test_an_error_of_a_reader_refuses_the_rest_of_the_file(read, monkeypatch, error):
    monkeypatch.setattr(records, "read_csv", reader_that_raises(error))

    found = read("a,b\n1,2\n")

    assert fields(found) == [(2, "1", "2")]
    assert refusals(found) == [(3, None, f"the rest of the file cannot be read: {type(error).__name__}: odd")]


@pytest.mark.parametrize("error", [OSError(5, "odd"), MemoryError("odd")])
def test_an_error_of_the_machine_is_no_fault_of_the_file(read, monkeypatch, error):
    monkeypatch.setattr(records, "read_csv", reader_that_raises(error))

    with pytest.raises(type(error)):
        read("a,b\n1,2\n")


# Whatever the lines are

CSV_LINES = [b"1,2", b'"x,1",2', b'"x""y",2', b"1", b"1,2,3", b"\xff,2", b'"open,2', b"c\rr,2", b"", b'x"y,2', b" ,"]
JSON_LINES = [
    b'{"a":1}',
    b'{"a":{"b":[1]},"c":1}',
    b'{"a":1',
    b"[]",
    b"NaN",
    b'{"a":"\xff"}',
    rb'{"b":"\udead"}',
    b"",
    b" ",
]


def any_lines(seed: int, choices: list[bytes]) -> list[bytes]:
    chooser = random.Random(seed)
    broken = chooser.random() < 0.7  # without a broken line the quick way is taken
    return chooser.choices(choices if broken else choices[:3], k=chooser.randint(1, 30))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("format", "choices", "header"), [("csv", CSV_LINES, b"a,b"), ("jsonl", JSON_LINES, None)], ids=["csv", "jsonl"]
)
def test_every_line_is_in_exactly_one_record(read, format, choices, header, end):
    head = [header] if header else []
    for seed in range(60):
        lines = any_lines(seed, choices)

        found = read(end.join([*head, *lines]) + end * (seed % 2), format=format)

        told = [(number, line) for number, line in enumerate(lines, 1 + len(head)) if line not in (b"", b" ")]
        expected = [(number, line.decode("utf-8", "backslashreplace")) for number, line in told]
        assert [(r["_position"], r["_raw"]) for r in found] == expected, f"seed {seed}"


@pytest.mark.parametrize("name", ["file", "file.gz"])
@pytest.mark.parametrize("block", [1, 7, 64])
@pytest.mark.parametrize(("format", "choices"), [("csv", CSV_LINES), ("jsonl", JSON_LINES)], ids=["csv", "jsonl"])
def test_the_records_of_a_file_are_the_same_whatever_the_size_of_a_block(
    read, monkeypatch, name, block, format, choices
):
    for seed in range(20):
        content = b"\xef\xbb\xbfa,b\r\n" * (format == "csv") + b"\r\n".join(any_lines(seed, choices))
        content = gzip.compress(content) if name.endswith(".gz") else content
        monkeypatch.setattr(bytes_of_files, "BLOCK", 16 << 20)
        whole = read(content, name=name, format=format)
        monkeypatch.setattr(bytes_of_files, "BLOCK", block)

        assert read(content, name=name, format=format) == whole, f"seed {seed}"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_without_raw_forms_the_records_are_the_same(read, end):
    for seed in range(60):
        content = b"a,b" + end + end.join(any_lines(seed, CSV_LINES)) + end * (seed % 2)

        found = read(content, keeps_raw=False)

        for each, whole in zip(found, read(content), strict=True):
            assert each["_raw"] == whole["_raw"] or (each["_raw"] is None and whole["_error"] is None), f"seed {seed}"
            assert {**each, "_raw": None} == {**whole, "_raw": None}, f"seed {seed}"


def test_values_that_span_lines_and_broken_ones_share_out_all_lines(read):
    """No line is lost: the records' raw texts, put together again, are the lines that are not blank."""
    for seed in range(60):
        lines = any_lines(seed, [*CSV_LINES, b'"two', b'lines",2', b'"a""'])

        found = read(b"a,b\n" + b"\n".join(lines), multiline="true")

        told = Counter(line for r in found for line in r["_raw"].split("\n") if line)
        assert told == Counter(line.decode("utf-8", "backslashreplace") for line in lines if line), f"seed {seed}"


def test_json_is_written_quickly_as_it_is_spelled_out():
    deep: object = Number("1.10")
    for _ in range(300):
        deep = [deep]
    values = [
        {"price": Number("1.10"), "b": [Number("1e400"), None, True, {}], "c": Attributed({"#text": "a", "id": "7"})},
        "".join(map(chr, range(0x180))) + '\u2028\U0001f600/\\"',
        {'"\n': []},
        {"half": "\ud800"},
        {"deep": deep},
    ]

    assert [to_json(value) for value in values] == [spelled_out(value) for value in values]
