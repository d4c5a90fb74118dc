"""Text files into records, in a Spark task: every field as text, every record with its place and its raw form.

Nothing is typed here. A record that cannot be told apart from the next keeps its raw text and says why.
"""

import codecs
import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.fs as pa_fs

BLOCK = 16 << 20  # bytes of a file that are worked on at once
RAW_LIMIT = 1 << 20  # characters of raw text kept of one record that cannot be read
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

csv.field_size_limit(sys.maxsize)  # Arrow has no limit either

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
    """A file, or the rest of it, that gives no more records. `rest` is what it begins with, as text."""

    def __init__(self, why: str, rest: str | None = None) -> None:
        super().__init__(why)
        self.rest = rest[:RAW_LIMIT] if rest else None


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
                position = max(position, pc.max(batch["_position"]).as_py())
                yield batch
    except UnreadableError as error:
        yield refused([(position + 1, error.rest, str(error))], layout)


# CSV


def read_csv(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    header: list[str] | None = None
    if layout.options.get("header", "true") == "false":
        header = list(layout.columns)
    line = 1
    for block in blocks(path, layout):
        text = block
        if header is None:
            text = block.lstrip(b"\r\n")
            line += block.count(b"\n") - text.count(b"\n")
            if not text:
                continue
            header = csv_header(text, layout)
            text = text.partition(b"\n")[2]
            line += 1
        yield csv_block(text, line, header, layout)
        line += text.count(b"\n")


def csv_header(text: bytes, layout: Layout) -> list[str]:
    """The names in the first line. Without them no line can be read: an UnreadableError keeps the text."""
    first = text.partition(b"\n")[0].removesuffix(b"\r")
    _, raw, fields, why = next(csv_records([(1, first)], layout))
    header = [name.strip() for name in fields]
    if not why and len(set(header)) < len(header):
        why = f"it names a column twice: {raw}"
    if why:
        raise UnreadableError(f"the header cannot be read: {why}", shown(text[:RAW_LIMIT]))
    return header


def csv_block(block: bytes, first_line: int, header: list[str], layout: Layout) -> pa.RecordBatch:
    """Records of a block of whole lines. Arrow parses it; only where it cannot, each record is read on its own."""
    options = layout.options
    ragged: list[tuple[int, str]] = []

    def note_ragged(row: Any) -> str:
        ragged.append((row.number, width_is_wrong(row.expected_columns, row.actual_columns)))
        return "skip"

    every = list(enumerate(block.replace(b"\r\n", b"\n").split(b"\n"), first_line))
    lines = [(number, line) for number, line in every if line]
    if not lines:
        return refused([], layout)
    after = f"0{options.get('sep', ',') * (len(header) - 1)}"  # a line that an open quote would take in
    text = b"\n".join([*(line for _, line in lines), after.encode()])
    if b"\r" in text or not is_utf8(text):  # Arrow would end a line there, or stumble
        return csv_record_by_record(every, header, layout)
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            read_options=pa_csv.ReadOptions(column_names=header, use_threads=False, block_size=len(text) + 1),
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
        return csv_record_by_record(every, header, layout)
    # Arrow counts records from 1, over the lines that it was given, when it works on one thread.
    ragged_at = {number - 1 for number, _ in ragged}
    good = [pair for index, pair in enumerate(lines) if index not in ragged_at] if ragged_at else lines
    if len(good) + 1 != table.num_rows:  # a quoted line end
        return csv_record_by_record(every, header, layout)
    batch = assembled(
        {name: table.column(name).slice(0, len(good)) for name in header},
        [number for number, _ in good],
        pa.array([raw for _, raw in good], pa.binary()).cast(pa.string()),
        layout,
    )
    bad: list[Refusal] = [(lines[number - 1][0], lines[number - 1][1].decode(), why) for number, why in ragged]
    return joined(batch, refused(bad, layout))


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
    batch = assembled(columns, [n for n, _, _ in good], pa.array([t for _, t, _ in good], pa.string()), layout)
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


# Bytes


def blocks(path: str, layout: Layout) -> Iterator[bytes]:
    """The file's content in UTF-8, in blocks that end with a line; whole, where a record may span lines."""
    encoding = codecs.lookup(layout.options.get("encoding", "utf-8")).name
    has_lines = layout.format != "json" and not encoding.startswith(("utf-16", "utf-32"))
    is_whole = not has_lines or layout.options.get("multiline") == "true"
    rest = b""
    is_first = True

    def in_utf8(content: bytes) -> bytes:
        nonlocal is_first
        if is_first:
            content = content.removeprefix(BYTE_ORDER_MARK)
        text = recoded(content, encoding)
        if is_first:
            text = text.removeprefix(BYTE_ORDER_MARK)
        is_first = False
        return text

    try:
        for piece in pieces(path):
            rest += piece
            end = 0 if is_whole else rest.rfind(b"\n") + 1
            if end:
                yield in_utf8(rest[:end])
                rest = rest[end:]
    except UnreadableError as error:
        end = rest.rfind(b"\n") + 1 if has_lines else 0
        if end:
            yield in_utf8(rest[:end])
        raise UnreadableError(str(error), rest[end:].decode(encoding, "backslashreplace")) from error
    if rest:
        yield in_utf8(rest)


def pieces(path: str) -> Iterator[bytes]:
    """The bytes of a file, unzipped where its name ends in .gz. One that breaks off gives all that it has."""
    try:
        opened = open_file(path)
    except FileNotFoundError as error:
        raise UnreadableError("the file was deleted before it was read") from error
    with opened as file:
        if not path.endswith(".gz"):
            while piece := file.read(BLOCK):
                yield piece
            return
        gathered = bytearray()
        try:
            with gzip.GzipFile(fileobj=file) as unzipped:
                while more := unzipped.read1(BLOCK):
                    gathered += more
                    if len(gathered) >= BLOCK:
                        yield bytes(gathered)
                        gathered.clear()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield bytes(gathered)
            raise UnreadableError(f"the file breaks off: {error}") from error
        yield bytes(gathered)


def open_file(path: str) -> Any:
    """A local or mounted path, or an address of a store that Arrow knows (s3://, gs://, abfss://)."""
    if "://" in path:
        filesystem, inner = pa_fs.FileSystem.from_uri(path)
        return filesystem.open_input_file(inner)
    return open(path, "rb")  # noqa: PTH123


def recoded(content: bytes, encoding: str) -> bytes:
    """The content in UTF-8. A byte that is not of the encoding becomes one that is not UTF-8: its record is refused."""
    if encoding == "utf-8":
        return content
    try:
        return content.decode(encoding, "surrogateescape").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        why = f"the file is not {encoding}: {error.reason} at byte {error.start + 1}"
        raise UnreadableError(why, content.decode(encoding, "backslashreplace")) from error


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def shown(raw: bytes) -> str:
    """Bytes that are not text, for a person to read: each one that spells nothing as \\xNN.

    >>> shown(recoded(b"caf\\xc3\\xa9 \\xff", "utf-8"))
    'café \\\\xff'
    """
    with suppress(UnicodeError):
        raw = raw.decode("utf-8", "surrogatepass").encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def not_in_encoding(error: UnicodeDecodeError, layout: Layout) -> str:
    return f"not {layout.options.get('encoding', 'UTF-8')} at byte {error.start + 1}"


def refused(records: list[Refusal], layout: Layout) -> pa.RecordBatch:
    """Records that could not be told apart into fields: (position, raw text, why)."""
    texts: list[pa.Array] = [pa.nulls(len(records), pa.string()) for _ in layout.columns]
    place = pa.array([position for position, _, _ in records], pa.int64())
    raw = pa.array([text for _, text, _ in records], pa.string())
    error = pa.array([why for _, _, why in records], pa.string())
    return pa.RecordBatch.from_arrays(
        [*texts, pa.nulls(len(records), pa.string()), place, raw, error], schema=layout.schema
    )


def joined(good: pa.RecordBatch, bad: pa.RecordBatch) -> pa.RecordBatch:
    """Both, in the order of the file."""
    if not bad.num_rows:
        return good
    return pa.Table.from_batches([good, bad]).sort_by("_position").combine_chunks().to_batches()[0]
