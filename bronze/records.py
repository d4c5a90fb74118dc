"""Text files into records, in a Spark task: every field as text, every record with its place and its raw form.

Nothing is typed here. A record that cannot be told apart from the next keeps its raw text and says why.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.fs as pa_fs

BLOCK = 16 << 20  # bytes of a file that are worked on at once
RAW_LIMIT = 1 << 20  # characters of raw text kept of one record that cannot be read

Refusal = tuple[int, str | None, str | None]  # position, raw text, why


@dataclass(frozen=True)
class Layout:
    """How the files of one source are laid out. `columns` maps each declared column to its path in nested JSON."""

    format: str
    columns: Mapping[str, str]
    options: Mapping[str, str]

    @property
    def schema(self) -> pa.Schema:
        """A text per declared column; what no column declares, as JSON; the place; the raw form; why it is refused."""
        texts = [pa.field(name, pa.string()) for name in self.columns]
        return pa.schema(
            [
                *texts,
                ("_rescued", pa.string()),
                ("_position", pa.int64()),
                ("_raw", pa.string()),
                ("_error", pa.string()),
            ]
        )


class UnreadableError(Exception):
    """A file, or the rest of it, that gives no more records."""


def read_records(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    """The records of one file, in their order. A file that breaks off ends with a record that says where and why."""
    reader: Callable[[str, Layout], Iterator[pa.RecordBatch]] = {
        "csv": read_csv,
        "jsonl": read_json_lines,
        "json": read_json_document,
    }[layout.format]
    position = 0
    try:
        for batch in reader(path, layout):
            if batch.num_rows:
                position = batch["_position"][batch.num_rows - 1].as_py()
                yield batch
    except UnreadableError as error:
        yield refused([(position + 1, None, str(error))], layout)


# CSV


def read_csv(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    header: list[str] | None = None
    if layout.options.get("header", "true") == "false":
        header = list(layout.columns)
    line = 1
    for block in blocks(path, layout):
        text = block
        if header is None:
            first, _, text = block.partition(b"\n")
            header = [name.strip() for name in csv_fields(decoded(first.removesuffix(b"\r")), layout)]
            if len(set(header)) < len(header):
                raise UnreadableError(f"the header names a column twice: {', '.join(header)}")
            line += 1
        yield csv_block(text, line, header, layout)
        line += text.count(b"\n")


def csv_block(block: bytes, first_line: int, header: list[str], layout: Layout) -> pa.RecordBatch:
    """Records of a block of whole lines. Arrow parses it; only where it cannot, each line is read on its own."""
    options = layout.options
    ragged: list[tuple[int, str, str]] = []

    def note_ragged(row: Any) -> str:
        ragged.append((row.number, row.text, f"expected {row.expected_columns} fields, found {row.actual_columns}"))
        return "skip"

    every = block.replace(b"\r\n", b"\n").split(b"\n")
    lines = [(number, line) for number, line in enumerate(every, first_line) if line]
    if not lines:
        return refused([], layout)
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(b"\n".join(line for _, line in lines)),
            read_options=pa_csv.ReadOptions(column_names=header, use_threads=False, block_size=len(block) + 1),
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
        return csv_line_by_line(lines, header, layout)
    # Arrow counts records from 1, over the lines that it was given, when it works on one thread.
    ragged_at = {number - 1 for number, _, _ in ragged}
    good = [pair for index, pair in enumerate(lines) if index not in ragged_at] if ragged_at else lines
    if len(good) != table.num_rows:  # a quoted line end
        return csv_line_by_line(lines, header, layout)
    batch = assembled(
        {name: table.column(name) for name in header},
        [number for number, _ in good],
        pa.array([raw for _, raw in good], pa.binary()).cast(pa.string()),
        layout,
    )
    bad: list[Refusal] = [(lines[number - 1][0], lines[number - 1][1].decode(), why) for number, _, why in ragged]
    return joined([batch, refused(bad, layout)])


def csv_line_by_line(lines: list[tuple[int, bytes]], header: list[str], layout: Layout) -> pa.RecordBatch:
    """The slow way, for a block with a line that breaks the format: that line is refused, the others are kept."""
    good: list[tuple[int, str, list[str]]] = []
    bad: list[Refusal] = []
    pending: list[tuple[int, bytes]] = []
    for number, raw in lines:
        pending.append((number, raw))
        joined_raw = b"\n".join(part for _, part in pending)
        start = pending[0][0]
        try:
            text = decoded(joined_raw)
        except UnicodeDecodeError as error:
            bad.append((start, joined_raw.decode("utf-8", "backslashreplace"), f"not UTF-8 at byte {error.start + 1}"))
            pending = []
            continue
        if layout.options.get("multiline") == "true" and text.count(layout.options.get("quote", '"')) % 2:
            continue  # a quote is open: the record goes on in the next line
        pending = []
        fields = csv_fields(text, layout)
        if len(fields) == len(header):
            good.append((start, text, fields))
        else:
            bad.append((start, text, f"expected {len(header)} fields, found {len(fields)}"))
    if pending:
        text = b"\n".join(part for _, part in pending).decode("utf-8", "backslashreplace")
        bad.append((pending[0][0], text[:RAW_LIMIT], "a quote is opened and never closed"))
    nulls = {"", layout.options.get("null", "")}
    columns = {
        name: pa.chunked_array([[None if f[i] in nulls else f[i] for _, _, f in good]], pa.string())
        for i, name in enumerate(header)
    }
    batch = assembled(columns, [n for n, _, _ in good], pa.array([t for _, t, _ in good], pa.string()), layout)
    return joined([batch, refused(bad, layout)])


def csv_fields(line: str, layout: Layout) -> list[str]:
    """One line's fields. A quote that is not closed gives one field: the width then says that the line is torn."""
    reader = csv.reader(
        io.StringIO(line, newline=""),
        delimiter=layout.options.get("sep", ","),
        quotechar=layout.options.get("quote", '"') or None,
        quoting=csv.QUOTE_MINIMAL if layout.options.get("quote", '"') else csv.QUOTE_NONE,
        escapechar=layout.options.get("escape") or None,
        strict=True,
    )
    try:
        return next(reader, [])
    except csv.Error:
        return [line]


