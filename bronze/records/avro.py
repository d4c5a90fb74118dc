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
from itertools import islice
from typing import Any

import fastavro
import pyarrow as pa
from fastavro import _read_py as careful_reader

from bronze.records.content import LARGEST, pieces
from bronze.records.layout import RAW_LIMIT, Layout, Refusal, UnreadableError, joined, refused
from bronze.records.nested import Number, Record, nested_batch, to_json

MAGIC = b"Obj\x01"
SYNC = 16  # bytes of the mark between blocks
ENTRIES = 10_000  # in the header; and records of a block that take no bytes
WITHOUT_BYTES = 1_000  # values that one value may hold and that take no bytes
DEEPEST = 100  # records and arrays within each other
BATCH = 10_000  # records
AHEAD = 10  # blocks that are looked at after a wrong mark


def read_avro(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    content = Content(path)
    schema, unzip, sync = header(content)
    number = 0
    while content.has(1):
        content.forget()
        try:
            count, block = next_block(content, unzip, sync)
        except BlockError as error:
            number += 1
            yield refused([(number, None, str(error))], layout)
            number += max(error.count - 1, 0)
            continue
        records = records_of(block, count, number, schema)
        while some := list(islice(records, BATCH)):
            good: list[Record] = [(each, raw, record) for each, record, raw, why in some if raw is not None and not why]
            bad: list[Refusal] = [(each, raw and raw[:RAW_LIMIT], why) for each, _, raw, why in some if why]
            yield joined(nested_batch(good, layout), refused(bad, layout))
        number += count


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
        if not 0 <= size <= LARGEST:
            raise ValueError(f"it says that {size} bytes follow")
        if not self.has(size):
            raise EOFError("it breaks off")
        self.at += size
        return bytes(self.kept[self.at - size : self.at])

    def take_long(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80 and value < 1 << 64:
                return (value >> 1) ^ -(value & 1)
            shift += 7
        raise ValueError("a number of more than 64 bits")

    def forget(self) -> None:
        """Keep only what has not been taken."""
        del self.kept[: self.at]
        self.offset, self.at = self.offset + self.at, 0

    def is_at_block(self, mark: bytes) -> bool:
        """Whether blocks begin here: some that lead to the mark, or to the end of the file."""
        here = self.at
        try:
            for _ in range(AHEAD):
                if not self.has(1):
                    return True
                count, size = self.take_long(), self.take_long()
                self.take(size)
                if count <= 0 or self.take(SYNC) == mark:
                    return count > 0
        except (EOFError, ValueError):
            return False
        finally:
            self.at = here
        return False

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


def header(content: Content) -> tuple["Schema", Callable[[bytes], bytes], bytes]:
    """The schema of the file, how its blocks are unzipped, and the mark that ends each."""
    try:
        if content.take(len(MAGIC)) != MAGIC:
            raise ValueError("it does not begin with Obj\\x01")
        about: dict[str, bytes] = {}
        while count := content.take_long():
            if count < 0:
                count, _ = -count, content.take_long()
            if len(about) + count > ENTRIES:
                raise ValueError(f"it says that its header has {count} entries")
            for _ in range(count):
                name = content.take(content.take_long()).decode()
                about[name] = content.take(content.take_long())
        sync = content.take(SYNC)
        if "avro.schema" not in about:
            raise ValueError("it has no schema")
        codec = about.get("avro.codec", b"null").decode()
        if codec not in UNZIP:
            raise ValueError(f"its codec is {codec}, expected one of {', '.join(UNZIP)}")
        return Schema(json.loads(about["avro.schema"])), UNZIP[codec], sync
    except RecursionError as error:
        raise UnreadableError("the file is not Avro: its schema is nested too deeply") from error
    except Exception as error:  # fastavro raises whatever a wrong byte leads to
        if isinstance(error, OSError | UnreadableError):
            raise
        raise UnreadableError(f"the file is not Avro: {error}") from error


def next_block(content: Content, unzip: Callable[[bytes], bytes], sync: bytes) -> tuple[int, bytes]:
    """How many records the next block says it has, and what it holds. After one that cannot be read, the content is
    at the next that may be."""
    where = f"the block at byte {content.offset + 1} cannot be read"
    try:
        count, size = content.take_long(), content.take_long()
        if not (0 <= count <= LARGEST and 0 <= size <= LARGEST):
            raise ValueError(f"it says that it has {count} records in {size} bytes")
        if not content.has(size + SYNC):
            raise EOFError("it breaks off")
    except (EOFError, ValueError) as error:
        content.skip_past(sync)
        raise BlockError(f"{where}: {error}") from error
    begin = content.at
    content.at += size + SYNC
    if content.kept[content.at - SYNC : content.at] != sync:
        why = "the mark at its end is not the file's"
        if content.is_at_block(sync):
            raise BlockError(f"{where}, nor its {count} records: {why}", count)
        content.skip_past(sync)
        raise BlockError(f"{where}: {why}")
    try:
        block = unzip(bytes(content.kept[begin : begin + size]))
    except (ValueError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise BlockError(f"{where}, nor its {count} records: {error}", count) from error
    if count > max(len(block), ENTRIES):
        raise BlockError(f"{where}: it says that it has {count} records in {len(block)} bytes")
    return count, block


def records_of(
    block: bytes, count: int, after: int, schema: "Schema"
) -> Iterator[tuple[int, dict[str, Any], str | None, str | None]]:
    """Each record's number, values, raw form and why it is refused. One whose values no type can hold is told without
    them; one whose end cannot be found takes the rest of its block with it."""
    rest = BytesIO(block)
    for number in range(after + 1, after + count + 1):
        start = rest.tell()
        why = None
        try:
            value = schema.read(rest, schema.parsed)
        except Exception as error:  # fastavro raises whatever a wrong byte leads to
            why = f"{type(error).__name__}: {error}"
            rest.seek(start)
            try:
                value = schema.read(rest, schema.bare)
            except Exception:
                yield number, {}, None, f"records {number} to {after + count} cannot be read: {why}"
                return
        try:
            record = plain(value)
        except RecursionError as error:
            yield number, {}, None, str(error)
            continue
        if not why and not isinstance(record, dict):
            why = f"expected a record, found {type(record).__name__}"
        yield number, record, to_json(record), why
    if left := len(block) - rest.tell():
        yield after + count + 1, {}, None, f"{left} bytes are left after the last record of a block"


class Schema:
    """How records are written, with its logical types and bare of them. ValueError where a few bytes could grow to
    more than memory holds: arrays of what takes no bytes, records without end within each other."""

    def __init__(self, schema: Any) -> None:
        refuse_deep(schema)
        self.names: dict[str, Any] = {}
        self.known: dict[str, tuple[int, int]] = {}
        self.is_recursive = False
        self.parsed = fastavro.parse_schema(schema, named_schemas=self.names)
        self.bare = fastavro.parse_schema(without_logical_types(schema))
        self.measured(self.parsed)
        # fastavro's own would crash on a record that is nested deeply; this one raises
        self.read_one = careful_reader.schemaless_reader if self.is_recursive else fastavro.schemaless_reader

    def read(self, content: BytesIO, schema: Any) -> Any:
        return self.read_one(content, schema, None)

    def measured(self, schema: Any) -> tuple[int, int]:
        """How many values a type holds where it takes no bytes, 0 where it takes any; and how deep it is."""
        if isinstance(schema, list):
            return 0, max((self.measured(each)[1] for each in schema), default=0)
        name = schema if isinstance(schema, str) else schema.get("name")
        if name in self.known:
            self.is_recursive |= self.known[name] == OPEN
            return self.known[name]
        if isinstance(schema, str):
            return int(schema == "null"), 0
        kind = schema["type"]
        if kind in ("array", "map"):
            values, depth = self.measured(schema["items" if kind == "array" else "values"])
            if kind == "array" and values:
                raise ValueError("its schema has an array of items that take no bytes")
            return 0, depth + 1
        if kind == "fixed":
            return int(schema["size"] == 0), 0
        if kind not in ("record", "error"):
            return self.measured(kind) if kind != "enum" else (0, 0)
        self.known[name] = OPEN
        fields = [self.measured(field["type"]) for field in schema["fields"]]
        values = 1 + sum(of for of, _ in fields) if all(of for of, _ in fields) else 0
        depth = 1 + max((of for _, of in fields), default=0)
        if depth > DEEPEST or values > WITHOUT_BYTES:
            raise ValueError(f"its record {name} is {depth} deep and has {values} values that take no bytes")
        self.known[name] = values, depth
        return values, depth


OPEN = (0, -1)  # of a record that stands within itself


def refuse_deep(schema: Any) -> None:
    level, depth = [schema], 0
    while level := [e for each in level if isinstance(each, dict | list) for e in inner_of(each)]:
        depth += 1
        if depth > 2 * DEEPEST:
            raise ValueError("its schema is nested too deeply")


def inner_of(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


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


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON has it: numbers as they are written, moments in ISO 8601, bytes in base64."""
    if depth > DEEPEST:
        raise RecursionError(f"its values are more than {DEEPEST} deep within each other")
    if isinstance(value, dict):
        return {name: plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each, depth + 1) for each in value]
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
    return bounded(zlib.decompressobj(wbits=-15), zipped)


def unbzip(zipped: bytes) -> bytes:
    return bounded(bz2.BZ2Decompressor(), zipped)


def unxz(zipped: bytes) -> bytes:
    return bounded(lzma.LZMADecompressor(memlimit=256 << 20), zipped)


def bounded(unzip: Any, zipped: bytes) -> bytes:
    content: bytes = unzip.decompress(zipped, LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it holds more than {LARGEST} bytes")
    if not unzip.eof:
        raise EOFError("what it holds breaks off")
    return content


def unsnap(zipped: bytes) -> bytes:
    """Snappy, with the size of what it holds before it and a checksum after it."""
    size = shift = 0
    for byte in zipped[:10]:
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
    content = bytearray()
    with pa.CompressedInputStream(pa.BufferReader(zipped), "zstd") as unzipped:
        while more := unzipped.read(1 << 20):
            content += more
            if len(content) > LARGEST:
                raise ValueError(f"it holds more than {LARGEST} bytes")
    return bytes(content)


UNZIP: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": inflate,
    "bzip2": unbzip,
    "xz": unxz,
    "snappy": unsnap,
    "zstandard": unzstandard,
}
