"""Arrays within a record as rows: one for each element of the innermost, with what stands around it.

What columns declare stands in every row; what none declares, only in the first of its array, so that rows stay small.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bronze.records.layout import Layout

Paths = list[list[str]]  # of the declared columns, from the record on
# A record in which each array on the way is its current element, under `name[]`; and why it is refused.
Element = tuple[Any, str | None]


def way_of(layout: Layout) -> list[str]:
    """The names on the way to the innermost array, from the option `records`; none where it names no array so.

    >>> way_of(Layout("json", {}, {"records": "page.orders[].lines[]"}))
    ['page', 'orders[]', 'lines[]']
    """
    records = layout.options.get("records", "")
    return records.split(".") if "[]" in records else []


def unnested(record: Any, way: Sequence[str], layout: Layout) -> Iterator[Element]:
    """One record for each element of the innermost array. An array that is empty or missing gives one without it, so
    that what stands around it stays; none where nothing does."""
    paths = [path.split(".") for path in layout.columns.values()]
    of_objects = any(path[: len(way)] == way and len(path) > len(way) for path in paths)
    if way[0] == "[]":
        record = {"": record}
    if not isinstance(record, dict):
        yield record, f"expected a JSON object, found {type(record).__name__}"
    elif record != {way[0].removesuffix("[]"): []}:
        yield from elements(record, way, of_objects, paths)


def elements(record: dict[str, Any], way: Sequence[str], of_objects: bool, paths: Paths) -> Iterator[Element]:
    here, *further = way
    name = here.removesuffix("[]")
    value = record.get(name)
    is_array = here != name
    if value is None or (is_array and value == []):
        yield copied({each: inner for each, inner in record.items() if each != name}), None
        return
    if is_array and not isinstance(value, list):
        yield copied(record), f"{name}: expected an array, found {type(value).__name__}"
        return
    inner_paths = within(paths, here)
    around, slim = record, declared(record | {name: None}, [*paths, [name]])
    for each in value if is_array else [value]:
        parts: Iterator[Element] = iter([(each, None)])
        if (further or of_objects) and not isinstance(each, dict):
            parts = iter([(each, f"{here}: expected a JSON object, found {type(each).__name__}")])
        elif further:
            parts = elements(each, further, of_objects, inner_paths)
        for part, why in parts:
            yield {(here if n == name else n): copied(part if n == name else v) for n, v in around.items()}, why
            around = slim


def within(paths: Paths, name: str) -> Paths:
    return [path[1:] for path in paths if path[0] == name]


def declared(record: dict[str, Any], paths: Paths) -> dict[str, Any]:
    """What columns declare of it.

    >>> declared({"id": 1, "who": {"id": 7, "vip": True}, "log": []}, [["id"], ["who", "id"]])
    {'id': 1, 'who': {'id': 7}}
    """
    kept = {}
    for name, value in record.items():
        further = within(paths, name)
        if [] in further:
            kept[name] = value
        elif further and isinstance(value, dict):
            kept[name] = declared(value, further)
    return kept


def copied(value: Any) -> Any:
    """With objects of its own, since values are taken out of them."""
    return {name: copied(each) for name, each in value.items()} if isinstance(value, dict) else value


def as_delivered(record: Any, way: Sequence[str]) -> Any:
    """The record as a document that holds it alone.

    >>> as_delivered({"id": 1, "lines[]": {"sku": "a"}}, ["lines[]"])
    {'id': 1, 'lines': [{'sku': 'a'}]}
    """
    if not way or not isinstance(record, dict):
        return record
    here, *further = way
    if here not in record:
        return record.get("", record)
    inner = as_delivered(record[here], further)
    if here == "[]":
        return [inner]
    if not here.endswith("[]"):
        return {**record, here: inner}
    return {(here[:-2] if n == here else n): [inner] if n == here else v for n, v in record.items()}