def assembled(
    columns: Mapping[str, pa.ChunkedArray], positions: list[int], raw: pa.Array, layout: Layout
) -> pa.RecordBatch:
    """Good records: the declared columns by name, wherever they stand in the file; the others together as JSON."""
    rows = len(positions)
    arrays = [
        columns[name].combine_chunks() if name in columns else pa.nulls(rows, pa.string()) for name in layout.columns
    ]
    others = {name: column.to_pylist() for name, column in columns.items() if name not in layout.columns}
    rescued: pa.Array = pa.nulls(rows, pa.string())
    if others:
        records = (dict(zip(others, values, strict=True)) for values in zip(*others.values(), strict=True))
        rescued = pa.array([json.dumps(record, ensure_ascii=False) for record in records], pa.string())
    fields = [*arrays, rescued, pa.array(positions, pa.int64()), raw, pa.nulls(rows, pa.string())]
    return pa.RecordBatch.from_arrays([plain(field) for field in fields], schema=layout.schema)


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


# JSON


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
            if not raw.strip():
                continue
            record, error = json_record(raw)
            if record is None:
                bad.append((number, raw.decode("utf-8", "backslashreplace")[:RAW_LIMIT], error))
            else:
                good.append((number, raw.decode().removesuffix("\r"), record))
        yield joined([json_batch(good, layout), refused(bad, layout)])
        first_line += block.count(b"\n")


