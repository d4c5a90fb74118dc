"""Avro into records: fields by name, logical types as they are meant; a corrupt block takes no other with it."""

import json
import random
import time
import zlib
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO

import fastavro
import pyarrow as pa
import pytest

from bronze.records import avro as avro_reader
from bronze.records.avro import SYNC
from tests.bronze.told import fields, refusals

PLAIN = {"type": "record", "name": "row", "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}]}
RICH = {
    "type": "record",
    "name": "row",
    "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "fine_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "who", "type": {"type": "record", "name": "who", "fields": [{"name": "id", "type": ["null", "int"]}]}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "share", "type": "double"},
        {"name": "is_open", "type": "boolean"},
        {"name": "photo", "type": "bytes"},
    ],
}


def avro(schema: dict, *records: dict, **how) -> bytes:
    file = BytesIO()
    fastavro.writer(file, schema, records, **how)
    return file.getvalue()


def rows(count: int, **how) -> bytes:
    return avro(PLAIN, *({"a": number, "b": f"row {number}"} for number in range(count)), **how)


def test_logical_types_are_the_texts_of_their_values(read):
    moment = datetime(2024, 7, 1, 12, 0, 0, 123000, tzinfo=UTC)
    record = {
        "at": moment,
        "fine_at": moment.replace(microsecond=123456),
        "day": date(2024, 2, 29),
        "price": Decimal("1.10"),
        "who": {"id": 7},
        "tags": ["x", "y"],
        "share": 0.1,
        "is_open": True,
        "photo": b"\x00\xff",
    }
    paths = {name: name for name in record} | {"who": "who.id", "none": "nothing"}

    [found] = read(avro(RICH, record), format="avro", paths=paths)

    assert [found[name] for name in paths] == [
        "2024-07-01T12:00:00.123000+00:00",
        "2024-07-01T12:00:00.123456+00:00",
        "2024-02-29",
        "1.10",
        "7",
        '["x","y"]',
        "0.1",
        "true",
        "AP8=",
        None,
    ]
    assert found["_rescued"] is None
    assert json.loads(found["_raw"])["price"] == 1.10


def test_what_no_column_declares_is_rescued(read):
    [found] = read(rows(1), "b", format="avro")

    assert (found["b"], found["_rescued"]) == ("row 0", '{"a":0}')


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_every_codec_is_read(read, codec):
    assert fields(read(rows(3, codec=codec), format="avro")) == [
        (number + 1, str(number), f"row {number}") for number in range(3)
    ]


def with_codec(content: bytes, codec: bytes, zip_) -> bytes:
    """A file of one block whose codec fastavro has no library for here."""
    at = content.index(b"null", content.index(b"avro.codec"))
    sync = content[-16:]
    block = content.index(sync) + 16
    size_at = block + 1  # the count is one byte
    data = content[size_at + 1 : -16] if content[size_at] < 128 else content[size_at + 2 : -16]
    zipped = zip_(data)
    head = content[: at - 1] + bytes([len(codec) << 1]) + codec + content[at + 4 : block]
    return head + content[block : block + 1] + long(len(zipped)) + zipped + sync


def long(value: int) -> bytes:
    value <<= 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_snappy_and_zstandard_need_no_library_of_their_own(read):
    def snappy(data: bytes) -> bytes:
        return pa.compress(data, codec="snappy", asbytes=True) + zlib.crc32(data).to_bytes(4, "big")

    def zstandard(data: bytes) -> bytes:
        return pa.compress(data, codec="zstd", asbytes=True)

    for codec, zip_ in ((b"snappy", snappy), (b"zstandard", zstandard)):
        assert fields(read(with_codec(rows(3), codec, zip_), "a", format="avro"), "a") == [(1, "0"), (2, "1"), (3, "2")]


def blocks(count: int, codec: str = "null") -> tuple[bytearray, list[int]]:
    """A file of this many blocks of two rows, and where each block begins."""
    content = rows(count * 2, codec=codec, sync_interval=12)
    sync = content[-16:]
    starts = [content.index(sync) + 16]
    while (end := content.index(sync, starts[-1]) + 16) < len(content):
        starts.append(end)
    assert len(starts) == count
    return bytearray(content), starts


def test_a_block_that_cannot_be_unzipped_is_refused_and_those_after_it_keep_their_places(read):
    content, starts = blocks(3, "deflate")
    content[starts[1] + 3 : starts[1] + 8] = b"\xff" * 5

    found = read(bytes(content), "a", format="avro")

    assert fields(found, "a") == [(1, "0"), (2, "1"), (5, "4"), (6, "5")]
    [(position, _, why)] = refusals(found)
    assert position == 3
    assert why.startswith(f"the block at byte {starts[1] + 1} cannot be read, nor its 2 records: ")


