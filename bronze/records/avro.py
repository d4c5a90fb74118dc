"""Avro container files, block by block: one that is corrupt is refused, and those after it are read."""

import base64
import bz2
import json
import lzma
import math
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pyarrow as pa

from bronze.records.content import pieces
from bronze.records.layout import RAW_LIMIT, Layout, Refusal, UnreadableError, joined, refused
from bronze.records.nested import Number, Record, nested_batch, to_json

MAGIC = b"Obj\x01"
SYNC = 16  # bytes of the mark between blocks
LARGEST = 1 << 30  # bytes of one block


def read_avro(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    content = Content(path)
    schema, unzip, sync = header(content)
    bare = fastavro.parse_schema(without_logical_types(schema))
    parsed = fastavro.parse_schema(schema)
    number = 0
    while content.has(1):
        content.forget()
        try:
            count, block = next_block(content, unzip, sync)
        except BlockError as error:
            number += 1
            yield refused([(number, None, str(error))], layout)
            number += max(error.count - 1, 0)
            content.skip_past(sync)
            continue
        good: list[Record] = []
        bad: list[Refusal] = []
        for each, record, why in records_of(block, count, number, parsed, bare):
            raw = to_json(record)
            if why or not isinstance(record, dict):
                bad.append((each, raw[:RAW_LIMIT], why or f"expected a record, found {type(record).__name__}"))
            else:
                good.append((each, raw, record))
        number += count
        yield joined(nested_batch(good, layout), refused(bad, layout))


class BlockError(Exception):
    """A block that cannot be read. `count` is how many records it says it has, if that much is known."""

    def __init__(self, why: str, count: int = 0) -> None:
        super().__init__(why)
        self.count = count


class Content:
    """The bytes of a file, from the block on that is being read."""

    def __init__(self, path: str) -> None:
        self.pieces = pieces(path)
        self.kept = bytearray()
        self.at = self.offset = 0

    def has(self, size: int) -> bool:
        while len(self.kept) - self.at < size:
            piece = next(self.pieces, None)
            if piece is None:
                return False
            self.kept += piece
        return True

    def take(self, size: int) -> bytes:
        if not self.has(size):
            raise EOFError("it breaks off")
        self.at += size
        return bytes(self.kept[self.at - size : self.at])

    def take_long(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
        raise ValueError("a number of more than 64 bits")

    def forget(self) -> None:
        """Keep only what has not been taken."""
        del self.kept[: self.at]
        self.offset, self.at = self.offset + self.at, 0

    def skip_past(self, mark: bytes) -> None:
        """Go on after the next mark, or at the end where there is none."""
        self.at = 0
        while (found := self.kept.find(mark)) < 0:
            self.at = max(len(self.kept) - len(mark), 0)
            self.forget()
            if not self.has(len(mark) + 1):
                self.at = len(self.kept)
                return
        self.at = found + len(mark)


def header(content: Content) -> tuple[Any, Callable[[bytes], bytes], bytes]:
    """The schema of the file, how its blocks are unzipped, and the mark that ends each."""
    try:
        if content.take(len(MAGIC)) != MAGIC:
            raise ValueError("it does not begin with Obj\\x01")
        about = {}
        while count := content.take_long():
            if count < 0:
                count, _ = -count, content.take_long()
            for _ in range(count):
                name = content.take(content.take_long()).decode()
                about[name] = content.take(content.take_long())
        sync = content.take(SYNC)
        if "avro.schema" not in about:
            raise ValueError("it has no schema")
        codec = about.get("avro.codec", b"null").decode()
        if codec not in UNZIP:
            raise ValueError(f"its codec is {codec}, expected one of {', '.join(UNZIP)}")
        schema = json.loads(about["avro.schema"])
        fastavro.parse_schema(schema)
    except (EOFError, ValueError, TypeError, KeyError, fastavro.schema.SchemaParseException) as error:
        raise UnreadableError(f"the file is not Avro: {error}") from error
    return schema, UNZIP[codec], sync


def next_block(content: Content, unzip: Callable[[bytes], bytes], sync: bytes) -> tuple[int, bytes]:
    where = f"the block at byte {content.offset + 1} cannot be read"
    try:
        count, size = content.take_long(), content.take_long()
        if count < 0 or not 0 <= size <= LARGEST:
            raise ValueError(f"it says that it has {count} records in {size} bytes")
        zipped = content.take(size)
        if content.take(SYNC) != sync:
            raise ValueError("the mark at its end is not the file's")
    except (EOFError, ValueError) as error:
        raise BlockError(f"{where}: {error}") from error
    try:
        return count, unzip(zipped)
    except (ValueError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise BlockError(f"{where}, nor its {count} records: {error}", count) from error


def records_of(block: bytes, count: int, after: int, schema: Any, bare: Any) -> Iterator[tuple[int, Any, str | None]]:
    """Each record's number, values and why it is refused. One whose values no type can hold is told without them;
    one whose end cannot be found takes the rest of its block with it."""
    rest = BytesIO(block)
    for number in range(after + 1, after + count + 1):
        start = rest.tell()
        try:
            yield number, plain(read_one(rest, schema)), None
            continue
        except Exception as error:  # fastavro raises whatever a wrong byte leads to
            why = f"{type(error).__name__}: {error}"
        rest.seek(start)
        try:
            record = plain(read_one(rest, bare))
        except Exception:
            yield number, None, f"records {number} to {after + count} cannot be read: {why}"
            return
        yield number, record, why
    if left := len(block) - rest.tell():
        yield after + count + 1, None, f"{left} bytes are left after the last record of a block"


def read_one(content: BytesIO, schema: Any) -> Any:
    return fastavro.schemaless_reader(content, schema, None)


def without_logical_types(schema: Any) -> Any:
    if isinstance(schema, list):
        return [without_logical_types(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    of_types = ("type", "items", "values", "fields")
    return {
        name: without_logical_types(value) if name in of_types else value
        for name, value in schema.items()
        if name != "logicalType"
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: numbers as they are written, moments in ISO 8601, bytes in base64."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return Number(value)
    if isinstance(value, float):
        return Number(repr(value)) if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return Number(f"{value:f}")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


# Codecs


def inflate(zipped: bytes) -> bytes:
    return zlib.decompress(zipped, wbits=-15)


def unsnap(zipped: bytes) -> bytes:
    """Snappy, with the size of what it holds before it and a checksum after it."""
    size = shift = 0
    for byte in zipped:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if size > LARGEST:
        raise ValueError(f"it says that it holds {size} bytes")
    content: bytes = pa.Codec("snappy").decompress(zipped[:-4], size, asbytes=True)
    if zlib.crc32(content) != int.from_bytes(zipped[-4:], "big"):
        raise ValueError("its checksum is wrong")
    return content


def unzstandard(zipped: bytes) -> bytes:
    return bytes(pa.CompressedInputStream(pa.BufferReader(zipped), "zstd").read())


UNZIP: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": inflate,
    "bzip2": bz2.decompress,
    "xz": lzma.decompress,
    "snappy": unsnap,
    "zstandard": unzstandard,
}