def json_record(raw: bytes) -> tuple[dict[str, Any] | None, str | None]:
    """The object that a line holds, or why it holds none."""
    try:
        record = DECODER.decode(decoded(raw))
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 at byte {error.start + 1}"
    except (ValueError, RecursionError) as error:
        return None, f"not JSON: {error}"
    if not isinstance(record, dict):
        return None, f"expected a JSON object, found {type(record).__name__}"
    return record, None


def read_json_document(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    """One document; its records are the array at the path `records`, or the document itself."""
    content = b"".join(blocks(path, layout))
    try:
        found = DECODER.decode(decoded(content))
    except (ValueError, RecursionError) as error:
        start = content[:RAW_LIMIT].decode("utf-8", "backslashreplace")
        yield refused([(0, start, f"the file is not JSON: {error}")], layout)
        return
    where = layout.options.get("records")
    if where:
        found = value_at(found, where)
    if not isinstance(found, list):
        found = [found] if isinstance(found, dict) and not where else None
    if found is None:
        raise UnreadableError(f"expected an array of records at {where or 'the top'}, found none")
    good: list[tuple[int, str, dict[str, Any]]] = []
    bad: list[Refusal] = []
    for number, record in enumerate(found, 1):
        if isinstance(record, dict):
            good.append((number, to_json(record), record))
        else:
            bad.append((number, to_json(record), f"expected a JSON object, found {type(record).__name__}"))
    yield joined([json_batch(good, layout), refused(bad, layout)])


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


# Bytes


def blocks(path: str, layout: Layout) -> Iterator[bytes]:
    """The file's content in UTF-8, in blocks that end with a line; whole, where a record may span lines."""
    encoding = layout.options.get("encoding", "utf-8").lower()
    whole = layout.format == "json" or layout.options.get("multiline") == "true" or encoding.startswith("utf-16")
    rest = b""
    first = True
    for piece in pieces(path):
        if first:
            piece = piece.removeprefix(b"\xef\xbb\xbf")
            first = False
        rest += piece
        if whole:
            continue
        end = rest.rfind(b"\n") + 1
        if end:
            yield in_utf8(rest[:end], encoding)
            rest = rest[end:]
    if rest:
        yield in_utf8(rest, encoding)


def pieces(path: str) -> Iterator[bytes]:
    """The bytes of a file, unzipped where its name ends in .gz."""
    try:
        with open_file(path) as file:
            if path.endswith(".gz"):
                with gzip.GzipFile(fileobj=file) as unzipped:
                    while piece := unzipped.read(BLOCK):
                        yield piece
            else:
                while piece := file.read(BLOCK):
                    yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableError(f"the file breaks off: {error}") from error


def open_file(path: str) -> Any:
    """A local or mounted path, or an address of a store that Arrow knows (s3://, gs://, abfss://)."""
    if "://" in path:
        filesystem, inner = pa_fs.FileSystem.from_uri(path)
        return filesystem.open_input_stream(inner, compression=None)
    return open(path, "rb")  # noqa: PTH123


def in_utf8(content: bytes, encoding: str) -> bytes:
    if encoding in ("utf-8", "utf8"):
        return content
    try:
        return content.decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"the file is not {encoding}: {error.reason} at byte {error.start + 1}") from error


def decoded(raw: bytes) -> str:
    return raw.decode("utf-8")


def refused(records: list[Refusal], layout: Layout) -> pa.RecordBatch:
    """Records that could not be told apart into fields: (position, raw text, why)."""
    texts: list[pa.Array] = [pa.nulls(len(records), pa.string()) for _ in layout.columns]
    place = pa.array([position for position, _, _ in records], pa.int64())
    raw = pa.array([text for _, text, _ in records], pa.string())
    error = pa.array([why for _, _, why in records], pa.string())
    return pa.RecordBatch.from_arrays(
        [*texts, pa.nulls(len(records), pa.string()), place, raw, error], schema=layout.schema
    )


def joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(batches).combine_chunks()
    return table.to_batches()[0] if table.num_rows else batches[0]
