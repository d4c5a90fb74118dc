"""Small files of lines, read as one: for each by itself it takes as long to begin as for a thousand lines."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bronze.records.content import blocks
from bronze.records.delimited import assembled, csv_header, csv_table, has_header
from bronze.records.json_text import records_in_lines
from bronze.records.layout import Layout, Refusal, UnreadableError, refused
from bronze.records.nested import nested_batch
from bronze.records.unnested import way_of

SMALL = 64 << 10  # bytes of a file


class Lines(NamedTuple):
    """The lines of a file below its header, if it has one."""

    header: bytes
    text: bytes


class Joined(NamedTuple):
    """Records of some files, and how many each has, in the order of the files."""

    records: pa.RecordBatch
    counts: Sequence[int]


def may_be_joined(layout: Layout) -> bool:
    """Whether a line of a file means the same below those of another, and what it said need not be kept."""
    if layout.keeps_raw or way_of(layout):
        return False
    return layout.format == "jsonl" or (layout.format == "csv" and layout.options.get("multiline") != "true")


def lines_of(path: str, layout: Layout) -> Lines | None:
    """The lines of a small file. None of any other, of one of CSV that has an empty line before its last record, nor of
    one that cannot be read: who reads it by itself tells why."""
    content = b""
    try:
        for block in blocks(path, layout):
            content += block
            if len(content) > SMALL:
                return None
    except (OSError, UnreadableError):
        return None
    if layout.format == "jsonl":
        return Lines(b"", content)
    lines = content.replace(b"\r\n", b"\n").rstrip(b"\n")
    if lines.startswith(b"\n") or b"\n\n" in lines or b"\r" in lines:
        return None
    header, _, text = lines.partition(b"\n") if has_header(layout) else (b"", b"", lines)
    return Lines(header, text) if text else None


def read_joined(files: Sequence[Lines], layout: Layout) -> list[Joined] | None:
    """The good records of files of one header, and the refused; None where they have to be read apart, since one holds
    what may not be told from the next."""
    return (joined_json if layout.format == "jsonl" else joined_csv)(files, layout)


def joined_csv(files: Sequence[Lines], layout: Layout) -> list[Joined] | None:
    try:
        header = csv_header(files[0].header, layout) if has_header(layout) else list(layout.columns)
    except UnreadableError:
        return None
    text = b"\n".join(each.text for each in files)
    counts = [each.text.count(b"\n") + 1 for each in files]
    table, ragged = csv_table(text, sum(counts), header, layout)
    if table is None:
        return None
    first = 2 if has_header(layout) else 1
    places = np.concatenate([np.arange(first, first + count) for count in counts])
    of_file = np.repeat(np.arange(len(files)), counts)
    is_good = np.ones(len(places), bool)
    is_good[[*ragged]] = False
    columns = dict(zip(header, table.columns, strict=True))
    good = assembled(columns, pa.array(places[is_good]), pa.nulls(table.num_rows, pa.string()), layout)
    lines = text.split(b"\n") if ragged else []
    bad: list[Refusal] = [(int(places[at]), lines[at].decode(), why) for at, why in ragged.items()]
    return [
        Joined(records, np.bincount(of_file[which], minlength=len(files)).tolist())
        for records, which in ((good, is_good), (refused(bad, layout), [*ragged]))
    ]


def joined_json(files: Sequence[Lines], layout: Layout) -> list[Joined]:
    of_files = [records_in_lines(each.text, 1, layout) for each in files]
    good = [record for found, _ in of_files for record in found]
    bad = [refusal for _, refusals in of_files for refusal in refusals]
    return [
        Joined(nested_batch(good, layout), [len(found) for found, _ in of_files]),
        Joined(refused(bad, layout), [len(refusals) for _, refusals in of_files]),
    ]
