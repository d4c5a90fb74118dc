"""CSV in its dialects: Arrow parses whole blocks of lines; where it cannot, each record is read on its own."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from bronze.records.content import blocks, is_utf8, not_in_encoding, shown
from bronze.records.layout import RAW_LIMIT, Layout, Refusal, UnreadableError, joined, refused

ESCAPED = r'["\\\x00-\x1f]'  # in JSON

csv.field_size_limit(sys.maxsize)  # Arrow has no limit either


def read_csv(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    header: list[str] | None = None
    if not has_header(layout):
        header = list(layout.columns)
    line = 1
    content = blocks(path, layout)
    for block in content:
        text = block
        if header is None:
            text = block.lstrip(b"\r\n")
            line += block.count(b"\n") - text.count(b"\n")
            if not text:
                continue
            try:
                header = csv_header(text, layout)
            except UnreadableError as error:
                raise UnreadableError(str(error), shown(beginning(text, content))) from error
            text = text.partition(b"\n")[2]
            line += 1
        yield csv_block(text, line, header, layout)
        line += text.count(b"\n")


def has_header(layout: Layout) -> bool:
    return layout.options.get("header", "true") != "false"


def beginning(text: bytes, more: Iterator[bytes]) -> bytes:
    """As much of a text as is kept of one that cannot be read."""
    while len(text) < RAW_LIMIT and (block := next(more, None)):
        text += block
    return text[:RAW_LIMIT]


def csv_header(text: bytes, layout: Layout) -> list[str]:
    """The names in the first line; without them no line can be read. None is declared where the first line is no
    header, or another delimiter is used."""
    first = text.partition(b"\n")[0].removesuffix(b"\r")
    _, raw, fields, why = next(csv_records([(1, first)], layout))
    header = [name.strip() for name in fields]
    if not why and len(set(header)) < len(header):
        why = f"it names a column twice: {raw}"
    if not why and not set(header) & set(layout.columns):
        why = f"it names no declared column: {raw[:1000]}"
    if why:
        raise UnreadableError(f"the header cannot be read: {why}")
    return header


def csv_block(block: bytes, first_line: int, header: list[str], layout: Layout) -> pa.RecordBatch:
    """Records of a block of whole lines. Arrow parses it; only where it cannot, each record is read on its own."""
    text = (block.replace(b"\r\n", b"\n") if b"\r" in block else block).removesuffix(b"\n")
    if not layout.keeps_raw and not text.startswith(b"\n") and b"\n\n" not in text:
        rows = text.count(b"\n") + 1
        table, ragged = csv_table(text, rows, header, layout)
        if table is not None and not ragged:
            positions = pa.array(np.arange(first_line, first_line + rows))
            return assembled(
                dict(zip(header, table.columns, strict=True)), positions, pa.nulls(rows, pa.string()), layout
            )
    every = list(enumerate(text.split(b"\n"), first_line))
    lines = [(number, line) for number, line in every if line]
    if not lines:
        return refused([], layout)
    table, ragged = csv_table(b"\n".join(line for _, line in lines), len(lines), header, layout)
    if table is None:
        return csv_record_by_record(every, header, layout)
    good = [pair for index, pair in enumerate(lines) if index not in ragged] if ragged else lines
    batch = assembled(
        dict(zip(header, table.columns, strict=True)),
        pa.array([number for number, _ in good], pa.int64()),
        pa.array([raw for _, raw in good], pa.binary()).cast(pa.string()),
        layout,
    )
    bad: list[Refusal] = [(lines[index][0], lines[index][1].decode(), why) for index, why in ragged.items()]
    return joined(batch, refused(bad, layout))


def csv_table(text: bytes, lines: int, header: list[str], layout: Layout) -> tuple[pa.Table | None, dict[int, str]]:
    """So many lines as Arrow parses them, and why some (by index) are of another width; no table where it cannot, or
    where a record is not a line."""
    options = layout.options
    ragged: dict[int, str] = {}

    def note_ragged(row: Any) -> str:
        # Arrow counts records from 1, over the lines that it was given, when it works on one thread.
        ragged[row.number - 1] = width_is_wrong(row.expected_columns, row.actual_columns)
        return "skip"

    if b"\r" in text or not is_utf8(text):  # Arrow would end a line there, or stumble
        return None, {}
    after = f"\n0{options.get('sep', ',') * (len(header) - 1)}"  # a line that an open quote would take in
    content = text + after.encode()
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(content),
            read_options=pa_csv.ReadOptions(column_names=header, use_threads=False, block_size=len(content) + 1),
            parse_options=pa_csv.ParseOptions(
                delimiter=options.get("sep", ","),
                quote_char=options.get("quote", '"') or False,
                escape_char=options.get("escape") or False,
                newlines_in_values=options.get("multiline") == "true",
                invalid_row_handler=note_ragged,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in header},
                null_values=["", *([options["null"]] if "null" in options else [])],
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None, {}
    if table.num_rows + len(ragged) != lines + 1:  # a quoted line end
        return None, {}
    return table.slice(0, table.num_rows - 1), ragged


def csv_record_by_record(lines: list[tuple[int, bytes]], header: list[str], layout: Layout) -> pa.RecordBatch:
    """The slow way, for a block with a record that breaks the format: that one is refused, the others are kept."""
    good: list[tuple[int, str, list[str]]] = []
    bad: list[Refusal] = []
    for number, raw, fields, why in csv_records(lines, layout):
        if not why and len(fields) != len(header):
            why = width_is_wrong(len(header), len(fields))
        if why:
            bad.append((number, raw[:RAW_LIMIT], why))
        else:
            good.append((number, raw, fields))
    nulls = {"", layout.options.get("null", "")}
    columns = {
        name: pa.chunked_array([[None if f[i] in nulls else f[i] for _, _, f in good]], pa.string())
        for i, name in enumerate(header)
    }
    positions = pa.array([number for number, _, _ in good], pa.int64())
    batch = assembled(columns, positions, pa.array([raw for _, raw, _ in good], pa.string()), layout)
    return joined(batch, refused(bad, layout))


def csv_records(lines: list[tuple[int, bytes]], layout: Layout) -> Iterator[tuple[int, str, list[str], str | None]]:
    """Each record: the number of its first line, its raw text, its fields, and why it cannot be read.

    A line whose quote is never closed is refused alone: the lines after it are read as if it were not there.
    """
    start = 0
    while start < len(lines):
        if not lines[start][1]:
            start += 1
            continue
        following = CsvLines(lines, start, may_go_on=layout.options.get("multiline") == "true")
        fields: list[str] = []
        why = None
        try:
            fields = next(csv_reader(following, layout))
        except csv.Error:
            why = "a carriage return stands alone in a field"
        except NeverClosedError:
            why = "a quote is opened and never closed"
            following.end = start + 1
        raw = b"\n".join(line for _, line in lines[start : following.end])
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            text, why = shown(raw), not_in_encoding(error, layout)
        yield lines[start][0], text, fields, why
        start = following.end


class NeverClosedError(Exception):
    """The lines end, and the record does not."""


class CsvLines:
    """The lines of one record, as the csv module asks for them; `end` is the line after those it asked for."""

    def __init__(self, lines: list[tuple[int, bytes]], start: int, *, may_go_on: bool) -> None:
        self.lines, self.end = lines, start
        self.stop = len(lines) if may_go_on else start + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.end == self.stop:
            raise NeverClosedError
        self.end += 1
        return self.lines[self.end - 1][1].decode("utf-8", "surrogateescape") + "\n"


def csv_reader(lines: Iterator[str], layout: Layout) -> Iterator[list[str]]:
    """Python's reader, told to read as Arrow does."""
    quote = layout.options.get("quote", '"')
    return csv.reader(
        lines,
        delimiter=layout.options.get("sep", ","),
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        escapechar=layout.options.get("escape") or None,
    )


