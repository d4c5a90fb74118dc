"""Columns of plainly spelled texts, typed by Arrow many at a time, as `bronze.values` has Spark type them.

It is the quick way, and never another: a column of which any text is not plainly spelled is left to Spark whole.
"""

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from bronze.source import Field

WHOLE = {"tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32(), "bigint": pa.int64()}
OTHERS = {
    "string": pa.string(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_type(f: Field) -> pa.DataType | None:
    """The type of the column in Arrow; None where only Spark knows how it is spelled."""
    if f.pattern or f.truth or f.thousands or f.decimal != ".":
        return None
    if digits := re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", f.type):
        return pa.decimal128(int(digits[1]), int(digits[2]))
    return WHOLE.get(f.type) or OTHERS.get(f.type)


def typed(texts: pa.Array, type_: pa.DataType) -> pa.Array | None:
    """The values that the texts spell (a timestamp as its zone's own clock says); None where any is not plain."""
    if type_ == pa.string():
        return texts
    try:
        if pa.types.is_timestamp(type_):
            return moments(texts, type_)
        values = texts.cast(type_)
    except pa.ArrowInvalid:
        return None
    return values if IS_PLAIN.get(type_, always)(texts, values) else None


def moments(texts: pa.Array, type_: pa.DataType) -> pa.Array | None:
    """Of 19 characters: 2024-07-01 09:30:00. Arrow would also read shorter ones, and a time zone after them."""
    lengths = pc.min_max(pc.binary_length(texts)).as_py()
    if lengths["min"] not in (19, None) or lengths["max"] not in (19, None):
        return None
    return texts.cast(pa.timestamp("us")).cast(type_)


def always(texts: pa.Array, values: pa.Array) -> bool:
    return True


def is_not_hexadecimal(texts: pa.Array, values: pa.Array) -> bool:
    buffer = texts.buffers()[2]
    content = buffer.to_pybytes() if buffer else b""  # of all texts, which are searched at once
    if b"x" not in content and b"X" not in content:
        return True
    return not pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py()


def is_finite(texts: pa.Array, values: pa.Array) -> bool:
    return pc.all(pc.is_finite(values), min_count=0).as_py() is True


IS_PLAIN: dict[pa.DataType, Callable[[pa.Array, pa.Array], bool]] = {
    **dict.fromkeys(WHOLE.values(), is_not_hexadecimal),
    pa.float32(): is_finite,
    pa.float64(): is_finite,
}
