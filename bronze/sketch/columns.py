"""The columns of nested records: a path for each value, and a type for each array."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bronze.records.nested import TEXT, Number


@dataclass
class Shape:
    """What was seen at one place of the records."""

    is_text: bool = False
    scalars: set[str] = field(default_factory=set)
    inner: dict[str, "Shape"] = field(default_factory=dict)
    items: "Shape | None" = None
    empty: bool = False  # an object without anything in it

    def see(self, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, dict):
            self.empty |= not value
            for name, each in value.items():
                self.inner.setdefault(name, Shape()).see(each)
        elif isinstance(value, list):
            self.items = self.items or Shape()
            for each in value:
                self.items.see(each)
        elif isinstance(value, bool):
            self.scalars.add("boolean")
        elif isinstance(value, Number | int | float):
            self.scalars.add("bigint" if re.fullmatch(r"-?\d{1,18}", str(value)) else "double")
        else:
            self.scalars.add("string")


@dataclass(frozen=True)
class Place:
    """A column to be: `type` is given where it is not a text to be looked at."""

    path: str
    type: str | None = None
    remark: str = ""


def places(shape: Shape, is_xml: bool, above: str = "") -> list[Place]:
    """The columns that hold all of the records. What cannot be a column stays in `_rescued`."""
    found: list[Place] = []
    for name, inner in shape.inner.items():
        path = f"{above}{name}"
        if "." in name or not name:
            continue
        if inner.items is not None:
            found.append(array_place(path, inner, is_xml))
        elif inner.inner and not inner.scalars and not (is_xml and TEXT in inner.inner):
            found += places(inner, is_xml, f"{path}.")
        elif inner.inner and is_xml and not is_element_of_elements(inner):
            found.append(Place(path))
            found += [Place(f"{path}.{each}") for each in inner.inner if each.startswith("@")]
        elif inner.inner:
            found.append(Place(path, "string", "an object here and a value there: kept as text"))
        else:
            found.append(Place(path))
    return found


def is_element_of_elements(shape: Shape) -> bool:
    return any(name != TEXT and not name.startswith("@") for name in shape.inner)


def array_place(path: str, shape: Shape, is_xml: bool) -> Place:
    type_ = type_of(shape, is_xml)
    remark = ""
    if type_ is None:
        type_, remark = "string", "an array of unlike things: kept as JSON text"
    elif "struct<" in type_:
        remark = f"an array: the option records={path}[] would make a row of each of its elements"
    return Place(path, type_, remark)


def type_of(shape: Shape, is_xml: bool) -> str | None:
    """The type of what stands in an array, or of the array; None where one type does not hold all."""
    kinds = bool(shape.scalars) + bool(shape.inner) + (shape.items is not None)
    if is_xml and shape.items is not None and kinds > 1:  # one element is no list
        alone = Shape(scalars=shape.scalars | shape.items.scalars, inner=merged(shape.inner, shape.items.inner))
        shape, kinds = Shape(items=alone), 1
    if kinds == 0:
        return "string"
    if kinds > 1:
        return None
    if shape.items is not None:
        within = type_of(shape.items, is_xml)
        return f"array<{within}>" if within else None
    if shape.inner:
        names = [name.removeprefix("@") if is_xml else name for name in shape.inner]
        inner = [type_of(each, is_xml) for each in shape.inner.values()]
        is_plain = all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in names) and len({*map(str.lower, names)}) == len(
            names
        )
        if not is_plain or None in inner:
            return None
        return "struct<" + ", ".join(f"{name}: {each}" for name, each in zip(names, inner, strict=True)) + ">"
    if is_xml or len(shape.scalars) > 1:
        return "double" if shape.scalars == {"bigint", "double"} else "string" if is_xml else None
    return next(iter(shape.scalars))


def merged(one: Mapping[str, Shape], other: Mapping[str, Shape]) -> dict[str, Shape]:
    both = {name: Shape(scalars={*shape.scalars}, inner=shape.inner, items=shape.items) for name, shape in one.items()}
    for name, shape in other.items():
        if name in both:
            mine = both[name]
            mine.scalars |= shape.scalars
            mine.inner = merged(mine.inner, shape.inner)
            mine.items = mine.items or shape.items
        else:
            both[name] = shape
    return both


def names_of(paths: Sequence[str]) -> dict[str, str]:
    """A column's name for each path: its last part where that is clear, else all of it."""
    last = [plain(path.split(".")[-1]) for path in paths]
    names: dict[str, str] = {}
    for path, short in zip(paths, last, strict=True):
        is_clear = [name.lower() for name in last].count(short.lower()) == 1
        name = short if is_clear else plain(path.replace(".", "_"))
        while name.lower() in {each.lower() for each in names.values()}:
            name += "_2"
        names[path] = name
    return names


def plain(name: str) -> str:
    """A name that a table can have.

    >>> plain("@id"), plain("Order No."), plain("3ds")
    ('id', 'Order_No', 'c_3ds')
    """
    name = re.sub(r"\W+", "_", name).strip("_") or "column"
    return f"c_{name}" if name[0].isdigit() else name