def width_is_wrong(expected: int, found: int) -> str:
    return f"expected {expected} fields, found {found}"


def assembled(
    columns: Mapping[str, pa.ChunkedArray], positions: pa.Array, raw: pa.Array, layout: Layout
) -> pa.RecordBatch:
    """Good records: the declared columns by name, wherever they stand in the file; the others together as JSON."""
    rows = len(positions)
    arrays = [columns[name] if name in columns else pa.nulls(rows, pa.string()) for name in layout.columns]
    others = {name: column for name, column in columns.items() if name not in layout.columns}
    rescued = as_objects(others) if others else pa.nulls(rows, pa.string())
    fields = [*arrays, rescued, positions, raw, pa.nulls(rows, pa.string())]
    return pa.RecordBatch.from_arrays([plain(field) for field in fields], schema=layout.schema)


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(array, pa.ChunkedArray):
        return array
    return array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()  # which copies even a single one


def as_objects(columns: Mapping[str, pa.ChunkedArray]) -> pa.ChunkedArray:
    """Each row of texts as a JSON object, as the json module writes it. Where no text has to be escaped, Arrow does,
    in a tenth of the time."""
    if any(pc.any(pc.match_substring_regex(texts, ESCAPED)).as_py() for texts in columns.values()):
        rows = zip(*(texts.to_pylist() for texts in columns.values()), strict=True)
        objects = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows]
        return pa.chunked_array([objects], pa.string())
    parts = []
    for name, texts in columns.items():
        quoted = pc.binary_join_element_wise('"', texts, '"', "")
        parts += [json.dumps(name, ensure_ascii=False) + ": ", pc.fill_null(quoted, "null"), ", "]
    return pc.binary_join_element_wise("{", *parts[:-1], "}", "")
