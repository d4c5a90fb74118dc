"""JSON as RFC 8259 has it, in lines or in one document: each number as it was written, each name once."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from bronze.records.content import blocks, not_in_encoding, shown
from bronze.records.layout import RAW_LIMIT, Layout, Refusal, joined, refused


class Number(str):
    """A JSON number, as it was written: 1.10 stays 1.10, and no digit is lost."""


class NotJsonError(ValueError):
    """Text that is not JSON, or not as RFC 8259 has it: a name twice in one object, NaN."""


def no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise NotJsonError(f"the name {next(n for n in names if names.count(n) > 1)} is there twice")
    return record


def refuse_constant(name: str) -> None:
    raise NotJsonError(f"{name} is not JSON")


DECODER = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=refuse_constant, object_pairs_hook=no_name_twice
)


def read_json_lines(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    first_line = 1
    for block in blocks(path, layout):
        good: list[tuple[int, str, dict[str, Any]]] = []
        bad: list[Refusal] = []
        for number, raw in enumerate(block.split(b"\n"), first_line):
            raw = raw.removesuffix(b"\r")
            if not raw.strip():
                continue
            record, error = json_record(raw, layout)
            if record is None:
                bad.append((number, shown(raw)[:RAW_LIMIT], error))
            else:
                good.append((number, raw.decode(), record))
        yield joined(json_batch(good, layout), refused(bad, layout))
        first_line += block.count(b"\n")


def json_record(raw: bytes, layout: Layout) -> tuple[dict[str, Any] | None, str | None]:
    """The object that a line holds, or why it holds none."""
    try:
        record = DECODER.decode(raw.decode())
        is_deep = raw.count(b"[") + raw.count(b"{") > 100
        if (b"\\u" in raw or is_deep) and has_half_a_character(to_json(record)):
            return None, "not JSON: half a character"
    except UnicodeDecodeError as error:
        return None, not_in_encoding(error, layout)
    except (ValueError, RecursionError) as error:
        return None, f"not JSON: {error}"
    if not isinstance(record, dict):
        return None, f"expected a JSON object, found {type(record).__name__}"
    return record, None


def read_json_document(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    """One document; its records are the array at the path `records`, or the document itself."""
    content = b"".join(blocks(path, layout))
    where = layout.options.get("records")
    try:
        document = DECODER.decode(content.decode())
        found = value_at(document, where) if where else document
        if isinstance(document, dict) and not where:
            found = [document]
        if not isinstance(found, list):
            raise NotJsonError(f"expected an array of records at {where or 'the top'}, found none")
        written = [to_json(record) for record in found]
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, NotJsonError) else f"the file is not JSON: {error}"
        yield refused([(0, shown(content[:RAW_LIMIT]), why)], layout)
        return
    good: list[tuple[int, str, dict[str, Any]]] = []
    bad: list[Refusal] = []
    for number, (record, raw) in enumerate(zip(found, written, strict=True), 1):
        if not isinstance(record, dict):
            bad.append((number, raw, f"expected a JSON object, found {type(record).__name__}"))
        elif has_half_a_character(raw):
            bad.append((number, raw.encode("utf-8", "backslashreplace").decode(), "not JSON: half a character"))
        else:
            good.append((number, raw, record))
    yield joined(json_batch(good, layout), refused(bad, layout))


def has_half_a_character(text: str) -> bool:
    """Whether the text holds one of two surrogates without the other: no UTF-8 can write it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def json_batch(records: list[tuple[int, str, dict[str, Any]]], layout: Layout) -> pa.RecordBatch:
    columns: list[list[str | None]] = [[] for _ in layout.columns]
    rescued = []
    paths = [path.split(".") for path in layout.columns.values()]
    for _, _, record in records:
        for column, path in zip(columns, paths, strict=True):
            column.append(text_of(taken(record, path)))
        rest = without_empty(record)
        rescued.append(to_json(rest) if rest else None)
    arrays = [
        *(pa.array(column, pa.string()) for column in columns),
        pa.array(rescued, pa.string()),
        pa.array([number for number, _, _ in records], pa.int64()),
        pa.array([raw for _, raw, _ in records], pa.string()),
        pa.nulls(len(records), pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=layout.schema)


def taken(record: dict[str, Any], path: list[str]) -> Any:
    """The value at the path, taken out of the record: what stays is what no column declares."""
    for name in path[:-1]:
        inner = record.get(name)
        if not isinstance(inner, dict):
            return None
        record = inner
    return record.pop(path[-1], None)


def value_at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def without_empty(record: dict[str, Any]) -> dict[str, Any]:
    """What is left of a record, less the objects that everything was taken out of."""
    rest = {name: without_empty(value) if isinstance(value, dict) else value for name, value in record.items()}
    return {name: value for name, value in rest.items() if value != {}}


def text_of(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return str(value) if value is not None else None
    return to_json(value)


def to_json(value: Any) -> str:
    """JSON with each number as it was written.

    >>> to_json({"price": Number("1.10"), "tags": ["a", None, True]})
    '{"price":1.10,"tags":["a",null,true]}'
    """
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(n, ensure_ascii=False)}:{to_json(v)}" for n, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(to_json(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)