def test_a_block_whose_mark_is_wrong_is_refused_alone(read):
    content, starts = blocks(3)
    content[starts[1] - 1] ^= 0xFF  # the last byte of the first block's mark

    found = read(bytes(content), "a", format="avro")

    assert fields(found, "a") == [(3, "2"), (4, "3"), (5, "4"), (6, "5")]
    [(position, _, why)] = refusals(found)
    assert position == 1
    assert why.endswith("cannot be read, nor its 2 records: the mark at its end is not the file's")


def test_blocks_after_several_wrong_marks_keep_their_places(read):
    content, starts = blocks(5)
    for at in (1, 2, 5):
        content[[*starts, len(content)][at] - 1] ^= 0xFF

    found = read(bytes(content), "a", format="avro")

    assert fields(found, "a") == [(5, "4"), (6, "5"), (7, "6"), (8, "7")]
    assert [(position, "nor its 2 records" in why) for position, _, why in refusals(found)] == [
        (1, True),
        (3, True),
        (9, True),
    ]


def test_a_file_that_is_cut_off_gives_its_whole_blocks(read):
    content, starts = blocks(3)

    found = read(bytes(content[: starts[2] + 5]), "a", format="avro")

    assert fields(found, "a") == [(1, "0"), (2, "1"), (3, "2"), (4, "3")]
    assert refusals(found) == [(5, None, f"the block at byte {starts[2] + 1} cannot be read: it breaks off")]


def test_a_record_that_cannot_be_read_takes_the_rest_of_its_block_with_it(read):
    content = rows(3)
    at = content.index(b"row 1")
    broken = content[:at] + b"\xffow 1" + content[at + 5 :]

    found = read(broken, "a", format="avro")

    assert fields(found, "a") == [(1, "0")]
    [(position, _, why)] = refusals(found)
    assert (position, why.startswith("records 2 to 3 cannot be read: UnicodeDecodeError")) == (2, True)


def test_a_moment_that_no_calendar_has_refuses_its_record_alone(read):
    bare = {**PLAIN, "fields": [{"name": "at", "type": "long"}]}
    content = avro(bare, {"at": 0}, {"at": 1 << 60}, {"at": 1000})
    schema = json.dumps(
        {**bare, "fields": [{"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}
    )
    about = content.index(b'{"type"')
    end = content.index(b"}]", about)
    end = content.index(b"}", end + 2) + 1
    old = content[about:end]
    length = long(len(old))
    assert content[about - len(length) : about] == length
    content = content[: about - len(length)] + long(len(schema)) + schema.encode() + content[end:]

    found = read(content, "at", format="avro")

    assert fields(found, "at") == [(1, "1970-01-01T00:00:00+00:00"), (3, "1970-01-01T00:00:01+00:00")]
    [(position, raw, why)] = refusals(found)
    assert (position, raw) == (2, f'{{"at":{1 << 60}}}')
    assert "Error" in why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it breaks off"),
        (b"PAR1 and more", "it does not begin with Obj"),
        (b"Obj\x01\x00" + b"s" * 16, "it has no schema"),
        (rows(1).replace(b"avro.schema", b"avro.schemo"), "it has no schema"),
        (rows(1).replace(b"null", b"nulf"), "its codec is nulf, expected one of null, deflate"),
        (rows(1).replace(b'"long"', b'"lung"'), "lung"),
        (rows(1)[:50], "it breaks off"),
    ],
)
def test_a_file_whose_head_cannot_be_read_is_refused(read, content, why):
    [(position, _, reason)] = refusals(read(content, "a", format="avro"))

    assert position == 1
    assert reason.startswith("the file is not Avro: ")
    assert why in reason


def test_a_file_without_rows_has_no_records(read):
    assert read(avro(PLAIN), format="avro") == []


# Bytes that say what is not so


def header_of(schema: object) -> bytes:
    text = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    return b"Obj\x01" + long(1) + long(11) + b"avro.schema" + long(len(text)) + text + long(0) + b"s" * SYNC


def block_of(count: int, data: bytes) -> bytes:
    return long(count) + long(len(data)) + data + b"s" * SYNC


def a_record(name: str, **fields: object) -> dict:
    return {"type": "record", "name": name, "fields": [{"name": n, "type": type_} for n, type_ in fields.items()]}


def chain(count: int) -> list[dict]:
    """Records of which each holds the one before it, in a schema that is not nested."""
    return [a_record("r0", a="long"), *(a_record(f"r{n}", a=f"r{n - 1}") for n in range(1, count))]


def doubling(count: int) -> list[dict]:
    return [a_record("r0", a="null"), *(a_record(f"r{n}", a=f"r{n - 1}", b=f"r{n - 1}") for n in range(1, count))]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"Obj\x01\x02\x01", "it says that -1 bytes follow"),
        (b"Obj\x01\x02\x0f" + b"x" * 50, "it says that -8 bytes follow"),
        (b"Obj\x01\x02\x02a" + long(1 << 50), "bytes follow"),
        (b"Obj\x01" + long(1 << 60) + b"\x00" * 100, "entries"),
        (b"Obj\x01" + b"\xff" * 9 + b"\x7f", "a number of more than 64 bits"),
        (header_of(b"[" * 3000 + b"]" * 3000), "its schema is nested too deeply"),
        (header_of(b"[" * 500 + b"]" * 500), "its schema is nested too deeply"),
        (header_of(chain(5000)), "101 deep"),
        (header_of(doubling(60)), "values that take no bytes"),
        (header_of(a_record("row", a={"type": "array", "items": "null"})), "an array of items that take no bytes"),
        (header_of(a_record("row", a={"type": "array", "items": a_record("b")})), "an array of items that take no"),
    ],
)
def test_a_header_that_says_what_cannot_be_refuses_the_file(read, content, why):
    [(position, _, reason)] = refusals(read(content, "a", format="avro"))

    assert position == 1
    assert reason.startswith("the file is not Avro: ")
    assert why in reason


