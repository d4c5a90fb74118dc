"""What goes wrong with files, by kind: each with a ledger of what was written, kept by the one who broke it.

A sound file of each format stands beside them.
"""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[str | None, ...]
COLUMNS = ("id", "name", "amount", "day")
WIDTHS = (4, 10, 8, 10)
TYPED = pa.schema(zip(COLUMNS, (pa.int32(), pa.string(), pa.decimal128(10, 2), pa.date32()), strict=True))
SYNC = b"between 2 blocks"  # of Avro
WHOLE = "the text of the file"  # as a refused record: all of it is refused as one


def row(number: int) -> Row:
    return (str(number), f"name {number}", f"{number}.50", f"2024-07-{number:02}")


@dataclass(frozen=True)
class Corrupt:
    """A file with something wrong. `good` are the rows that land, `refused` the raw texts that are in quarantine.

    says: a part of each reason. typed: only the types of the columns tell, which Spark knows.
    """

    kind: str
    format: str
    content: bytes
    good: tuple[Row, ...] = ()
    refused: tuple[str | None, ...] = ()
    says: str = ""
    typed: bool = False
    ending: str = ""

    @property
    def file(self) -> str:
        return f"{self.format}/{self.kind.replace(' ', '_')}.{self.format}{self.ending}"

    @property
    def raw(self) -> Counter[str | None]:
        return Counter(shown(self.content) if each == WHOLE else each for each in self.refused)


