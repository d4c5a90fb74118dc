"""What the forms write is what bronze reads: every dialect, encoding and awkward value."""

import gzip
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bronze.records import Layout, read_records
from simulator.feeds.formats import Avro, Csv, FixedWidth, Form, JsonDocument, JsonLines, Parquet, Xml, zipped
from simulator.feeds.names import mistyped
from simulator.feeds.spelling import hex_ids, letter_ids, money, number_ids, uuids, with_comma

AWKWARD = ["plain", 'a "quoted" name', "semi;colon, comma|bar\ttab", "Zoë Groß", "<b>&amp;</b>", "back\\slash", None]
CENTS = np.array([0, 5, 150, -7, 99, 1, 123456])
COLUMNS = {"id": pa.array(range(1, 8)), "text": pa.array(AWKWARD), "amount": money(CENTS)}


def written(form: Form, columns: dict[str, pa.Array], path: Path, cut: int = 3) -> Path:
    """A file of two pieces."""
    render = form.rendered(columns)
    rows = len(next(iter(columns.values())))
    is_zipped = path.suffix == ".gz"
    pieces = [render(0, cut), render(cut, rows)]
    schema = pa.schema([(name, array.type) for name, array in columns.items()])
    parts = form.finished([zipped(piece) if is_zipped else piece for piece in pieces], schema, is_zipped)
    path.write_bytes(b"".join(parts))
    return path


def read(path: Path, format: str, options: dict[str, str], columns: dict[str, str], *widths: int) -> list[tuple]:
    layout = Layout(format, columns, options, widths)
    rows = [row for batch in read_records(str(path), layout) for row in batch.to_pylist()]
    assert [row["_error"] for row in rows] == [None] * len(rows)
    assert [row["_rescued"] for row in rows] == [None] * len(rows)
    return [tuple(row[name] for name in columns) for row in rows]


AS_TEXT = list(zip("1234567", AWKWARD, ["0.00", "0.05", "1.50", "-0.07", "0.99", "0.01", "1234.56"], strict=True))
NAMES = {name: name for name in COLUMNS}


@pytest.mark.parametrize(
    ("form", "options"),
    [
        (Csv(), {}),
        (Csv(sep=";", encoding="cp1252", newline="\r\n"), {"sep": ";", "encoding": "cp1252"}),
        (Csv(sep="\t", encoding="utf-16"), {"sep": "\t", "encoding": "utf-16"}),
        (Csv(sep="|", encoding="latin-1", null="\\N"), {"sep": "|", "encoding": "latin-1", "null": "\\N"}),
        (Csv(quote_all=True, null="n/a"), {"null": "n/a"}),
        (Csv(has_header=False), {"header": "false"}),
    ],
)
def test_csv_is_read_as_it_was_written(form: Csv, options: dict[str, str], tmp_path: Path) -> None:
    assert read(written(form, COLUMNS, tmp_path / "rows.csv"), "csv", options, NAMES) == AS_TEXT


def test_a_text_of_two_lines_stays_one_record(tmp_path: Path) -> None:
    columns = {"id": pa.array([1, 2]), "text": pa.array(["one\ntwo", "three"])}
    path = written(Csv(quote_all=True), columns, tmp_path / "notes.csv", cut=1)

    assert read(path, "csv", {"multiline": "true"}, {"id": "id", "text": "text"}) == [("1", "one\ntwo"), ("2", "three")]


def test_members_of_a_zipped_file_are_one_file(tmp_path: Path) -> None:
    path = written(Csv(sep="|"), COLUMNS, tmp_path / "rows.csv.gz")

    assert gzip.decompress(path.read_bytes()).startswith(b"id|text|amount\n1|plain|0.00\n")
    assert read(path, "csv", {"sep": "|"}, NAMES) == AS_TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_json_lines_are_read_as_they_were_written(encoding: str, tmp_path: Path) -> None:
    columns = {"id": COLUMNS["id"], "who.text": COLUMNS["text"], "who.amount": COLUMNS["amount"]}
    path = written(JsonLines(encoding=encoding), columns, tmp_path / "rows.jsonl")

    found = read(path, "jsonl", {"encoding": encoding}, {"id": "id", "text": "who.text", "amount": "who.amount"})
    assert found == AS_TEXT
    first = json.loads(path.read_text(encoding).splitlines()[0])
    assert first == {"id": 1, "who": {"text": "plain", "amount": 0.0}}


def test_a_json_value_that_is_not_there_may_have_no_name(tmp_path: Path) -> None:
    path = written(JsonLines(skip_null=True), COLUMNS, tmp_path / "rows.jsonl")

    assert [set(json.loads(line)) for line in path.read_text().splitlines()][-2:] == [{*NAMES}, {"id", "amount"}]


