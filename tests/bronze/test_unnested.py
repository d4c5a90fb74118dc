"""Arrays within JSON as rows: one for each element of the innermost, and nothing that stands around it vanishes."""

import gzip
import json
import time

import pytest

from bronze.records import Layout, read_records
from tests.bronze.told import fields, refusals

LINES = "orders[].lines[]"
PATHS = {"order": "orders[].id", "who": "orders[].who.id", "sku": "orders[].lines[].sku", "page": "page"}

PAGE = {
    "page": 1,
    "orders": [
        {"id": 1, "who": {"id": 7, "vip": True}, "lines": [{"sku": "a", "till": 9}, {"sku": "b"}]},
        {"id": 2, "lines": []},
        {"id": 3},
        {"id": 4, "lines": [{"sku": "c"}]},
    ],
}
ROWS = [
    (1, "1", "7", "a", "1"),
    (2, "1", "7", "b", "1"),
    (3, "2", None, None, "1"),
    (4, "3", None, None, "1"),
    (5, "4", None, "c", "1"),
]


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_each_element_is_a_row_with_what_stands_around_it(read, format):
    found = read(json.dumps(PAGE), format=format, paths=PATHS, records=LINES)

    assert fields(found, *PATHS) == ROWS
    assert [json.loads(r["_rescued"] or "null") for r in found[:3]] == [
        {"orders[]": {"who": {"vip": True}, "lines[]": {"till": 9}}},
        None,
        None,
    ]


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_what_no_column_declares_stands_in_the_first_row_of_its_array_alone(read, format):
    count = 20_000
    order = {"id": 1, "log": list(range(count)), "lines": [{"sku": str(n)} for n in range(count)], "more": {"x": "y"}}
    page = {"page": 1, "orders": [order, {"id": 2, "log": [0], "lines": [{"sku": "z"}]}], "big": list(range(count))}
    begun = time.process_time()

    found = read(json.dumps(page), format=format, paths=PATHS, records=LINES)

    assert time.process_time() - begun < 10
    assert fields(found, "order", "sku", "page")[-2:] == [(count, "1", str(count - 1), "1"), (count + 1, "2", "z", "1")]
    assert [n for n, r in enumerate(found) if r["_rescued"]] == [0, count]
    assert json.loads(found[0]["_rescued"]) == {
        "orders[]": {"log": order["log"], "more": {"x": "y"}},
        "big": page["big"],
    }
    assert found[1]["_raw"] == '{"page":1,"orders":[{"id":1,"lines":[{"sku":"1"}]}]}'


def test_rows_come_some_thousand_at_once(tmp_path):
    path = tmp_path / "file"
    path.write_text(json.dumps({"tags": list(range(12_000))}))
    layout = Layout("json", {"tag": "tags[]"}, {"records": "tags[]"})

    assert [batch.num_rows for batch in read_records(str(path), layout)] == [5000, 5000, 2000]


def test_an_element_that_is_nested_too_deeply_is_refused_alone(read):
    deep = "[" * 450 + "]" * 450
    content = f'{{"tags":[{{"t":1}},{{"t":2,"deep":{deep}}},{{"t":3}}]}}'

    found = read(content, format="json", paths={"t": "tags[].t"}, records="tags[]")

    assert fields(found, "t") == [(1, "1"), (3, "3")]
    assert [(position, why[:38]) for position, _, why in refusals(found)] == [
        (2, "not JSON: maximum recursion depth exce"),
    ]


def test_rows_before_a_file_breaks_off_are_given(read):
    content = gzip.compress(b'{"tags":[1,2]}\n{"tags":[3]}\n')

    found = read(content[:-8], format="jsonl", paths={"tag": "tags[]"}, records="tags[]", name="file.gz")

    assert fields(found, "tag") == [(1, "1"), (2, "2"), (3, "3")]
    assert [(position, why[:20]) for position, _, why in refusals(found)] == [(4, "the file breaks off:")]


def test_the_raw_form_of_a_row_is_a_document_that_reads_as_that_row(read):
    found = read(json.dumps(PAGE), format="json", paths=PATHS, records=LINES)

    again = [read(r["_raw"], format="json", paths=PATHS, records=LINES) for r in found]

    assert [[r[c] for c in (*PATHS, "_rescued")] for [r] in again] == [
        [r[c] for c in (*PATHS, "_rescued")] for r in found
    ]


def test_rows_of_lines_are_counted_through_the_file(read):
    lines = [json.dumps({"id": 1, "tags": ["x", "y"]}), "{", "", json.dumps({"id": 2, "tags": ["z"]})]

    found = read("\n".join(lines), format="jsonl", paths={"id": "id", "tag": "tags[]"}, records="tags[]")

    assert fields(found, "id", "tag") == [(1, "1", "x"), (2, "1", "y"), (4, "2", "z")]
    assert [(position, raw) for position, raw, _ in refusals(found)] == [(3, "{")]


def test_a_document_may_be_the_array(read):
    content = '[{"id":1,"lines":[{"sku":"a"}]},{"id":2},7]'

    found = read(content, format="json", paths={"id": "[].id", "sku": "[].lines[].sku"}, records="[].lines[]")

    assert fields(found, "id", "sku") == [(1, "1", "a"), (2, "2", None)]
    assert refusals(found) == [(3, "[7]", "[]: expected a JSON object, found Number")]


@pytest.mark.parametrize("content", ['{"orders":[]}', '{"orders":[]}\n{"orders":[]}'])
def test_nothing_around_no_elements_is_no_row(read, content):
    assert read(content, format="jsonl", paths=PATHS, records=LINES) == []


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        ({"id": 1}, "orders: expected an array, found dict"),
        ([7], "orders[]: expected a JSON object, found Number"),
        ([{"id": 1, "lines": "a"}], "lines: expected an array, found str"),
        ([{"id": 1, "lines": [None]}], "lines[]: expected a JSON object, found NoneType"),
        ([{"id": 1, "lines": [{"sku": "\ud83d"}]}], "not JSON: half a character"),
    ],
)
def test_an_element_of_another_kind_is_refused_alone(read, orders, why):
    first = {"orders": [{"id": 0, "lines": [{"sku": "z"}]}]}

    found = read(f"{json.dumps(first)}\n{json.dumps({'orders': orders})}", format="jsonl", paths=PATHS, records=LINES)

    assert fields(found, "order", "sku") == [(1, "0", "z")]
    assert [reason for _, _, reason in refusals(found)] == [why]


def test_members_of_a_struct_that_its_type_does_not_have_are_rescued(read):
    line = '{"lines":[{"sku":"a","till":9},{"sku":"b"}],"by":{"x":{"n":1,"m":2}}}'

    [found] = read(
        line,
        format="jsonl",
        paths={"lines": "lines", "by": "by"},
        nested={"lines": "array<struct<sku:string>>", "by": "map<string,struct<n:int>>"},
    )

    assert (found["lines"], found["by"]) == ('[{"sku":"a"},{"sku":"b"}]', '{"x":{"n":1}}')
    assert json.loads(found["_rescued"]) == {"lines": [{"till": 9}, None], "by": {"x": {"m": 2}}}
