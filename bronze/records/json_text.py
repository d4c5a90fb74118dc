"""JSON as RFC 8259 has it, in lines or in one document: each number as it was written, each name once."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from bronze.records.content import BLOCK, blocks, not_in_encoding, shown
from bronze.records.layout import RAW_LIMIT, Layout, Refusal, joined, refused
from bronze.records.nested import Number, Record, has_half_a_character, nested_batch, to_json
from bronze.records.unnested import Element, as_delivered, unnested, way_of

BATCH = 5_000  # elements of arrays that become rows


class NotJsonError(ValueError):
    """Text that is not JSON, or not as RFC 8259 has it: a name twice in one object, NaN."""


def no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise NotJsonError(f"the name {twice} is there twice")
    return record


def refuse_constant(name: str) -> None:
    raise NotJsonError(f"{name} is not JSON")


DECODER = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=refuse_constant, object_pairs_hook=no_name_twice
)


def read_json_lines(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    """A record a line; or, where `records` names arrays, a record for each element of the innermost."""
    if way := way_of(layout):
        yield from element_batches(elements_of_lines(path, way, layout), way, layout)
        return
    first_line = 1
    for block in blocks(path, layout):
        good, bad = records_in_lines(block, first_line, layout)
        yield joined(nested_batch(good, layout), refused(bad, layout))
        first_line += block.count(b"\n")


def records_in_lines(text: bytes, first_line: int, layout: Layout) -> tuple[list[Record], list[Refusal]]:
    """The records of whole lines, and the lines that hold none."""
    good: list[Record] = []
    bad: list[Refusal] = []
    for line, raw in enumerate(text.split(b"\n"), first_line):
        raw = raw.removesuffix(b"\r")
        if not raw.strip():
            continue
        record, error = json_record(raw, layout)
        if record is None:
            bad.append((line, shown(raw)[:RAW_LIMIT], error))
        else:
            good.append((line, raw.decode(), record))
    return good, bad


class Raw(str):
    """A line that holds no record, as it is."""


def elements_of_lines(path: str, way: Sequence[str], layout: Layout) -> Iterator[Element]:
    for block in blocks(path, layout):
        for raw in block.split(b"\n"):
            raw = raw.removesuffix(b"\r")
            if not raw.strip():
                continue
            record, error = json_record(raw, layout)
            if record is None:
                yield Raw(shown(raw)), error
            else:
                yield from unnested(record, way, layout)


def element_batches(elements: Iterable[Element], way: Sequence[str], layout: Layout) -> Iterator[pa.RecordBatch]:
    """The elements as records, some thousand at once: one document may hold millions. What came before an error is
    given first."""
    good: list[Record] = []
    bad: list[Refusal] = []
    size = 0
    try:
        for number, (record, why) in enumerate(elements, 1):
            try:
                raw = record if isinstance(record, Raw) else to_json(as_delivered(record, way))
            except RecursionError as error:
                raw, why = "", f"not JSON: {error}"
            if not why and has_half_a_character(raw):
                why = "not JSON: half a character"
            if why:
                bad.append((number, raw.encode("utf-8", "backslashreplace").decode()[:RAW_LIMIT], why))
            else:
                good.append((number, raw, record))
            size += len(raw)
            if len(good) + len(bad) >= BATCH or size >= BLOCK:
                yield joined(nested_batch(good, layout), refused(bad, layout))
                good, bad, size = [], [], 0
    except Exception:
        yield joined(nested_batch(good, layout), refused(bad, layout))
        raise
    yield joined(nested_batch(good, layout), refused(bad, layout))


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
    """One document; its records are the array at the path `records`, or the document itself; or, where `records` names
    arrays (`orders[].lines[]`), a record for each element of the innermost."""
    content = b"".join(blocks(path, layout))
    way = way_of(layout)
    try:
        document = DECODER.decode(content.decode())
        found = records_in(document, layout.options.get("records")) if not way else []
        written = [to_json(record) for record in found]
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, NotJsonError) else f"the file is not JSON: {error}"
        yield refused([(0, shown(content[:RAW_LIMIT]), why)], layout)
        return
    if way:
        yield from element_batches(unnested(document, way, layout), way, layout)
        return
    good: list[Record] = []
    bad: list[Refusal] = []
    for number, (record, raw) in enumerate(zip(found, written, strict=True), 1):
        if not isinstance(record, dict):
            bad.append((number, raw, f"expected a JSON object, found {type(record).__name__}"))
        elif has_half_a_character(raw):
            bad.append((number, raw.encode("utf-8", "backslashreplace").decode(), "not JSON: half a character"))
        else:
            good.append((number, raw, record))
    yield joined(nested_batch(good, layout), refused(bad, layout))


def records_in(document: Any, path: str | None) -> list[Any]:
    found = value_at(document, path) if path else document
    if isinstance(document, dict) and not path:
        found = [document]
    if not isinstance(found, list):
        raise NotJsonError(f"expected an array of records at {path or 'the top'}, found none")
    return found


def value_at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document
