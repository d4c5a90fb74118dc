"""XML as a stream: one record for each element of the name that the option `row` says, whatever stands around it.

An attribute is at `name.@attribute`, an inner element at `name.inner`. What is not well formed ends the file; a
document type is refused, since its entities can make gigabytes of a few bytes.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

import pyarrow as pa
from pyspark.sql import types as T

from bronze.records.content import pieces, shown
from bronze.records.layout import RAW_LIMIT, Layout, Refusal, UnreadableError, joined, refused
from bronze.records.nested import TEXT, Attributed, Number, Record, nested_batch
from lakehouse.types import data_type

STEP = 1 << 20  # bytes that are parsed at once
DEEPEST = 100  # elements within each other in one record
LARGEST = 64 << 20  # bytes of one record
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
SAYS_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']""")
OF_XML = ("xmlns", "xml:", "xsi:")  # so begin attributes that tell of the document
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def read_xml(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    rows = Rows(layout)
    try:
        for piece in in_utf8(path, layout):
            for start in range(0, len(piece), STEP):
                rows.parse(piece[start : start + STEP])
                yield rows.batch()
        rows.parse(b"", is_last=True)
    except expat.ExpatError as error:
        yield rows.batch()
        what = f"the file is not XML at line {error.lineno}, column {error.offset + 1}: {expat.ErrorString(error.code)}"
        raise UnreadableError(what, rows.rest()) from error
    except UnreadableError as error:
        yield rows.batch()
        raise UnreadableError(str(error), rows.rest() or error.rest) from error
    if rows.number == 0 and rows.others:
        raise UnreadableError(f"expected elements {layout.options['row']}, found {', '.join(sorted(rows.others))}")
    for holds, raw in (("text", rows.around), ("attributes alone", rows.attributes)):
        if rows.number == 0 and raw:
            what = f"expected elements {layout.options['row']}, found {rows.root} that holds {holds}"
            raise UnreadableError(what, raw)


class Rows:
    """The records that have been parsed, and the bytes from which the open one began."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.row = layout, layout.options["row"]
        self.number = 0
        self.root = ""
        self.attributes = ""  # of the root, its beginning, without those that tell of the document
        self.around = ""  # text before the first row, its beginning
        self.others: set[str] = set()  # names of elements within it and around the rows, the first few
        self.good: list[Record] = []
        self.bad: list[Refusal] = []
        self.open: list[dict[str, Any]] = []  # the element of the row and those within it that are open
        self.depth = 0
        self.deepest = 0
        self.begin = 0
        self.kept, self.offset = b"", 0  # bytes from this offset on
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text, parser.buffer_size = True, STEP
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.StartDoctypeDeclHandler = self.refuse_document_type

    def parse(self, content: bytes, *, is_last: bool = False) -> None:
        self.kept += content
        self.parser.Parse(content, is_last)
        begin = self.begin - self.offset if self.open else max(self.kept.rfind(b"<"), 0)
        self.kept, self.offset = self.kept[begin:], self.offset + begin
        if len(self.kept) > LARGEST:
            raise UnreadableError(f"a record is larger than {LARGEST} bytes")

    def refuse_document_type(self, name: str, *_: Any) -> None:
        line = self.parser.CurrentLineNumber
        raise UnreadableError(f"line {line} declares a document type, which may hold entities: <!DOCTYPE {name}")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.open and name != self.row:
            if not self.root:
                said = (f'{each}="{value}"' for each, value in attributes.items() if not each.startswith(OF_XML))
                self.root, self.attributes = name, " ".join(said)[:1000]
            elif len(self.others) < 10:
                self.others.add(name)
            return
        if not self.open:
            self.begin, self.deepest = self.parser.CurrentByteIndex, 0
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        if self.depth <= DEEPEST:
            self.open.append({f"@{each}": value for each, value in attributes.items()})

    def text(self, text: str) -> None:
        if self.open:
            self.open[-1].setdefault(TEXT, []).append(text)
        elif self.number == 0 and len(self.around) < 1000:
            self.around = (self.around + text).lstrip()[:1000]

    def end(self, name: str) -> None:
        if not self.open:
            return
        self.depth -= 1
        if self.depth >= DEEPEST:
            return
        element = self.open.pop()
        if self.open:
            add(self.open[-1], name, value_of(element))
            return
        self.number += 1
        raw = self.kept[self.begin - self.offset : self.end_of_tag()].decode()
        record = value_of(element)
        why = None
        if self.deepest > DEEPEST:
            why = f"elements are more than {DEEPEST} deep within each other"
        else:
            record, why = as_declared(record if isinstance(record, dict) else text_alone(record), self.layout)
        if why:
            self.bad.append((self.number, raw[:RAW_LIMIT], why))
        else:
            self.good.append((self.number, raw, record))

    def end_of_tag(self) -> int:
        """Where the tag ends that closes the row. Of an empty element, the parser is past it already."""
        at = self.parser.CurrentByteIndex - self.offset
        closing = f"</{self.row}".encode()
        after = self.kept[at + len(closing) : at + len(closing) + 1]
        is_closing = self.kept.startswith(closing, at) and after in b"> \t\r\n"
        return self.kept.index(b">", at) + 1 if is_closing else at

    def batch(self) -> pa.RecordBatch:
        """What has been parsed since the last batch."""
        good, bad, self.good, self.bad = self.good, self.bad, [], []
        return joined(nested_batch(good, self.layout), refused(bad, self.layout))

    def rest(self) -> str | None:
        """The text of the open record, or from where the file is broken on."""
        at = self.begin if self.open else self.parser.CurrentByteIndex
        return shown(self.kept[max(at - self.offset, 0) :][:RAW_LIMIT]) or None


def add(element: dict[str, Any], name: str, value: Any) -> None:
    """An inner element; those of one name become a list."""
    if name not in element:
        element[name] = value
    elif isinstance(element[name], list):
        element[name].append(value)
    else:
        element[name] = [element[name], value]


def value_of(element: dict[str, Any]) -> Any:
    """An element with nothing but text is that text; null where it is empty."""
    text = "".join(element.pop(TEXT, ())).strip()
    if not element:
        return text or None
    return {**element, TEXT: text} if text else element


def text_alone(text: str | None) -> dict[str, Any]:
    return {TEXT: text} if text else {}


def as_declared(record: dict[str, Any], layout: Layout) -> tuple[dict[str, Any], str | None]:
    """The record with each declared value where its path looks for it, and why it is refused."""
    for name, path in layout.columns.items():
        *way, last = path.split(".")
        inner: Any = record
        for step in way:
            inner = inner.get(step) if isinstance(inner, dict) else None
            if isinstance(inner, list):
                return record, f"{name}: expected one element {step}, found {len(inner)}"
        if not isinstance(inner, dict) or last not in inner:
            continue
        value = inner[last]
        if name in layout.nested:
            inner[last] = spelled(value, data_type(layout.nested[name]))
        elif isinstance(value, list):
            return record, f"{name}: expected one element {last}, found {len(value)}"
        elif isinstance(value, dict) and all(each == TEXT or each.startswith("@") for each in value):
            inner[last] = Attributed(value)
    return record, None


def spelled(value: Any, type_: T.DataType) -> Any:
    """A value as JSON has it: one element as a list of one, numbers without quotes, attributes by their name."""
    if isinstance(type_, T.ArrayType):
        return [spelled(each, type_.elementType) for each in (value if isinstance(value, list) else [value])]
    if isinstance(type_, T.StructType) and isinstance(value, dict):
        types = {field.name: field.dataType for field in type_.fields}
        plain = {each: each.removeprefix("@") for each in value}
        names = {each: name if name not in value else each for each, name in plain.items()}
        return {names[each]: spelled(v, types.get(names[each], T.StringType())) for each, v in value.items()}
    if isinstance(type_, T.MapType) and isinstance(value, dict):
        return {each: spelled(v, type_.valueType) for each, v in value.items()}
    if isinstance(type_, T.NumericType) and isinstance(value, str) and NUMBER.fullmatch(value):
        return Number(value)
    if isinstance(type_, T.BooleanType) and value in ("true", "false"):
        return value == "true"
    return value


# Encodings


def in_utf8(path: str, layout: Layout) -> Iterator[bytes]:
    """The content in UTF-8. A byte that is not of the encoding becomes one that is not UTF-8, and so not XML."""
    decoder: codecs.IncrementalDecoder | None = None
    head = b""
    try:
        for piece in pieces(path):
            if decoder is None:
                head += piece
                if len(head) < 1024:
                    continue
                decoder, piece = decoder_of(head, layout), head
            yield recoded(decoder, piece)
    except UnreadableError:
        if decoder is None and head:
            yield recoded(decoder_of(head, layout), head)
        raise
    if decoder is None:
        decoder = decoder_of(head, layout)
        yield recoded(decoder, head)
    yield recoded(decoder, b"", is_last=True)


def decoder_of(head: bytes, layout: Layout) -> codecs.IncrementalDecoder:
    encoding = layout.options.get("encoding") or encoding_of(head)
    return codecs.getincrementaldecoder(encoding)("surrogateescape")


def recoded(decoder: codecs.IncrementalDecoder, content: bytes, *, is_last: bool = False) -> bytes:
    try:
        return decoder.decode(content, is_last).encode("utf-8", "surrogatepass")
    except UnicodeError as error:
        raise UnreadableError(f"the file is not in its encoding: {error}") from error


def encoding_of(head: bytes) -> str:
    """What the first bytes say that the file is in; UTF-8 where they say nothing."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    said = SAYS_ENCODING.match(head)
    name = said[1].decode("ascii", "backslashreplace") if said else "utf-8"
    try:
        "".encode(name)  # LookupError for what is no encoding of text, too
        codecs.getincrementaldecoder(name)("surrogateescape").decode(b"<")  # no names of hosts, such as idna
    except (LookupError, ValueError) as error:
        raise UnreadableError(f"the file says that it is in {name}, which is no encoding", shown(head)) from error
    if codecs.lookup(name).name.startswith(("utf-16", "utf-32")):
        raise UnreadableError(f"the file says that it is in {name}, and is not", shown(head))
    return name