def shown(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def rows_of(numbers: Iterable[int]) -> tuple[Row, ...]:
    return tuple(row(number) for number in numbers)


GOOD = rows_of((1, 2, 4))
HEADER = ",".join(COLUMNS)


def csv(*lines: str | bytes, end: bytes = b"\n") -> bytes:
    return b"".join((line.encode() if isinstance(line, str) else line) + end for line in lines)


def line(number: int, **differs: str) -> str:
    return ",".join({**dict(zip(COLUMNS, map(str, row(number)), strict=True)), **differs}.values())


def csv_with(wrong: str | bytes) -> bytes:
    """Three good lines, and a wrong one as the third."""
    return csv(HEADER, line(1), line(2), wrong, line(4))


def csv_kinds() -> Iterator[Corrupt]:
    def bad_line(kind: str, wrong: str | bytes, says: str, *, typed: bool = False) -> Corrupt:
        raw = shown(wrong) if isinstance(wrong, bytes) else wrong
        return Corrupt(kind, "csv", csv_with(wrong), GOOD, (raw,), says, typed)

    def bad_file(kind: str, content: bytes, says: str) -> Corrupt:
        return Corrupt(kind, "csv", content, (), (WHOLE,), says)

    def fine(kind: str, content: bytes, good: tuple[Row, ...] = GOOD) -> Corrupt:
        return Corrupt(kind, "csv", content, good)

    whole = csv(HEADER, line(1), line(2), line(4))
    yield bad_line("torn utf-8", b"3,nam\xc3,3.50,2024-07-03", "not UTF-8 at byte 6")
    yield bad_line("a quote never closed", '3,"name 3,3.50,2024-07-03', "a quote is opened and never closed")
    yield bad_line("a field too few", "3,name 3,3.50", "expected 4 fields, found 3")
    yield bad_line("a field too many", line(3) + ",x", "expected 4 fields, found 5")
    yield bad_line("a carriage return within", "3,na\rme,3.50,2024-07-03", "a carriage return stands alone")
    yield bad_line("not a number", line(3, amount="NaN"), "amount: expected decimal(10,2), found 'NaN'", typed=True)
    yield bad_line("infinity", line(3, amount="Infinity"), "amount: expected decimal", typed=True)
    yield bad_line("1e400", line(3, amount="1e400"), "amount: expected decimal", typed=True)
    yield bad_line("a number out of range", line(3, id="99999999999"), "id: expected int", typed=True)
    yield bad_line("a decimal too many", line(3, amount="3.505"), "amount: expected decimal", typed=True)
    yield bad_line("a day that does not exist", line(3, day="2023-02-29"), "day: expected date", typed=True)
    yield bad_line("the header again", HEADER, "id: expected int, found 'id'", typed=True)
    yield bad_line("no key", line(3, id=""), "id is missing", typed=True)
    yield bad_file("utf-16", whole.decode().encode("utf-16"), "not UTF-8")
    yield bad_file("another delimiter", whole.replace(b",", b";"), "names no declared column: id;name;amount;day")
    yield bad_file("no header", whole.partition(b"\n")[2], "names no declared column: 1,name 1")
    yield bad_file("a header of one name twice", whole.replace(b"name,", b"id,", 1), "names a column twice")
    yield bad_file("a header in capitals", csv(HEADER.upper(), line(1)), "names no declared column: ID,")
    yield bad_file("only carriage returns", whole.replace(b"\n", b"\r"), "a carriage return stands alone")
    yield fine("zero bytes", b"", ())
    yield fine("mixed line ends", csv(HEADER, line(1), end=b"\r\n") + csv(line(2)) + csv(line(4), end=b"\r\n\n"))
    yield fine("nul bytes", csv(HEADER, line(1, name="na\0me")), (("1", "na\0me", *row(1)[2:]),))
    yield fine("a line of 10 MB", csv(HEADER, line(1), line(2, name="x" * (10 << 20)), line(4)), (
        row(1), ("2", "x" * (10 << 20), *row(2)[2:]), row(4),
    ))  # fmt: skip
    yield fine("a header in another order", csv("day,name,id,amount", "2024-07-01,name 1,1,1.50"), (row(1),))
    yield fine("a column more", csv(f"till,{HEADER}", f"7,{line(1)}"), (row(1),))
    yield fine("a column less", csv("id,amount,day", "1,1.50,2024-07-01"), (("1", None, "1.50", "2024-07-01"),))


def record(number: int) -> str:
    id_, name, amount, day = row(number)
    return f'{{"id":{id_},"name":"{name}","amount":{amount},"day":"{day}"}}'


def json_kinds() -> Iterator[Corrupt]:
    def bad_line(kind: str, wrong: str | bytes, says: str, *, typed: bool = False) -> Corrupt:
        content = csv(record(1), record(2), wrong, record(4))
        return Corrupt(kind, "jsonl", content, GOOD, (shown(csv(wrong, end=b"")),), says, typed)

    def bad_element(kind: str, wrong: str, says: str, *, typed: bool = False) -> Corrupt:
        content = f"[{record(1)},{record(2)},{wrong},{record(4)}]"
        return Corrupt(f"{kind} in a document", "json", content.encode(), GOOD, (wrong,), says, typed)

    def bad_document(kind: str, content: str | bytes, says: str) -> Corrupt:
        return Corrupt(kind, "json", csv(content, end=b""), (), (WHOLE,), says)

    yield bad_line("a name twice", record(3).replace('"name":', '"id":4,"name":'), "the name id is there twice")
    yield bad_line("json not a number", record(3).replace("3.50", "NaN"), "NaN is not JSON")
    yield bad_line("json 1e400", record(3).replace("3.50", "1e400"), "amount: expected decimal", typed=True)
    yield bad_line("half a surrogate", record(3).replace("name 3", "\\ud83d"), "half a character")
    yield bad_line("deep nesting", '{"id":3,"deep":' + "[" * 5000 + "]" * 5000 + "}", "maximum recursion depth")
    yield bad_line("an array in place of lines", f"[{record(3)},{record(5)}]", "expected a JSON object, found list")
    yield bad_line(
        "json torn utf-8", record(3).replace("name 3", "nam").encode().replace(b'nam"', b'nam\xc3"'), "not UTF-8"
    )
    yield bad_line("a torn object", record(3)[:20], "not JSON")
    yield bad_line("a text for a number", record(3).replace('"id":3', '"id":"three"'), "id: expected int", typed=True)
    yield bad_element("an array in place of an object", "[3]", "expected a JSON object, found list")
    yield bad_element("half a surrogate", record(3).replace("name 3", "\\ud83d"), "half a character")
    yield bad_element("a text for a number", record(3).replace("3.50", '"three"'), "amount: expected", typed=True)
    yield bad_element("no key", record(3).replace('"id":3', '"id":null'), "id is missing", typed=True)
    yield bad_document("a torn document", f"[{record(1)},{record(2)}", "the file is not JSON")
    yield bad_document("a name twice in a document", f'[{record(1)},{{"id":2,"id":3}}]', "the name id is there twice")
    yield bad_document("torn utf-8 in a document", f'[{record(1)},{{"name":"nam'.encode() + b'\xc3"}]', "not JSON")
    yield bad_document(
        "lines in place of a document", f"{record(1)}\n{record(2)}\n", "the file is not JSON: Extra data"
    )


def element(number: int) -> str:
    values = zip(COLUMNS, row(number), strict=True)
    return f"<row>{''.join(f'<{name}>{value}</{name}>' for name, value in values)}</row>"


def xml(numbers: Iterable[int]) -> bytes:
    return f"<rows>{''.join(map(element, numbers))}</rows>".encode()


def xml_kinds() -> Iterator[Corrupt]:
    def broken(kind: str, rest: str, says: str, *, torn: bytes = b"") -> Corrupt:
        content = f"<rows>{element(1)}{element(2)}".encode() + rest.encode() + torn
        return Corrupt(kind, "xml", content, GOOD[:2], (shown(rest.encode() + torn),), says)

    bomb = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    says_klingon = f'<?xml version="1.0" encoding="klingon"?><rows>{element(1)}</rows>'
    yield Corrupt(
        "an xml bomb", "xml", f"{bomb}<rows><row><id>&b;</id></row></rows>".encode(), (), ("*",), "document type"
    )
    yield Corrupt("an unknown encoding", "xml", says_klingon.encode(), (), (WHOLE,), "which is no encoding")
    yield broken("xml never closed", "<row><id>3", "no element found")
    yield broken("an unknown entity", "<row><id>&three;</id></row></rows>", "undefined entity")
    yield broken("a wrong end tag", "<row><id>3</name></row></rows>", "mismatched tag")
    yield broken("xml torn utf-8", "<row><name>", "not well-formed", torn=b"\xc3</name></row></rows>")
    twice = element(3).replace("<id>", "<id>7</id><id>")
    content = f"<rows>{element(1)}{element(2)}{twice}{element(4)}</rows>".encode()
    yield Corrupt("an element twice", "xml", content, GOOD, (twice,), "expected one element id, found 2")
    wrong = element(3).replace("3.50", "three")
    yield Corrupt(
        "a text for a number in xml", "xml", content.replace(twice.encode(), wrong.encode()), GOOD, (wrong,),
        "amount: expected decimal", typed=True,
    )  # fmt: skip
    yield Corrupt("utf-16 in xml", "xml", xml((1, 2, 4)).decode().encode("utf-16"), GOOD)
    yield Corrupt("other elements", "xml", b"<rows><r><id>1</id></r></rows>", (), (None,), "expected elements row")


def avro(numbers: Iterable[int], codec: str = "null") -> bytes:
    """Blocks of two rows each."""
    fields = [{"name": "id", "type": "int"}, *({"name": name, "type": "string"} for name in COLUMNS[1:])]
    records = [dict(zip(COLUMNS, (number, *row(number)[1:]), strict=True)) for number in numbers]
    file = BytesIO()
    fastavro.writer(file, {"type": "record", "name": "row", "fields": fields}, records, codec, 30, sync_marker=SYNC)
    return file.getvalue()


def ends_of_blocks(content: bytes) -> list[int]:
    """Where the header ends, and each block."""
    return [each.end() for each in re.finditer(SYNC, content)]


def avro_kinds() -> Iterator[Corrupt]:
    content, deflated = avro(range(1, 7)), avro(range(1, 7), "deflate")
    _, _, third, end = ends_of_blocks(content)
    second = ends_of_blocks(deflated)[1] + 2  # behind two numbers: of its rows, and of its bytes
    rows = rows_of(range(1, 7))

    def broken(kind: str, content: bytes, good: tuple[Row, ...], says: str) -> Corrupt:
        return Corrupt(kind, "avro", content, good, (None,), says)

    yield broken("avro truncated", content[: third + 9], rows[:4], "it breaks off")
    yield broken("a wrong sync mark", content[: end - 1] + bytes([content[-1] ^ 0xFF]), rows[:4], "the mark at its end")
    damaged = deflated[:second] + b"\xff" * 8 + deflated[second + 8 :]
    yield broken("a damaged block", damaged, rows[:2] + rows[4:], "nor its 2 records")
    torn = content.replace(b"name 3", b"nam\xc3 3")
    yield broken("avro torn utf-8", torn, rows[:2] + rows[4:], "records 3 to 4 cannot be read")
    yield broken("an unknown codec", content.replace(b"null", b"nulf"), (), "its codec is nulf")
    yield broken("no schema", content.replace(b"avro.schema", b"avro.schemo"), (), "it has no schema")
    yield broken("not avro", csv(HEADER, line(1)), (), "the file is not Avro")
    yield Corrupt(
        "a text for a number in avro", "avro", content.replace(b"3.50", b"NaN!"), rows[:2] + rows[3:],
        (record(3).replace("3.50", '"NaN!"'),), "amount: expected decimal", typed=True,
    )  # fmt: skip


def fixed(number: int) -> str:
    return "".join(str(value).ljust(width) for value, width in zip(row(number), WIDTHS, strict=True))


def fixed_kinds() -> Iterator[Corrupt]:
    def bad_line(kind: str, wrong: bytes, says: str, *, typed: bool = False) -> Corrupt:
        content = csv(fixed(1), fixed(2), wrong, fixed(4))
        return Corrupt(kind, "fixed", content, GOOD, (shown(wrong),), says, typed)

    whole = fixed(3).encode()
    yield bad_line("a line too short", whole[:-4], "expected 32 characters, found 28")
    yield bad_line("a line too long", whole + b" ", "expected 32 characters, found 33")
    yield bad_line("fixed torn utf-8", whole.replace(b"name", b"nam\xc3"), "not UTF-8 at byte 8")
    wrong = whole.replace(b"3.50", b"NaN ")
    yield bad_line("a text for a number in fixed width", wrong, "amount: expected decimal", typed=True)


def parquet(rows: Iterable[Sequence[str | bytes | None]], types: pa.Schema | None = None) -> bytes:
    sink = BytesIO()
    table = pa.table(dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))
    pq.write_table(table.cast(types, safe=False) if types else table, sink)
    return sink.getvalue()