def test_a_block_of_more_records_than_it_can_hold_is_refused_alone(read):
    empty = header_of(a_record("row"))
    for count in ((1 << 62) - 1, 1 << 63, 1 << 40, 1 << 20):
        found = read(empty + block_of(count, b"") + block_of(2, b""), "a", format="avro")

        assert len(refusals(found)) == 1
        assert [value for _, value in fields(found, "a")] == [None, None]


def test_records_that_are_nested_too_deeply_are_refused_alone(read):
    schema = a_record("row", a="long", next=["null", "row"])

    def nested(depth: int) -> bytes:
        return b"\x02\x02" * depth + b"\x02\x00"

    shallow, deep, deepest = nested(50), nested(110), nested(2_000_000)
    content = header_of(schema) + block_of(3, shallow + deep + shallow) + block_of(1, deepest) + block_of(1, shallow)

    found = read(content, "a", format="avro")

    assert fields(found, "a") == [(1, "1"), (3, "1"), (5, "1")]
    assert [(position, why[:46]) for position, _, why in refusals(found)] == [
        (2, "its values are more than 100 deep within each "),
        (4, "records 4 to 4 cannot be read: RecursionError:"),
    ]


@pytest.mark.parametrize("codec", ["deflate", "bzip2", "xz", "zstandard"])
def test_a_block_that_unzips_to_more_than_memory_has_room_for_is_refused_alone(read, monkeypatch, codec):
    monkeypatch.setattr(avro_reader, "LARGEST", 10_000)
    records = [{"a": 1, "b": "x" * 1000}, {"a": 2, "b": "x" * 20_000}, {"a": 3, "b": "x" * 1000}]
    if codec == "zstandard":
        content = b"".join(
            with_codec(avro(PLAIN, each), b"zstandard", lambda data: pa.compress(data, codec="zstd", asbytes=True))
            for each in records[1:2]
        )
    else:
        content = avro(PLAIN, *records, codec=codec, sync_interval=1)

    found = read(content, "a", format="avro")

    [(_, _, why)] = refusals(found)
    assert why.endswith("nor its 1 records: it holds more than 10000 bytes")
    assert [value for _, value in fields(found, "a")] == (["1", "3"] if codec != "zstandard" else [])


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_any_wrong_byte_is_told_and_takes_no_block_before_it(read, codec):
    content, starts = blocks(3, codec)
    chooser = random.Random(7)
    for _ in range(1500):
        at, byte = chooser.randrange(len(content)), chooser.randrange(256)
        wrong = content.copy()
        wrong[at] = byte
        begun = time.process_time()

        found = read(bytes(wrong), "a", format="avro")

        assert time.process_time() - begun < 1, (at, byte)
        before = 2 * sum(end <= at for end in [*starts[1:], len(content)]) if at >= starts[0] else 0
        assert fields(found, "a")[:before] == [(n + 1, str(n)) for n in range(before)], (at, byte)
        if starts[1] - SYNC <= at < starts[1] and content[at] != byte:
            assert [value for _, value in fields(found, "a")] == ["2", "3", "4", "5"], (at, byte)
