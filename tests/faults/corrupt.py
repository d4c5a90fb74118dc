"""What goes wrong with files, by kind: each with a ledger of what was written, kept by the one who broke it.

`python -m tests.faults.corrupt` lands all of them at once. Bronze and quarantine must hold the ledger, as a multiset.
"""

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from bronze.ingest import ingest
from bronze.ledger import FILES, QUARANTINE
from bronze.source import Field, Source
from lakehouse.delta import Lakehouse
from lakehouse.settings import Settings
from tests.faults.campaign import Outcome, finish, small_session, tally_of

Row = tuple[str | None, ...]
COLUMNS = ("id", "name", "amount", "day")
WIDTHS = (4, 10, 8, 10)
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


GOOD = (row(1), row(2), row(4))
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
    yield fine("byte order mark", b"\xef\xbb\xbf" + whole)
    yield fine("mixed line ends", csv(HEADER, line(1), end=b"\r\n") + csv(line(2)) + csv(line(4), end=b"\r\n\n"))
    yield fine("nul bytes", csv(HEADER, line(1, name="na\0me")), (("1", "na\0me", *row(1)[2:]),))
    yield fine("a line of 10 MB", csv(HEADER, line(1), line(2, name="x" * (10 << 20)), line(4)), (
        row(1), ("2", "x" * (10 << 20), *row(2)[2:]), row(4),
    ))  # fmt: skip
    yield fine("a header in another order", csv("day,name,id,amount", "2024-07-01,name 1,1,1.50"), (row(1),))
    yield fine("a column more", csv(f"till,{HEADER}", f"7,{line(1)}"), (row(1),))
    yield fine("a column less", csv("id,amount,day", "1,1.50,2024-07-01"), (("1", None, "1.50", "2024-07-01"),))
    zipped = gzip.compress(csv(HEADER, *(line(1 + number % 28) for number in range(3000))))
    yield broken_gzip("truncated gzip", zipped[: len(zipped) // 2])
    yield broken_gzip("garbage after gzip", gzip.compress(whole) + b"garbage")
    yield broken_gzip("a wrong checksum", gzip.compress(whole)[:-8] + b"\0" * 8)
    yield Corrupt("not gzip", "csv", whole, (), (None,), "the file breaks off: Not a gzipped file", ending=".gz")


def broken_gzip(kind: str, content: bytes) -> Corrupt:
    """The ledger is of the lines that zlib alone gets out of it."""
    unzipped = zlib.decompressobj(wbits=31)
    found = b""
    for byte in content:  # byte by byte, so that what is before the error is had
        try:
            found += unzipped.decompress(bytes([byte]))
        except zlib.error:
            break
    lines, rest = found[: found.rfind(b"\n") + 1].decode().splitlines()[1:], found[found.rfind(b"\n") + 1 :]
    good = tuple(tuple(each.split(",")) for each in lines)
    return Corrupt(kind, "csv", content, good, (rest.decode() or None,), "the file breaks off", ending=".gz")


def record(number: int) -> str:
    id_, name, amount, day = row(number)
    return f'{{"id":{id_},"name":"{name}","amount":{amount},"day":"{day}"}}'


def json_kinds() -> Iterator[Corrupt]:
    def bad_line(kind: str, wrong: str | bytes, says: str, *, typed: bool = False) -> Corrupt:
        content = csv(record(1), record(2), wrong, record(4))
        return Corrupt(kind, "jsonl", content, GOOD, (shown(csv(wrong, end=b"")),), says, typed)

    def bad_document(kind: str, content: str, says: str) -> Corrupt:
        return Corrupt(kind, "json", content.encode(), (), (WHOLE,), says)

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
    yield bad_document("a torn document", f"[{record(1)},{record(2)}", "the file is not JSON")
    yield bad_document(
        "lines in place of a document", f"{record(1)}\n{record(2)}\n", "the file is not JSON: Extra data"
    )


def element(number: int) -> str:
    values = zip(COLUMNS, row(number), strict=True)
    return f"<row>{''.join(f'<{name}>{value}</{name}>' for name, value in values)}</row>"


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
    yield Corrupt("other elements", "xml", b"<rows><r><id>1</id></r></rows>", (), (None,), "expected elements row")


def avro_kinds() -> Iterator[Corrupt]:
    fields = [{"name": "id", "type": "int"}, *({"name": name, "type": "string"} for name in COLUMNS[1:])]
    file = BytesIO()
    records = [dict(zip(COLUMNS, (number, *row(number)[1:]), strict=True)) for number in range(1, 7)]
    fastavro.writer(file, {"type": "record", "name": "row", "fields": fields}, records, sync_interval=30)
    content = file.getvalue()
    sync = content[-16:]
    first = content.index(sync) + 16
    ends = [first]
    while (at := content.find(sync, ends[-1])) >= 0:
        ends.append(at + 16)
    assert len(ends) == 4  # three blocks of two rows
    rows = tuple(row(number) for number in range(1, 7))
    wrong_sync = bytearray(content)
    wrong_sync[ends[3] - 1] ^= 0xFF
    yield Corrupt("avro truncated", "avro", content[: ends[2] + 9], rows[:4], (None,), "it breaks off")
    yield Corrupt("a wrong sync mark", "avro", bytes(wrong_sync), rows[:4], (None,), "the mark at its end")
    yield Corrupt("an unknown codec", "avro", content.replace(b"null", b"nulf"), (), (None,), "its codec is nulf")
    yield Corrupt("no schema", "avro", content.replace(b"avro.schema", b"avro.schemo"), (), (None,), "it has no schema")
    yield Corrupt("not avro", "avro", csv(HEADER, line(1)), (), (None,), "the file is not Avro")


def fixed_kinds() -> Iterator[Corrupt]:
    def fixed(number: int) -> str:
        return "".join(str(value).ljust(width) for value, width in zip(row(number), WIDTHS, strict=True))

    def bad_line(kind: str, wrong: bytes, says: str) -> Corrupt:
        content = csv(fixed(1), fixed(2), wrong, fixed(4))
        return Corrupt(kind, "fixed", content, GOOD, (shown(wrong),), says)

    yield bad_line("a line too short", fixed(3).encode()[:-4], "expected 32 characters, found 28")
    yield bad_line("a line too long", fixed(3).encode() + b" ", "expected 32 characters, found 33")
    yield bad_line("fixed torn utf-8", fixed(3).encode().replace(b"name", b"nam\xc3"), "not UTF-8 at byte 8")


def parquet_kinds() -> Iterator[Corrupt]:
    sink = BytesIO()
    pq.write_table(pa.table({name: [row(1)[at]] for at, name in enumerate(COLUMNS)}), sink)
    content = sink.getvalue()
    says = "the file is not Parquet"
    yield Corrupt("parquet truncated", "parquet", content[: len(content) // 2], (), (None,), says, typed=True)
    broken_footer = content[:-40] + b"\xff" * 32 + content[-8:]
    yield Corrupt("a broken footer", "parquet", broken_footer, (), (None,), says, typed=True)
    yield Corrupt("a wrong magic number", "parquet", content[:-4] + b"PAR9", (), (None,), says, typed=True)
    broken_page = content[:4] + b"\xff" * 40 + content[44:]
    yield Corrupt("a broken page", "parquet", broken_page, (), (None,), "the file is damaged", typed=True)
    yield Corrupt("parquet of zero bytes", "parquet", b"", (), (None,), says, typed=True)


KINDS: tuple[Corrupt, ...] = tuple(
    each for kinds in (csv_kinds, json_kinds, xml_kinds, avro_kinds, fixed_kinds, parquet_kinds) for each in kinds()
)


def source_of(format: str) -> Source:
    types = ("int", "string", "decimal(10,2)", "date")
    widths = WIDTHS if format == "fixed" else (None,) * 4
    return Source(
        name=f"broken_{format}",
        doc="Files with something wrong.",
        path=f"{format}/*",
        format=format,  # type: ignore[arg-type]
        key=("id",),
        columns={name: Field(t, width=w) for name, t, w in zip(COLUMNS, types, widths, strict=True)},
        options={"row": "row"} if format == "xml" else {},
    )


def outcome(corrupt: Corrupt, good: list[Row], refused: list[tuple[str | None, str]]) -> Outcome:
    """The ledger beside what was found: the rows of the file, and its refused records with their reasons."""
    expected, found = Counter(corrupt.good), Counter(good)
    told = Outcome(corrupt.kind, (expected - found).total(), (found - expected).total())
    raw = corrupt.raw
    if raw == Counter({"*": 1}):  # the text is there, from where it was refused on
        raw = Counter(each for each, _ in refused if each and each in shown(corrupt.content))
    if raw != Counter(each for each, _ in refused):
        told.unflagged.append(f"expected {list(raw)}, found {[each for each, _ in refused]}"[:500])
    told.unflagged += [f"expected {corrupt.says!r}, found {why!r}" for _, why in refused if corrupt.says not in why]
    return told


def land_all_kinds(lake: Lakehouse) -> list[Outcome]:
    """Every kind in one landing folder, beside a sound file of each format that must land whole."""
    landing = Path(lake.settings.landing_dir)
    for number, corrupt in enumerate(KINDS):
        path = landing / corrupt.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(corrupt.content)
        os.utime(path, (1_719_800_000 + number, 1_719_800_000 + number))
    sources = [source_of(format) for format in dict.fromkeys(corrupt.format for corrupt in KINDS)]
    failed: list[str] = []
    ingest(lake, sources, on_landed=lambda landed: failed.append(landed.error) if landed.error else None)
    assert not failed, failed
    noted = {each.file for each in lake.read(FILES).collect()}
    good: dict[str, list[Row]] = {}
    for source in sources:
        for each in lake.read(source.table).select("_file", *COLUMNS).collect():
            good.setdefault(each._file, []).append(tuple(None if v is None else str(v) for v in each[1:]))
    refused: dict[str, list[tuple[str | None, str]]] = {}
    for each in lake.read(QUARANTINE).collect():
        refused.setdefault(each.file, []).append((each.raw, "; ".join(each.reasons)))
    outcomes = [outcome(each, good.get(each.file, []), refused.get(each.file, [])) for each in KINDS]
    for corrupt, told in zip(KINDS, outcomes, strict=True):
        if corrupt.file not in noted:
            told.unflagged.append("bronze.files does not know it")
    return outcomes


def main() -> None:
    with small_session("corrupt") as (spark, folder):
        outcomes = land_all_kinds(Lakehouse(spark, Settings(home=folder)))
    finish(kinds_of_corrupt_input=tally_of(outcomes))


if __name__ == "__main__":
    main()
