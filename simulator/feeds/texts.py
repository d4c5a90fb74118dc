"""Columns as texts: the parts of which the forms join their rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Columns = Mapping[str, pa.Array]


def plain(array: pa.Array) -> pa.Array:
    """A text of each value: numbers as they are, true and false, dates and UTC timestamps in ISO 8601."""
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_timestamp(array.type):
        unit = "s" if array.type.unit == "s" else "ms"
        text = array.cast(pa.timestamp(unit), safe=False).cast(pa.string())
        return joined([pc.replace_substring(text, " ", "T"), "Z"], "") if array.type.tz else text
    if pa.types.is_dictionary(array.type):
        return array.cast(pa.string())
    return array.cast(pa.string())


def joined(parts: Sequence[Any], separator: str) -> pa.Array:
    """Texts and arrays of texts as one array; null where a part is."""
    if separator:
        return pc.binary_join_element_wise(*parts, separator)
    fewer: list[Any] = []
    for part in parts:
        if fewer and isinstance(part, str) and isinstance(fewer[-1], str):
            fewer[-1] += part
        else:
            fewer.append(part)
    return pc.binary_join_element_wise(*fewer, "")


def suffixed(texts: pa.Array, suffix: str) -> pa.Array:
    return joined([texts, suffix], "")


def holds(texts: pa.Array, signs: bytes) -> bool:
    """Whether one of the signs is anywhere in the texts."""
    data = bytes(texts.buffers()[2] or b"") if len(texts) else b""
    return any(bytes([sign]) in data for sign in signs)


def recoded(text: bytes, encoding: str) -> bytes:
    """In the encoding of the file. What it cannot say is a question mark, as it is in such exports."""
    if encoding == "utf-8":
        return text
    return text.decode().encode("utf-16-le" if encoding == "utf-16" else encoding, "replace")


def nested(columns: Columns) -> dict[str, Any]:
    """Columns by the parts of their paths.

    >>> nested({"id": 1, "who.name": 2, "who.mail": 3})
    {'id': 1, 'who': {'name': 2, 'mail': 3}}
    """
    tree: dict[str, Any] = {}
    for path, array in columns.items():
        *way, name = path.split(".")
        here = tree
        for each in way:
            here = here.setdefault(each, {})
        here[name] = array
    return tree


def json_parts(tree: Mapping[str, Any], skip_null: bool) -> list[Any]:
    """Texts and arrays that, joined, are the objects."""
    parts: list[Any] = ["{"]
    for at, (name, value) in enumerate(tree.items()):
        if isinstance(value, dict):
            parts += [f'{"," if at else ""}"{name}":', *json_parts(value, skip_null)]
            continue
        is_left_out = skip_null and at and value.null_count
        label = f'{"," if at else ""}"{name}":'
        texts = json_texts(value)
        if is_left_out:
            parts.append(pc.fill_null(joined([label, texts], ""), ""))
        else:
            parts += [label, pc.fill_null(texts, "null")]
    return [*parts, "}"]


def json_texts(array: pa.Array) -> pa.Array:
    if pa.types.is_binary(array.type):
        return array.cast(pa.string())
    texts = plain(array)
    if not is_worded(array.type):
        return texts
    if holds(texts, b'"\\\n\t\r'):
        for sign, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
            texts = pc.replace_substring(texts, sign, escape)
    return joined(['"', texts, '"'], "")


def is_worded(kind: pa.DataType) -> bool:
    """Whether JSON quotes it."""
    return not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
                or pa.types.is_boolean(kind))  # fmt: skip


def xml_parts(name: str, tree: Mapping[str, Any]) -> list[Any]:
    """An element: attributes first, then what is in it. One without a value is left out."""
    attributes = {each: value for each, value in tree.items() if each.startswith("@")}
    parts: list[Any] = [f"<{name}"]
    for each, value in attributes.items():
        parts.append(pc.fill_null(joined([f' {each[1:]}="', xml_texts(value), '"'], ""), ""))
    parts.append(">")
    for each, value in tree.items():
        if each in attributes:
            continue
        if isinstance(value, dict):
            parts += xml_parts(each, value)
        elif each == "#text":
            parts.append(pc.fill_null(xml_texts(value), ""))
        elif pa.types.is_binary(value.type):
            parts.append(value.cast(pa.string()))
        else:
            parts.append(pc.fill_null(joined([f"<{each}>", xml_texts(value), f"</{each}>"], ""), ""))
    return [*parts, f"</{name}>"]


def xml_texts(array: pa.Array) -> pa.Array:
    texts = plain(array)
    if pa.types.is_string(array.type) and holds(texts, b'&<>"'):
        for sign, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
            texts = pc.replace_substring(texts, sign, escape)
    return texts
