"""How sample files are laid out: their format, and the options by which most of their records can be told apart."""

import codecs
import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from xml.parsers import expat

from bronze.landing import Found
from bronze.records.content import pieces
from bronze.records.layout import UnreadableError
from bronze.source import Format
from lakehouse.tables import ContractError

HEAD = 1 << 20  # bytes of a file that are looked at
RECORDS = 2_000  # lines of a file
LINES_OF_A_VALUE = 50  # more come of a quote that is no quote
LONG_LINE = 200
SEPARATORS = ";\t|,"
MOST = 0.8  # of the records: the others may be broken


@dataclass(frozen=True)
class Laid:
    """`names` are those of a header, or made up where columns have none; `widths` are of fixed-width columns."""

    format: Format
    options: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()


def laid_out(files: Sequence[Found]) -> Laid:
    heads = [head for each in files if (head := head_of(each.path))]
    if not heads:
        raise ContractError("Cannot sketch a source of files that hold nothing. Give at least one with records.")
    if all(head.startswith(b"PAR1") for head in heads):
        return Laid("parquet")
    if all(head.startswith(b"Obj\x01") for head in heads):
        return Laid("avro")
    encoding = encoding_of(heads)
    texts = [text_of(head, encoding) for head in heads]
    options = {} if encoding == "utf-8" else {"encoding": encoding}
    starts = Counter(text.lstrip()[:1] for text in texts)
    if starts["<"] > len(texts) / 2:
        return Laid("xml", {"row": row_of(texts)})
    if starts["{"] + starts["["] > len(texts) / 2:
        return json_layout(files, texts, options)
    return lines_layout(texts, options)


def head_of(path: str) -> bytes:
    head = b""
    try:
        for piece in pieces(path):
            head += piece
            if len(head) >= HEAD:
                break
    except UnreadableError:  # it breaks off: what it has before that
        pass
    return head[:HEAD]


# Encodings


def encoding_of(heads: Sequence[bytes]) -> str:
    for mark, name in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if heads[0].startswith(mark):
            return name
    odd, even = heads[0][1:200:2], heads[0][0:200:2]
    if odd.count(0) > len(odd) * 0.7:
        return "utf-16-le"
    if even.count(0) > len(even) * 0.7:
        return "utf-16-be"
    special = [line for head in heads for line in head.split(b"\n") if not line.isascii()]
    if sum(spells(line, "utf-8") for line in special) >= len(special) * MOST:
        return "utf-8"
    return "cp1252" if all(spells(line, "cp1252") for line in special) else "latin-1"