def parquet_kinds() -> Iterator[Corrupt]:
    def broken(kind: str, content: bytes, says: str = "the file is not Parquet") -> Corrupt:
        return Corrupt(kind, "parquet", content, (), (None,), says, typed=True)

    def bad_row(kind: str, wrong: Row, says: str) -> Corrupt:
        raw = json.dumps(
            {name: value for name, value in zip(COLUMNS, wrong, strict=True) if value}, separators=(",", ":")
        )
        content = parquet((row(1), row(2), wrong, row(4)))
        return Corrupt(kind, "parquet", content, GOOD, (raw,), says, typed=True)

    content = parquet([row(1)])
    yield broken("parquet truncated", content[: len(content) // 2])
    yield broken("a broken footer", content[:-40] + b"\xff" * 32 + content[-8:])
    yield broken("a wrong magic number", content[:-4] + b"PAR9")
    yield broken("a broken page", content[:4] + b"\xff" * 40 + content[44:], "the file is damaged")
    yield broken("parquet of zero bytes", b"")
    id_, name, amount, day = row(3)
    yield bad_row(
        "a text for a number in parquet", (id_, name, "NaN", day), "amount: expected decimal(10,2), found 'NaN'"
    )
    yield bad_row("no key in parquet", (None, name, amount, day), "id is missing")
    texts = [(each[0], b"nam\xc3" if each == row(3) else each[1].encode(), *each[2:]) for each in rows_of(range(1, 5))]
    raw = '{"id":"3","name":"bmFtww==","amount":"3.50","day":"2024-07-03"}'  # in base64
    all_texts = pa.schema([(column, pa.string()) for column in COLUMNS])  # as which bytes are written, unasked
    for kind, types in (("bytes", None), ("a text", all_texts)):
        torn = parquet(texts, types)
        yield Corrupt(f"{kind} of torn utf-8 in parquet", "parquet", torn, GOOD, (raw,), "name: not UTF-8", typed=True)


# Over all formats


WRITTEN: Mapping[str, Callable[[Iterable[int]], bytes]] = {
    "csv": lambda numbers: csv(HEADER, *map(line, numbers)),
    "jsonl": lambda numbers: csv(*map(record, numbers)),
    "json": lambda numbers: f"[{','.join(map(record, numbers))}]".encode(),
    "xml": xml,
    "fixed": lambda numbers: csv(*map(fixed, numbers)),
    "avro": avro,
    "parquet": lambda numbers: parquet(rows_of(numbers)),
}
ZIPPED = ("csv", "jsonl", "json", "xml", "fixed", "avro")
TEXTS = ZIPPED[:-1]
ENDS = {"xml": b"</row>", "avro": SYNC, "json": b"\0"}  # of what lands by itself; else a line


def mark_kinds() -> Iterator[Corrupt]:
    for format in TEXTS:
        yield Corrupt(f"byte order mark of {format}", format, b"\xef\xbb\xbf" + WRITTEN[format]((1, 2, 4)), GOOD)


def gzip_kinds() -> Iterator[Corrupt]:
    many = [1 + number % 28 for number in range(3000)]
    for format in ZIPPED:
        whole, zipped = WRITTEN[format]((1, 2, 4)), gzip.compress(WRITTEN[format](many))
        yield broken_gzip(f"truncated gzip of {format}", format, zipped[: len(zipped) // 2], rows_of(many))
        yield broken_gzip(f"garbage after gzip of {format}", format, gzip.compress(whole) + b"garbage", GOOD)
        yield broken_gzip(f"a wrong checksum of {format}", format, gzip.compress(whole)[:-8] + b"\0" * 8, GOOD)
        says = "the file breaks off: Not a gzipped file"
        yield Corrupt(f"{format} that is not gzip", format, whole, (), (None,), says, ending=".gz")


def broken_gzip(kind: str, format: str, content: bytes, rows: tuple[Row, ...]) -> Corrupt:
    """The ledger is of the rows that zlib alone gets out of it, and the text beside them: of a JSON document all, of
    XML a row that is open, of Avro none."""
    *whole, rest = unzipped(content).split(ENDS.get(format, b"\n"))
    good = (len(whole) - (format in ("csv", "avro"))) * (2 if format == "avro" else 1)  # a header; rows of a block
    raw = None if format == "avro" or rest == b"</rows>" else rest.decode() or None
    return Corrupt(kind, format, content, rows[:good], (raw,), "the file breaks off", ending=".gz")


def unzipped(content: bytes) -> bytes:
    """Byte by byte, so that what is before the error is had."""
    unzip = zlib.decompressobj(wbits=31)
    found = b""
    for byte in content:
        try:
            found += unzip.decompress(bytes([byte]))
        except zlib.error:
            break
    return found


def sound() -> Iterator[Corrupt]:
    """Nothing is wrong with them. Of Parquet one is like those that are broken, and one of the declared types."""
    numbers = range(1, 29)
    rows = rows_of(numbers)
    for format, written in WRITTEN.items():
        yield Corrupt(f"sound {format}", format, written(numbers), rows, typed=format == "parquet")
        if format in ZIPPED:
            yield Corrupt(f"sound {format} in gzip", format, gzip.compress(written(numbers)), rows, ending=".gz")
    yield Corrupt("sound parquet of declared types", "parquet", parquet(rows, TYPED), rows, typed=True)


KINDS: tuple[Corrupt, ...] = (
    *csv_kinds(),
    *json_kinds(),
    *xml_kinds(),
    *avro_kinds(),
    *fixed_kinds(),
    *parquet_kinds(),
    *mark_kinds(),
    *gzip_kinds(),
)
SOUND = tuple(sound())
