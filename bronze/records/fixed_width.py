"""Lines whose columns have their width in characters, one after the other, padded with spaces."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from bronze.records.content import blocks, not_in_encoding, shown
from bronze.records.layout import RAW_LIMIT, Layout, Refusal, joined, refused
from bronze.records.nested import texts_batch

Line = tuple[int, str, None]


def read_fixed_width(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    width = sum(layout.widths)
    first_line = 1
    for block in blocks(path, layout):
        good: list[Line] = []
        bad: list[Refusal] = []
        for number, raw in enumerate(block.split(b"\n"), first_line):
            raw = raw.removesuffix(b"\r")
            if not raw:
                continue
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                bad.append((number, shown(raw)[:RAW_LIMIT], not_in_encoding(error, layout)))
                continue
            if len(line) == width:
                good.append((number, line, None))
            else:
                bad.append((number, line[:RAW_LIMIT], f"expected {width} characters, found {len(line)}"))
        yield joined(cut(good, layout), refused(bad, layout))
        first_line += block.count(b"\n")


def cut(lines: Sequence[Line], layout: Layout) -> pa.RecordBatch:
    """Each column's characters, without the spaces around them; null where nothing else is there."""
    whole = pa.array([line for _, line, _ in lines], pa.string())
    nulls = pa.array(["", *([layout.options["null"]] if "null" in layout.options else [])])
    texts, start = [], 0
    for width in layout.widths:
        text = pc.utf8_trim(pc.utf8_slice_codeunits(whole, start, start + width), " ")
        texts.append(pc.if_else(pc.is_in(text, nulls), None, text))
        start += width
    return texts_batch(lines, texts, [None] * len(lines), layout)