def spells(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def text_of(head: bytes, encoding: str) -> str:
    """Without what the end of the head may have cut off."""
    text = head.decode(encoding, "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    end = text.rfind("\n") + 1
    return text[:end] if end and len(head) == HEAD else text


# Lines: delimited, or of fixed width


@dataclass(frozen=True)
class Dialect:
    """How lines may be delimited, and what that makes of them: `fit` is the share of records with `width` fields."""

    sep: str
    quote: str
    escape: str
    fit: float
    width: int
    records: tuple[tuple[list[str], ...], ...]  # of each file
    is_multiline: bool


def lines_layout(texts: Sequence[str], options: dict[str, str]) -> Laid:
    lines = [line for text in texts for line in text.split("\n") if line.strip("\r")]
    length, of_length = Counter(map(len, lines)).most_common(1)[0]
    is_even = of_length >= max(MOST * len(lines), 1) and length >= 8
    dialect = best_dialect(texts)
    is_padded = sum("  " in line for line in lines) > len(lines) / 2
    if is_even and (dialect is None or (is_padded and dialect.width < 4)):
        return fixed_layout([line for line in lines if len(line) == length], options)
    if dialect is None:
        if max(map(len, lines[:RECORDS])) < LONG_LINE:  # one column
            dialect = tried(texts, ",", '"', "")
        else:
            raise ContractError(
                "Cannot tell how these files are laid out: expected CSV, JSON, XML, Avro, Parquet or lines of one "
                f"width, found {lines[0][:100]!r}."
            )
    return csv_layout(dialect, options)


def best_dialect(texts: Sequence[str]) -> Dialect | None:
    """The delimiter and quote by which the most records are as wide as the others of their file; of equals, more
    columns."""
    found = []
    for sep in SEPARATORS:
        if not any(sep in text for text in texts):
            continue
        quotes = [('"', ""), ("", "")] if any('"' in text for text in texts) else [('"', "")]
        if any('\\"' in text for text in texts):
            quotes.insert(1, ('"', "\\"))
        if any(re.search(rf"(^|{re.escape(sep)})'[^']*'({re.escape(sep)}|$)", text) for text in texts):
            quotes.append(("'", ""))
        found += [tried(texts, sep, quote, escape) for quote, escape in quotes]
    fitting = [each for each in found if each.width > 1 and each.fit >= MOST]
    return max(fitting, key=rank, default=None)


def rank(dialect: Dialect) -> tuple[float, int, bool, bool, bool]:
    return round(dialect.fit, 2), dialect.width, not dialect.is_multiline, dialect.quote == '"', not dialect.escape


def tried(texts: Sequence[str], sep: str, quote: str, escape: str) -> Dialect:
    """What a delimiter makes of the files. A later file may have another width than an earlier one."""
    dialect = Dialect(sep, quote, escape, 0.0, 0, (), False)
    records = [records_of(text, dialect) for text in texts]
    fitting = total = 0
    all_widths: Counter[int] = Counter()
    for text, of_file in zip(texts, records, strict=True):
        widths = Counter(map(len, of_file))
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        fitting += count if width > 1 else 0
        in_lines = sum(value.count("\n") for record in of_file for value in record)
        lines = sum(bool(line.strip()) for line in islice(text.split("\n"), RECORDS))
        total += max(len(of_file), lines - in_lines)
        all_widths.update(widths)
    longest = max((value.count("\n") for of_file in records for record in of_file for value in record), default=0)
    fit = fitting / max(total, 1) if longest <= LINES_OF_A_VALUE else 0.0
    width = all_widths.most_common(1)[0][0] if all_widths else 0
    return replace(dialect, fit=fit, width=width, records=tuple(map(tuple, records)), is_multiline=longest > 0)


def records_of(text: str, dialect: Dialect) -> list[list[str]]:
    reader = csv.reader(
        iter([f"{line}\n" for line in islice(text.split("\n"), RECORDS)]),
        delimiter=dialect.sep,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        strict=bool(dialect.quote),
    )
    found: list[list[str]] = []
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return found
        except csv.Error:
            continue
        if record:
            found.append(record)


def csv_layout(dialect: Dialect, options: dict[str, str]) -> Laid:
    options = {
        **({"sep": dialect.sep} if dialect.sep != "," else {}),
        **({"quote": dialect.quote} if dialect.quote != '"' else {}),
        **({"escape": dialect.escape} if dialect.escape else {}),
        **({"multiline": "true"} if dialect.is_multiline else {}),
        **options,
    }
    files = [records for records in dialect.records if records]
    if sum(is_header(records) for records in files) < len(files) / 2:
        names = tuple(f"column_{n}" for n in range(1, dialect.width + 1))
        remark = "the first line is no header: the columns are named by their place, in the order of the file"
        return Laid("csv", {**options, "header": "false"}, names, remarks=(remark,))
    names = tuple(dict.fromkeys(name.strip() for records in files if is_header(records) for name in records[0]))
    return Laid("csv", options, tuple(name for name in names if name))


def is_header(records: Sequence[Sequence[str]]) -> bool:
    """Names are there, each once, are no numbers, dates or addresses, and are not among the values below them."""
    first = [name.strip() for name in records[0]]
    if not all(first) or len(set(first)) < len(first):
        return False
    if any(re.fullmatch(r"[-+\d.,:/ ]+|[^@\s]+@[^@\s]+", name) for name in first):
        return False
    rest = [[value.strip() for value in record] for record in records[1:] if len(record) == len(first)]
    return not any(
        value == name for record in rest if record != first for name, value in zip(first, record, strict=True)
    )


def fixed_layout(lines: Sequence[str], options: dict[str, str]) -> Laid:
    """Columns end where, after a place that is blank in all lines, something begins; or where what all lines have at a
    place changes from digits to other letters."""
    kinds = [kind_of({line[at] for line in lines}) for at in range(len(lines[0]))]
    starts = [0]
    for at in range(1, len(kinds)):
        before, here = kinds[at - 1], kinds[at]
        after_blank = before == " " and here != " "
        if after_blank or {before, here} == {"9", "A"}:
            starts.append(at)
    widths = [end - start for start, end in zip(starts, [*starts[1:], len(kinds)], strict=True)]
    names = tuple(f"column_{n}" for n in range(1, len(widths) + 1))
    remark = "where a column of fixed width ends was guessed from the sample: set the widths from the system's own list"
    return Laid("fixed", options, names, tuple(widths), (remark,))


def kind_of(characters: set[str]) -> str:
    if characters == {" "}:
        return " "
    if all(each.isdigit() for each in characters):
        return "9"
    return "A" if all(each.isalpha() for each in characters) else "?"


# JSON


def json_layout(files: Sequence[Found], texts: Sequence[str], options: dict[str, str]) -> Laid:
    names = [each.file.removesuffix(".gz") for each in files]
    of_lines = [parsed(line) for text in texts for line in islice(text.split("\n"), RECORDS) if line.strip()]
    lines_fit = sum(isinstance(each, dict) for each in of_lines) >= MOST * len(of_lines)
    is_lines = lines_fit and (len(of_lines) > len(texts) or not all(name.endswith(".json") for name in names))
    if is_lines:
        return Laid("jsonl", options)
    encoding = options.get("encoding", "utf-8")
    documents = [
        parsed(b"".join(pieces(each.path)).decode(encoding, "replace").removeprefix("\ufeff")) for each in files
    ]
    whole = [found for found in documents if isinstance(found, dict)]
    arrays: Counter[str] = Counter()
    for document in whole:
        for path, count in arrays_of_objects(document):
            arrays[path] += count
    if arrays:
        path, _ = arrays.most_common(1)[0]
        return Laid("json", {"records": path, **options})
    return Laid("json", options)


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def arrays_of_objects(document: dict[str, Any], above: str = "") -> Iterator[tuple[str, int]]:
    for name, value in document.items():
        if isinstance(value, dict) and "." not in name:
            yield from arrays_of_objects(value, f"{above}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict) and "." not in name:
            yield f"{above}{name}", len(value)


# XML


class EnoughError(Exception):
    pass


def row_of(texts: Sequence[str]) -> str:
    """The element that comes again and again: nearest to the root, and the most often there."""
    seen: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        count_elements(text, seen)
    deepest = max((len(way) for way in seen), default=0)
    for depth in range(2, deepest + 1):
        here = {way: count for way, count in seen.items() if len(way) == depth}
        way, count = max(here.items(), key=lambda each: each[1])
        if count > len(texts) or len(here) > 1 or depth == deepest:
            return way[-1]
        inner = [below for below in seen if below[:depth] == way and len(below) == depth + 1]
        if len(inner) != 1:
            return way[-1]
    raise ContractError("Cannot sketch a source of XML without elements within its root.")


def count_elements(text: str, seen: Counter[tuple[str, ...]]) -> None:
    way: list[str] = []
    parser = expat.ParserCreate()

    def start(name: str, _: Any) -> None:
        way.append(name)
        seen[tuple(way)] += 1

    def refuse(*_: Any) -> None:
        raise EnoughError

    parser.StartElementHandler, parser.EndElementHandler = start, lambda _: way.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(re.sub(r"^\s*<\?xml.*?\?>", "", text, flags=re.DOTALL), False)
    except (expat.ExpatError, EnoughError):  # what was counted before it counts
        return