def test_a_json_document_has_a_fragment_as_it_is(tmp_path: Path) -> None:
    columns = {"no": pa.array(["a", "b"]), "lines": pa.array([b'[{"sku":"x"},{"sku":"y"}]', b'[{"sku":"z"}]'])}
    path = written(JsonDocument("orders", head='"version":2,'), columns, tmp_path / "rows.json", cut=1)

    assert json.loads(path.read_text())["version"] == 2
    found = read(path, "json", {"records": "orders[].lines[]"}, {"no": "orders[].no", "sku": "orders[].lines[].sku",
                                                                  "version": "version"})  # fmt: skip
    assert found == [("a", "x", "2"), ("a", "y", "2"), ("b", "z", "2")]


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_xml_is_read_as_it_was_written(encoding: str, tmp_path: Path) -> None:
    columns = {"@id": COLUMNS["id"], "who.@text": COLUMNS["text"], "who.amount": COLUMNS["amount"]}
    path = written(Xml(root="rows", row="row", encoding=encoding), columns, tmp_path / "rows.xml")
    as_attributes = [(number, text and text.replace("\t", " "), amount) for number, text, amount in AS_TEXT]

    found = read(path, "xml", {"row": "row"}, {"id": "@id", "text": "who.@text", "amount": "who.amount"})
    assert found == as_attributes


def test_fixed_widths_are_kept_whatever_is_in_them(tmp_path: Path) -> None:
    form = FixedWidth({"id": 4, "text": 12, "amount": 9})
    path = written(form, COLUMNS, tmp_path / "rows.txt")

    found = read(path, "fixed", {}, NAMES, 4, 12, 9)
    assert found == [(number, text and text[:12].strip(), amount) for number, text, amount in AS_TEXT]


def test_avro_is_read_as_it_was_written(tmp_path: Path) -> None:
    at = pa.array([datetime(2024, 1, 1, 8), None]).cast(pa.timestamp("us", "UTC"))
    columns = {"who": pa.array(["Zoë", None]), "units": pa.array([3, None]), "on": pa.array([date(2024, 1, 2), None]),
               "at": at, "is_new": pa.array([True, None]), "amount": pa.array([Decimal("1.50"), None])}  # fmt: skip
    path = written(Avro("Row"), columns, tmp_path / "rows.avro", cut=1)

    found = read(path, "avro", {}, {name: name for name in columns})
    assert found == [("Zoë", "3", "2024-01-02", "2024-01-01T08:00:00+00:00", "true", "1.50"), (None,) * 6]


def test_parquet_has_a_row_group_for_each_piece(tmp_path: Path) -> None:
    path = written(Parquet("zstd"), COLUMNS, tmp_path / "rows.parquet")

    assert pq.ParquetFile(path).num_row_groups == 2
    assert pq.read_table(path).to_pydict() == pa.table(COLUMNS).to_pydict()


def test_what_an_encoding_cannot_say_is_a_question_mark(tmp_path: Path) -> None:
    columns = {"id": pa.array([1, 2]), "name": pa.array(["芳", "Zoë"])}
    path = written(Csv(encoding="cp1252"), columns, tmp_path / "names.csv", cut=1)

    assert path.read_bytes() == "id,name\n1,?\n2,Zoë\n".encode("cp1252")


# Ids and spellings


@pytest.mark.parametrize("ids", [hex_ids, letter_ids, uuids, lambda *use: pa.array(number_ids(*use))])
def test_ids_are_never_the_same_for_two_and_tell_no_order(ids) -> None:
    people = np.arange(200_000)
    found = ids(people, "test")
    order = pa.compute.sort_indices(found).to_numpy()

    assert len(found.unique()) == len(people)
    assert abs(np.corrcoef(people, order)[0, 1]) < 0.01
    assert found.to_pylist()[:5] != ids(people, "another use").to_pylist()[:5]


def test_number_ids_fit_their_field() -> None:
    assert number_ids(np.array([0, 1, (1 << 40) - 1]), "test").max() < 10**13


@pytest.mark.parametrize(("cents", "text"), [(5, "0,05"), (-5, "-0,05"), (123456, "1.234,56"), (99999, "999,99")])
def test_amounts_with_a_comma(cents: int, text: str) -> None:
    assert with_comma(money(np.array([cents])), ".").to_pylist() == [text]


def test_a_typo_is_one_edit_away() -> None:
    for number in range(40):
        typed = mistyped("Margaret", number)
        assert typed != "Margaret" or number % 4 == 2
        assert abs(len(typed) - len("Margaret")) <= 1
