"""The forms in which systems deliver: rows as the bytes of a file, column by column, the same for the same rows.

A file is what comes before its rows, the rows in pieces (of the blocks of people), and what comes after them.
Arrow's types say how a value is spelled: texts are quoted where the form does so, decimals keep their places, dates
and timestamps are ISO 8601; another spelling is given as a text. In JSON and XML a column's name is its path
(`customer.id`, in XML `customer.@id`), and binary is a fragment that is written as it is.
"""

import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simulator.feeds.texts import Columns, holds, joined, json_parts, nested, plain, recoded, suffixed, xml_parts

Rendered = Callable[[int, int], bytes]  # the bytes of the rows from one place up to another


@dataclass(frozen=True)
class Form:
    """How rows are written. `begin` and `end` are around those of a file, `between` is after each row but the last."""

    def rendered(self, columns: Columns) -> Rendered:
        raise NotImplementedError

    def begin(self, names: Sequence[str]) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""

    @property
    def between(self) -> bytes:
        return b""

    def finished(self, pieces: Iterable[bytes], schema: pa.Schema, is_zipped: bool = False) -> Iterator[bytes]:
        """A whole file of these pieces, part by part."""
        begin, end = self.begin(schema.names), self.end()
        yield zipped(begin) if begin and is_zipped else begin
        yield from pieces if is_zipped else without_end(pieces, self.between)
        yield zipped(end) if end and is_zipped else end

    def broken(self, line: str) -> bytes:
        """A line that is wrong, as a row of the file."""
        raise NotImplementedError


@dataclass(frozen=True)
class Lines(Form):
    """Rows that are texts with an end."""

    def texts(self, columns: Columns) -> pa.Array:
        raise NotImplementedError

    def encoded(self, text: bytes) -> bytes:
        return text

    def rendered(self, columns: Columns) -> Rendered:
        texts = self.texts(columns)
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        assert not texts.null_count, "a row without a text would be lost"
        offsets = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
        data = memoryview(texts.buffers()[2] or b"")
        return lambda start, end: self.encoded(bytes(data[offsets[start] : offsets[end]]))


@dataclass(frozen=True)
class Csv(Lines):
    sep: str = ","
    encoding: str = "utf-8"
    newline: str = "\n"
    null: str = ""
    quote_all: bool = False
    has_header: bool = True

    def texts(self, columns: Columns) -> pa.Array:
        fields = [self.quoted(array) for array in columns.values()]
        return joined([*fields[:-1], suffixed(fields[-1], self.newline)], self.sep)

    def quoted(self, array: pa.Array) -> pa.Array:
        is_text = pa.types.is_string(array.type)
        texts = plain(array)
        if self.quote_all:
            quoted = joined(['"', pc.replace_substring(texts, '"', '""') if is_text else texts, '"'], "")
            return pc.fill_null(quoted, self.null)
        if is_text and holds(texts, f'{self.sep}"\n\r'.encode()):
            escaped = joined(['"', pc.replace_substring(texts, '"', '""'), '"'], "")
            special = "[" + "".join({"\t": r"\t", "|": r"\|"}.get(each, each) for each in self.sep) + '"\n\r]'
            texts = pc.if_else(pc.match_substring_regex(texts, special), escaped, texts)
        return pc.fill_null(texts, self.null)

    def begin(self, names: Sequence[str]) -> bytes:
        if not self.has_header:
            return b""
        mark = b"\xff\xfe" if self.encoding == "utf-16" else b""
        shown = [f'"{name}"' for name in names] if self.quote_all else names
        return mark + self.encoded((self.sep.join(shown) + self.newline).encode())

    def encoded(self, text: bytes) -> bytes:
        return recoded(text, self.encoding)

    def broken(self, line: str) -> bytes:
        return self.encoded((line + self.newline).encode())


@dataclass(frozen=True)
class FixedWidth(Lines):
    """Texts to the left, numbers to the right; what is too long is cut."""

    widths: Mapping[str, int]
    encoding: str = "utf-8"

    def texts(self, columns: Columns) -> pa.Array:
        cells = []
        for name, width in self.widths.items():
            array = columns[name]
            texts = pc.utf8_slice_codeunits(pc.fill_null(plain(array), ""), 0, width)
            pad = pc.utf8_rpad if pa.types.is_string(array.type) else pc.utf8_lpad
            cells.append(pad(texts, width))
        return joined([*cells, "\n"], "")

    def encoded(self, text: bytes) -> bytes:
        return recoded(text, self.encoding)

    def broken(self, line: str) -> bytes:
        return self.encoded(f"{line}\n".encode())


@dataclass(frozen=True)
class JsonLines(Lines):
    encoding: str = "utf-8"
    skip_null: bool = False  # a value that is not there has no name either

    def texts(self, columns: Columns) -> pa.Array:
        return joined([*json_parts(nested(columns), self.skip_null), "\n"], "")

    def encoded(self, text: bytes) -> bytes:
        return recoded(text, self.encoding)

    def begin(self, names: Sequence[str]) -> bytes:
        return b"\xff\xfe" if self.encoding == "utf-16" else b""

    def broken(self, line: str) -> bytes:
        return self.encoded(f"{line}\n".encode())


