"""Nested records, whatever their format, as columns: each value at its path, what no column declares as JSON."""

import json
from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import types as T

from bronze.records.layout import Layout
from lakehouse.types import data_type

Record = tuple[int, str, dict[str, Any]]  # position, raw text, what it holds


class Number(str):
    """A JSON number, as it was written: 1.10 stays 1.10, and no digit is lost."""


TEXT = "#text"


class Attributed(dict[str, Any]):
    """An XML element of attributes and text: as a value it is its text, and the attributes stay."""


def nested_batch(records: Sequence[Record], layout: Layout) -> pa.RecordBatch:
    """Records as texts of the declared columns. Takes the values out of the records."""
    columns: list[list[str | None]] = [[] for _ in layout.columns]
    rescued = []
    paths = [path.split(".") for path in layout.columns.values()]
    types = [data_type(layout.nested[name]) if name in layout.nested else None for name in layout.columns]
    for _, _, record in records:
        for column, path, type_ in zip(columns, paths, types, strict=True):
            column.append(text_of(taken(record, path, type_)))
        rest = without_empty(record)
        rescued.append(to_json(rest) if rest else None)
    texts = [pa.array(column, pa.string()) for column in columns]
    return texts_batch(records, texts, rescued, layout)


def texts_batch(
    records: Sequence[tuple[int, str, Any]], texts: list[pa.Array], rescued: list[str | None], layout: Layout
) -> pa.RecordBatch:
    arrays = [
        *texts,
        pa.array(rescued, pa.string()),
        pa.array([number for number, _, _ in records], pa.int64()),
        pa.array([raw for _, raw, _ in records], pa.string()),
        pa.nulls(len(records), pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=layout.schema)


def taken(record: dict[str, Any], path: list[str], type_: T.DataType | None = None) -> Any:
    """The value at the path, taken out of the record: what stays is what no column declares."""
    for name in path[:-1]:
        inner = record.get(name)
        if not isinstance(inner, dict):
            return None
        record = inner
    value = record.pop(path[-1], None)
    if isinstance(value, Attributed):
        value, record[path[-1]] = value.pop(TEXT, None), value
    if type_ is None:
        return value
    value, undeclared = parted(value, type_)
    if undeclared is not None:
        record[path[-1]] = undeclared
    return value


def parted(value: Any, type_: T.DataType) -> tuple[Any, Any]:
    """What a value holds that its type declares, and the rest of it.

    >>> parted({"sku": "a", "till": "7"}, data_type("struct<sku:string>"))
    ({'sku': 'a'}, {'till': '7'})
    """
    if isinstance(type_, T.StructType) and isinstance(value, dict):
        types = {field.name: field.dataType for field in type_.fields}
        declared = {name: parted(each, types[name]) for name, each in value.items() if name in types}
        rest = {name: each for name, each in value.items() if name not in types}
        rest |= {name: undeclared for name, (_, undeclared) in declared.items() if undeclared is not None}
        return {name: each for name, (each, _) in declared.items()}, rest or None
    if isinstance(type_, T.ArrayType) and isinstance(value, list):
        parts = [parted(each, type_.elementType) for each in value]
        has_rest = any(undeclared is not None for _, undeclared in parts)
        return [each for each, _ in parts], [undeclared for _, undeclared in parts] if has_rest else None
    if isinstance(type_, T.MapType) and isinstance(value, dict):
        of_names = {name: parted(each, type_.valueType) for name, each in value.items()}
        rest = {name: undeclared for name, (_, undeclared) in of_names.items() if undeclared is not None}
        return {name: each for name, (each, _) in of_names.items()}, rest or None
    return value, None


def without_empty(record: dict[str, Any]) -> dict[str, Any]:
    """What is left of a record, less the objects that everything was taken out of."""
    rest = {name: without_empty(value) if isinstance(value, dict) else value for name, value in record.items()}
    return {name: value for name, value in rest.items() if value != {}}


def has_half_a_character(text: str) -> bool:
    """Whether the text holds one of two surrogates without the other: no UTF-8 can write it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def text_of(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return str(value) if value is not None else None
    return to_json(value)


def to_json(value: Any) -> str:
    """JSON with each number as it was written.

    >>> to_json({"price": Number("1.10"), "tags": ["a", None, True]})
    '{"price":1.10,"tags":["a",null,true]}'
    """
    try:
        return orjson.dumps(value, default=as_written, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()
    except TypeError:  # half a character, or nested more deeply than it takes
        return spelled_out(value)


def as_written(value: Any) -> Any:
    """What is no plain value to orjson."""
    return orjson.Fragment(str(value)) if isinstance(value, Number) else dict(value)


def spelled_out(value: Any) -> str:
    """The same in fifty times the time, also of halves of characters and of what is nested deeper than 254."""
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(n, ensure_ascii=False)}:{spelled_out(v)}" for n, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(spelled_out(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)