@dataclass(frozen=True)
class JsonDocument(Lines):
    """One document. Its records are the array `records`, after whatever `head` says."""

    records: str
    head: str = ""

    @property
    def between(self) -> bytes:
        return b",\n"

    def texts(self, columns: Columns) -> pa.Array:
        return joined([*json_parts(nested(columns), False), ",\n"], "")

    def begin(self, names: Sequence[str]) -> bytes:
        return f'{{{self.head}"{self.records}":[\n'.encode()

    def end(self) -> bytes:
        return b"\n]}\n"

    def broken(self, line: str) -> bytes:
        return f"{line},\n".encode()


@dataclass(frozen=True)
class Xml(Lines):
    root: str
    row: str
    encoding: str = "utf-8"

    def texts(self, columns: Columns) -> pa.Array:
        return joined([*xml_parts(self.row, nested(columns)), "\n"], "")

    def encoded(self, text: bytes) -> bytes:
        return text if self.encoding == "utf-8" else text.decode().encode(self.encoding, "xmlcharrefreplace")

    def begin(self, names: Sequence[str]) -> bytes:
        return f'<?xml version="1.0" encoding="{self.encoding.upper()}"?>\n<{self.root}>\n'.encode()

    def end(self) -> bytes:
        return f"</{self.root}>\n".encode()


def without_end(parts: Iterable[bytes], end: bytes) -> Iterator[bytes]:
    """All but how the last of them ends."""
    last = b""
    for part in filter(None, parts):
        yield last
        last = part
    yield last.removesuffix(end)


SYNC = bytes.fromhex("4f72726572792073796e63206d61726b")  # the same in each file, so that the same rows are the same


@dataclass(frozen=True)
class Avro(Form):
    """Container files of one block per piece. For feeds of which a process can write each row by itself."""

    record: str

    def rendered(self, columns: Columns) -> Rendered:
        schema = fastavro.parse_schema(self.schema({name: array.type for name, array in columns.items()}))
        table = pa.table(dict(columns))

        def block(start: int, end: int) -> bytes:
            rows = io.BytesIO()
            for row in table.slice(start, end - start).to_pylist():
                fastavro.schemaless_writer(rows, schema, row)
            return avro_long(end - start) + avro_long(rows.tell()) + rows.getvalue() + SYNC

        return block

    def schema(self, types: Mapping[str, pa.DataType]) -> dict[str, Any]:
        fields = [{"name": name, "type": ["null", avro_type(each)]} for name, each in types.items()]
        return {"type": "record", "name": self.record, "fields": fields}

    def finished(self, pieces: Iterable[bytes], schema: pa.Schema, is_zipped: bool = False) -> Iterator[bytes]:
        of_file = json.dumps(self.schema(dict(zip(schema.names, schema.types, strict=True)))).encode()
        head = b"Obj\x01" + avro_long(2)
        for text in (b"avro.schema", of_file, b"avro.codec", b"null"):
            head += avro_long(len(text)) + text
        yield head + avro_long(0) + SYNC
        yield from pieces


@dataclass(frozen=True)
class Parquet(Form):
    """A row group per piece; a piece is an Arrow stream."""

    compression: str = "snappy"

    def rendered(self, columns: Columns) -> Rendered:
        table = pa.table(dict(columns))

        def stream(start: int, end: int) -> bytes:
            sink = io.BytesIO()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table.slice(start, end - start).combine_chunks())
            return sink.getvalue()

        return stream

    def finished(self, pieces: Iterable[bytes], schema: pa.Schema, is_zipped: bool = False) -> Iterator[bytes]:
        sink = Sink()
        with pq.ParquetWriter(sink, schema, compression=self.compression, store_schema=False) as writer:
            for piece in pieces:
                writer.write_table(pa.ipc.open_stream(piece).read_all())
                yield sink.taken()
        yield sink.taken()


class Sink(io.RawIOBase):
    """What is written waits to be taken."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self.parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        found = b"".join(self.parts)
        self.parts.clear()
        return found


def avro_long(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def avro_type(kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        return {"type": "long", "logicalType": "timestamp-micros" if kind.unit == "us" else "timestamp-millis"}
    if pa.types.is_date(kind):
        return {"type": "int", "logicalType": "date"}
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "long"
    if pa.types.is_floating(kind):
        return "double"
    if pa.types.is_decimal(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if pa.types.is_list(kind):
        return {"type": "array", "items": avro_type(kind.value_type)}
    return "string"


def zipped(content: bytes) -> bytes:
    """A member of a gzip file: members after each other are one file."""
    return gzip.compress(content, compresslevel=4, mtime=0)
