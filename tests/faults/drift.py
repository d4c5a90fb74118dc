"""What becomes of files whose schema is no more the declared one: each with a ledger of how every row of it must end.

`python -m tests.faults.drift` lands all of them at once. A row ends with the value that was meant, with nothing where
nothing is required and the rest in `_rescued`, or in quarantine with the reason. New and renamed columns are tried
under each of the three ends that a source may declare for them. A change of unit is told where the source says between
which bounds a value is plausible, as the `bounded` ones do. What no reader could tell is not here: the first of July as
01/07 that was 07/01, or dollars that were euros.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from bronze.ingest import ingest
from bronze.ledger import QUARANTINE
from bronze.source import LINEAGE, Field, NewColumns, Source
from lakehouse.delta import Lakehouse
from lakehouse.rules import Between
from lakehouse.settings import Settings
from tests.faults.campaign import Outcome, finish, small_session, tally_of

Values = Mapping[str, Any]
Row = tuple[tuple[str, str], ...]  # name and value of each column that says something
GOES = "_rescued"  # in an expected row: what of it no column declares, as an object of JSON

PLAIN = {
    "id": Field("int"),
    "name": Field("string"),
    "amount": Field("decimal(10,2)"),
    "day": Field("date", required=True),
    "seen_at": Field("timestamp"),
    "share": Field("double"),
}
SPELLED = {
    "paid": Field("decimal(10,2)", decimal=","),
    "born": Field("date", pattern="dd.MM.yyyy"),
    "clicked_at": Field("timestamp", pattern="epoch_s"),
    "is_open": Field("boolean", truth=("Y", "N")),
}
LINES = {"lines": Field("array<struct<sku:string,price:decimal(6,2),due_on:date>>")}
NESTED = {**LINES, "city": Field("string", path="address.city")}
WIDTHS = {"id": 4, "name": 10, "amount": 8, "day": 10}


def source(name: str, format: str, columns: Mapping[str, Field], **options: str) -> Source:
    doc = "Files whose schema drifts."
    return Source(
        name=name,
        doc=doc,
        path=f"{name}/*",
        format=format,  # type: ignore[arg-type]
        columns=columns,
        key=("id",),
        options=options,
    )


SOURCES = {
    each.name: each
    for each in (
        source("csv", "csv", {**PLAIN, **SPELLED}),
        source("bare_csv", "csv", PLAIN, header="false"),
        source("jsonl", "jsonl", {**PLAIN, **NESTED}),
        source("json", "json", {**PLAIN, **NESTED}, records="rows"),
        source("lines", "json", {"id": Field("int"), "sku": Field("string", path="rows[].sku")}, records="rows[]"),
        source("xml", "xml", {**PLAIN, **NESTED}, row="row"),
        source("avro", "avro", {**PLAIN, **NESTED}),
        source("parquet", "parquet", {**PLAIN, **LINES}),
        source("fixed", "fixed", {name: Field(PLAIN[name].type, width=width) for name, width in WIDTHS.items()}),
    )
}
WITHIN = (Between(column="amount", low=0.5, high=100), Between(column="share", low=0, high=7))
SOURCES |= {
    f"bounded_{name}": replace(SOURCES[name], name=f"bounded_{name}", path=f"bounded_{name}/*", rules=WITHIN)
    for name in ("csv", "jsonl", "parquet")
}
NAMED = ("csv", "jsonl", "json", "xml", "avro", "parquet")  # formats that name their columns
SOURCES |= {
    each.name: each
    for policy in get_args(NewColumns)
    for name in NAMED
    for each in [replace(SOURCES[name], name=f"{policy}_{name}", path=f"{policy}_{name}/*", new_columns=policy)]
}


@dataclass(frozen=True)
class Drift:
    """A file of one source. Each row ends as the values that `lands` has of it, in columns that are declared or not, or
    as a reason that is a part of one that `refused` has."""

    kind: str
    source: str
    content: bytes
    lands: tuple[Values, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.source}/{self.kind.replace(' ', '_')}"

    @property
    def good(self) -> Counter[Row]:
        return Counter(map(in_full, self.lands))


def in_full(row: Values) -> Row:
    """All that a row says, whatever its columns."""
    return tuple(sorted((name, shown(value)) for name, value in row.items() if value is not None))


def shown(value: Any) -> str:
    """A value as text, the same for one that is expected and one that Spark gives."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, list):
        return str([tuple(map(str, each.values() if isinstance(each, dict) else each)) for each in value])
    return str(value)


# Rows as they were meant, and as each format delivers them


def meant(number: int, **differs: Any) -> dict[str, Any]:
    """What bronze must hold of a row of the plain columns."""
    row = {
        "id": number,
        "name": f"name {number}",
        "amount": Decimal(f"{number}.50"),
        "day": date(2024, 7, number),
        "seen_at": datetime(2024, 7, number, 9, 30),
        "share": number / 4,
    }
    return {**row, **differs}


def told(row: Values) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}


def without(row: Values, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def renamed(row: Values, **names: str) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in row.items()}


def as_csv(*rows: Values, header: bool = True) -> bytes:
    lines = [rows[0].keys()] * header + [row.values() for row in rows]
    return "".join(",".join(f'"{each}"' for each in line) + "\n" for line in lines).encode()


def in_json(row: Values) -> dict[str, Any]:
    """Numbers as numbers, moments as texts."""
    return {
        name: float(value) if isinstance(value, Decimal) else str(value) if isinstance(value, date) else value
        for name, value in row.items()
    }


def as_jsonl(*rows: Values) -> bytes:
    return "".join(json.dumps(in_json(row)) + "\n" for row in rows).encode()


def as_json(*rows: Values, name: str = "rows") -> bytes:
    return json.dumps({name: [in_json(row) for row in rows]}).encode()


def element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(element(name, each) for each in value)
    inner = "".join(element(n, v) for n, v in value.items()) if isinstance(value, dict) else value
    return f"<{name}>{inner}</{name}>"


def as_xml(*rows: Values) -> bytes:
    return f"<rows>{''.join(element('row', row) for row in rows)}</rows>".encode()


AVRO = {"int": "int", "str": "string", "float": "double", "bool": "boolean"}


def as_avro(*rows: Values, **types: Any) -> bytes:
    """Amounts and days as texts; `types` says what else is not as Python has it."""
    plain = [{n: str(v) if isinstance(v, Decimal | date) else v for n, v in row.items()} for row in rows]
    fields = [{"name": n, "type": types.get(n) or AVRO[type(v).__name__]} for n, v in plain[0].items()]
    file = BytesIO()
    fastavro.writer(file, {"type": "record", "name": "row", "fields": fields}, plain)
    return file.getvalue()


ARROW = {
    "id": pa.int32(),
    "name": pa.string(),
    "amount": pa.decimal128(10, 2),
    "day": pa.date32(),
    "seen_at": pa.timestamp("us", tz="UTC"),
    "share": pa.float64(),
}


def as_parquet(*rows: Values, **types: pa.DataType) -> bytes:
    names = {**dict.fromkeys(rows[0]), **dict.fromkeys(types)}
    schema = pa.schema([(name, types.get(name) or ARROW[name]) for name in names])
    file = BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema), file)
    return file.getvalue()


def as_fixed(*rows: Values, **widths: int) -> bytes:
    return "".join(
        "".join(str(row[name]).ljust(widths.get(name, WIDTHS[name])) for name in WIDTHS) + "\n" for row in rows
    ).encode()


ONE, TWO = meant(1), meant(2)


def csv_drifts() -> Iterator[Drift]:
    def drift(kind: str, *rows: Values, lands: Sequence[Values] = (), refused: Sequence[str] = ()) -> Drift:
        return Drift(f"csv {kind}", "csv", as_csv(*rows), tuple(lands), tuple(refused))

    def spelled(kind: str, column: str, old: str, value: Any, new: str) -> Drift:
        """One row spelled as declared, and one that is not any more."""
        reason = f"{column}: expected {SOURCES['csv'].columns[column].type}"
        return drift(kind, {**told(ONE), column: old}, {**told(TWO), column: new},
                     lands=[{**ONE, column: value}], refused=[reason])  # fmt: skip

    yield drift("adds a column", {**told(ONE), "till": "7"}, lands=[{**ONE, GOES: {"till": "7"}}])
    yield drift("drops a column", without(told(ONE), "name"), lands=[without(ONE, "name")])
    yield drift("drops a required column", without(told(ONE), "day"), refused=["day is missing"])
    yield drift("drops the key", without(told(ONE), "id"), refused=["id is missing"])
    yield drift("renames a column", renamed(told(ONE), name="full_name"),
                lands=[{**without(ONE, "name"), GOES: {"full_name": "name 1"}}])  # fmt: skip
    yield drift("renames the key", renamed(told(ONE), id="number"), refused=["id is missing"])
    yield drift("changes the case of a name", renamed(told(ONE), share="Share"),
                lands=[{**without(ONE, "share"), GOES: {"Share": "0.25"}}])  # fmt: skip
    yield drift("changes the order", dict(reversed(told(ONE).items())), lands=[ONE])
    yield drift("widens a number", told(ONE), {**told(TWO), "id": "3000000000"},
                lands=[ONE], refused=["id: expected int"])  # fmt: skip
    yield drift("has more decimals", told(ONE), {**told(TWO), "amount": "2.505"},
                lands=[ONE], refused=["amount: expected decimal"])  # fmt: skip
    yield drift("has whole numbers with a point", told(ONE), {**told(TWO), "id": "2.0"},
                lands=[ONE], refused=["id: expected int"])  # fmt: skip
    yield drift("makes a day a moment", told(ONE), {**told(TWO), "day": "2024-07-02 09:30:00"},
                lands=[ONE], refused=["day: expected date"])  # fmt: skip
    yield drift("makes a moment a month", told(ONE), {**told(TWO), "seen_at": "2024-07"},
                lands=[ONE], refused=["seen_at: expected timestamp"])  # fmt: skip
    yield drift("makes a moment a month without a dash", told(ONE), {**told(TWO), "seen_at": "202407"},
                lands=[ONE], refused=["seen_at: expected timestamp"])  # fmt: skip
    yield drift("writes the unit behind a number", told(ONE), {**told(TWO), "share": "0.5d"},
                lands=[ONE], refused=["share: expected double"])  # fmt: skip
    yield drift("writes a percentage", told(ONE), {**told(TWO), "share": "50%"},
                lands=[ONE], refused=["share: expected double"])  # fmt: skip
    yield drift("says its zone", {**told(ONE), "seen_at": "2024-07-01T11:30:00+02:00"}, lands=[ONE])
    yield spelled("sets off decimals by a point", "paid", "1234,5", Decimal("1234.50"), "1234.50")
    yield spelled("groups thousands", "paid", "1234,5", Decimal("1234.50"), "1.234,50")
    yield spelled("turns a date around", "born", "31.12.1999", date(1999, 12, 31), "1999-12-31")
    yield spelled("writes a month before the day", "born", "31.12.1999", date(1999, 12, 31), "12.31.1999")
    yield spelled("shortens the year", "born", "31.12.1999", date(1999, 12, 31), "31.12.99")
    yield spelled("counts milliseconds", "clicked_at", "1719826200", datetime(2024, 7, 1, 9, 30), "1719826200000")
    yield spelled("spells true another way", "is_open", "Y", True, "true")
    bare = [*told(ONE).values()]
    yield Drift("bare csv adds a column", "bare_csv", f"{','.join(bare)},7\n".encode(),
                refused=("expected 6 fields, found 7",))  # fmt: skip
    yield Drift("bare csv changes the order", "bare_csv", f"{','.join(reversed(bare))}\n".encode(),
                refused=("id: expected int",))  # fmt: skip


def nested_drifts() -> Iterator[Drift]:
    line = {"sku": "a", "price": 1.5, "due_on": "2024-07-01"}
    lines = [{"sku": "a", "price": Decimal("1.50"), "due_on": date(2024, 7, 1)}]
    for name, write in (("jsonl", as_jsonl), ("json", as_json)):

        def drift(
            kind: str,
            row: Values,
            lands: Sequence[Values] = (),
            refused: Sequence[str] = (),
            *,
            of: Any = (name, write),
        ) -> Drift:
            return Drift(f"{of[0]} {kind}", of[0], of[1](row), tuple(lands), tuple(refused))

        yield drift("adds a name", {**ONE, "till": 7}, [{**ONE, GOES: {"till": 7}}])
        yield drift("changes the case", renamed(ONE, name="Name"), [{**without(ONE, "name"), GOES: {"Name": "name 1"}}])
        yield drift("makes a number a text", {**ONE, "id": "1"}, [ONE])
        yield drift("makes a number a boolean", {**ONE, "id": True}, refused=["id: expected int, found 'true'"])
        yield drift("makes a number an object", {**ONE, "amount": {"cents": 150}}, refused=["amount: expected decimal"])
        yield drift("makes a number an array", {**ONE, "amount": [1.5]}, refused=["amount: expected decimal"])
        yield drift("flattens an object", {**ONE, "city": "Ulm"}, [{**ONE, GOES: {"city": "Ulm"}}])
        yield drift("makes an object a text", {**ONE, "address": "Ulm"}, [{**ONE, GOES: {"address": "Ulm"}}])
        yield drift("nests deeper", {**ONE, "address": {"home": {"city": "Ulm"}}},
                    [{**ONE, GOES: {"address": {"home": {"city": "Ulm"}}}}])  # fmt: skip
        yield drift("makes an array an object", {**ONE, "lines": line}, refused=["lines: expected array"])
        yield drift("adds a name within an array", {**ONE, "lines": [{**line, "till": 7}]},
                    [{**ONE, "lines": lines, GOES: {"lines": [{"till": 7}]}}])  # fmt: skip
        yield drift("has more decimals within an array", {**ONE, "lines": [{**line, "price": 1.505}]},
                    refused=["lines: expected array"])  # fmt: skip
        yield drift("makes a day within an array a month", {**ONE, "lines": [{**line, "due_on": "2024-07"}]},
                    refused=["lines: expected array"])  # fmt: skip
        yield drift("makes a number within an array a text", {**ONE, "lines": [{**line, "price": "x"}]},
                    refused=["lines: expected array"])  # fmt: skip
    yield Drift("json renames the array of records", "json", as_json(ONE, name="items"),
                refused=("expected an array of records at rows",))  # fmt: skip
    yield Drift("json renames the array that becomes rows", "lines", b'{"id":1,"items":[{"sku":"a"}]}',
                lands=({"id": 1, GOES: {"items": [{"sku": "a"}]}},))  # fmt: skip
    yield Drift("xml adds an element", "xml", as_xml({**ONE, "till": 7}), ({**ONE, GOES: {"till": "7"}},))
    yield Drift("xml changes the case", "xml", as_xml(renamed(ONE, name="NAME")),
                ({**without(ONE, "name"), GOES: {"NAME": "name 1"}},))  # fmt: skip
    yield Drift("xml repeats an element", "xml", as_xml({**ONE, "amount": [1.5, 2.5]}),
                refused=("amount: expected one element amount, found 2",))  # fmt: skip
    yield Drift("xml nests a value", "xml", as_xml({**ONE, "amount": {"euros": 1, "cents": 50}}),
                refused=("amount: expected decimal",))  # fmt: skip


def binary_drifts() -> Iterator[Drift]:
    def avro(kind: str, row: Values, *lands: Values, refused: Sequence[str] = (), **types: Any) -> Drift:
        return Drift(f"avro {kind}", "avro", as_avro(row, **types), lands, tuple(refused))

    def parquet(kind: str, row: Values, *lands: Values, refused: Sequence[str] = (), **types: pa.DataType) -> Drift:
        return Drift(f"parquet {kind}", "parquet", as_parquet(row, **types), lands, tuple(refused))

    yield avro("adds a field", {**ONE, "till": 7}, {**ONE, GOES: {"till": 7}})
    yield avro("drops a field", without(ONE, "name"), without(ONE, "name"))
    yield avro("makes a number a text", {**ONE, "id": "1"}, ONE)
    yield avro("widens a number", {**ONE, "id": 3_000_000_000}, refused=["id: expected int"], id="long")
    yield avro("makes a whole number a double", {**ONE, "id": 1.5}, refused=["id: expected int"], id="double")
    millis = {"type": "long", "logicalType": "timestamp-millis"}
    at = {"seen_at": datetime(2024, 7, 1, 9, 30, tzinfo=UTC)}
    file = BytesIO()
    fields = [{"name": "id", "type": "int"}, {"name": "day", "type": "string"}, {"name": "seen_at", "type": millis}]
    fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, [{"id": 1, "day": "2024-07-01", **at}])
    of_three = {name: ONE[name] for name in ("id", "day", "seen_at")}
    yield Drift("avro makes a text a moment", "avro", file.getvalue(), (of_three,))

    line = pa.list_(pa.struct([("sku", pa.string()), ("price", pa.decimal128(6, 2)), ("due_on", pa.date32())]))
    wider = pa.list_(
        pa.struct([("sku", pa.string()), ("price", pa.decimal128(6, 2)), ("due_on", pa.date32()), ("till", pa.int32())])
    )
    finer = pa.list_(pa.struct([("sku", pa.string()), ("price", pa.decimal128(8, 3)), ("due_on", pa.date32())]))
    lines = [{"sku": "a", "price": Decimal("1.50"), "due_on": date(2024, 7, 1)}]
    yield parquet("is as declared", {**ONE, "lines": lines}, {**ONE, "lines": lines}, lines=line)
    yield parquet("adds a column", {**ONE, "till": 7}, {**ONE, GOES: {"till": 7}}, till=pa.int32())
    yield parquet("changes the case", renamed(ONE, name="NAME"),
                  {**without(ONE, "name"), GOES: {"NAME": "name 1"}}, NAME=pa.string())  # fmt: skip
    yield parquet("widens a number", ONE, ONE, id=pa.int64())
    yield parquet("widens a number past the declared", {**ONE, "id": 3_000_000_000},
                  refused=["id: expected int"], id=pa.int64())  # fmt: skip
    yield parquet("makes a decimal a double", {**ONE, "amount": 1.505},
                  refused=["amount: expected decimal"], amount=pa.float64())  # fmt: skip
    yield parquet("narrows a decimal", ONE, ONE, amount=pa.decimal128(4, 2))
    yield parquet("makes a day a number", {**ONE, "day": 19905}, refused=["day: expected date"], day=pa.int32())
    yield parquet("makes a moment a number", {**ONE, "seen_at": 1719826200},
                  refused=["seen_at: expected timestamp"], seen_at=pa.int64())  # fmt: skip
    yield parquet("counts nanoseconds", ONE, refused=["a column that Spark cannot read"], seen_at=pa.timestamp("ns"))
    yield parquet("makes a day a moment", {**ONE, "day": datetime(2024, 7, 1, 9, 30)},
                  refused=["day: expected date"], day=pa.timestamp("us"))  # fmt: skip
    yield parquet("makes a text bytes", {**ONE, "name": b"name 1"}, ONE, name=pa.binary())
    yield parquet("makes a text bytes of no text", {**ONE, "name": b"nam\xff"},
                  refused=["name: not UTF-8"], name=pa.binary())  # fmt: skip
    kept = {"lines": [{"sku": "a", "price": 1.5, "due_on": "2024-07-01", "till": 7}]}
    yield parquet("adds a name within an array", {**ONE, "lines": [{**lines[0], "till": 7}]},
                  {**ONE, "lines": lines, GOES: kept}, lines=wider)  # fmt: skip
    yield parquet("has more decimals within an array", {**ONE, "lines": [{**lines[0], "price": Decimal("1.505")}]},
                  refused=["lines: expected array"], lines=finer)  # fmt: skip

    four = {name: ONE[name] for name in WIDTHS}
    yield Drift(
        "fixed widens a column", "fixed", as_fixed(four, name=12), refused=("expected 32 characters, found 34",)
    )
    swapped = f"{'name 1':<10}{1:<4}{'1.50':<8}2024-07-01\n".encode()
    yield Drift("fixed changes the order", "fixed", swapped, refused=("id: expected int",))
    yield Drift("fixed makes a number a text", "fixed", as_fixed({**four, "amount": "1 EUR"}),
                refused=("amount: expected decimal",))  # fmt: skip


# New columns, under each of the ends that a source may declare for them

WRITERS = {"jsonl": as_jsonl, "json": as_json, "xml": as_xml}
CITY = {"city": "Ulm", "zip": "89073"}
LINE = {"sku": "a", "price": Decimal("1.50"), "due_on": date(2024, 7, 1)}
OF_AVRO = {
    "by": {"type": "record", "name": "by", "fields": [{"name": "ip", "type": "string"}]},
    "tags": {"type": "array", "items": "string"},
    "address": {"type": "record", "name": "address", "fields": [{"name": n, "type": "string"} for n in CITY]},
}
OF_PARQUET = {
    "till": pa.int32(),
    "_till": pa.int32(),
    "full_name": pa.string(),
    "NAME": pa.string(),
    "by": pa.struct([("ip", pa.string())]),
    "tags": pa.list_(pa.string()),
}


def written(format: str, *rows: Values) -> bytes:
    if format == "csv":
        return as_csv(*map(told, rows))
    if format == "avro":
        return as_avro(*rows, **{name: type_ for name, type_ in OF_AVRO.items() if name in rows[0]})
    if format == "parquet":
        return as_parquet(*rows, **{name: type_ for name, type_ in OF_PARQUET.items() if name in rows[0]})
    return WRITERS[format](*rows)


def new_column_drifts() -> Iterator[Drift]:
    nested = ("jsonl", "json", "xml", "avro")

    def drifts(
        kind: str,
        row: Values,
        declared: Values,
        beside: Values,
        *,
        at: str,
        evolves: Values | None = None,
        formats: Sequence[str] = NAMED,
        before: Sequence[Values] = (),
    ) -> Iterator[Drift]:
        """One file of each format under each end. Its last row says what is declared and, `beside`, what is not, `at`
        that path; `evolves` is that as columns, where it can be."""
        for format in formats:
            of_texts = format in ("csv", "xml")
            rest = {n: str(v) if of_texts and isinstance(v, int) else v for n, v in beside.items()}
            rescued = (*before, {**declared, GOES: rest})
            ends: dict[str, tuple[Sequence[Values], Sequence[str]]] = {
                "rescue": (rescued, ()),
                "quarantine": (before, [f"not declared: {at}"]),
                "evolve": ((*before, {**declared, **evolves}) if evolves else rescued, ()),
            }
            for policy, (lands, refused) in ends.items():
                content = written(format, *before, row)
                yield Drift(f"{policy} {format} {kind}", f"{policy}_{format}", content, tuple(lands), tuple(refused))

    yield from drifts("adds a column", {**ONE, "till": 7}, ONE, {"till": 7}, at="till", evolves={"till": "7"})
    yield from drifts("adds a column to one record", {**TWO, "till": 7}, TWO, {"till": 7}, at="till",
                      evolves={"till": "7"}, formats=("jsonl", "json", "xml"), before=[ONE])  # fmt: skip
    yield from drifts("renames a column", renamed(ONE, name="full_name"), without(ONE, "name"),
                      {"full_name": "name 1"}, at="full_name", evolves={"full_name": "name 1"})  # fmt: skip
    yield from drifts("changes the case of a name", renamed(ONE, name="NAME"), without(ONE, "name"),
                      {"NAME": "name 1"}, at="NAME")  # fmt: skip
    yield from drifts("adds a name of lineage", {**ONE, "_till": 7}, ONE, {"_till": 7}, at="_till")
    yield from drifts("adds a name that no column can have", {**ONE, "the till": 7}, ONE, {"the till": 7},
                      at="the till", formats=("csv", "jsonl", "json"))  # fmt: skip
    yield from drifts("adds an object", {**ONE, "by": {"ip": "::1"}}, ONE, {"by": {"ip": "::1"}}, at="by",
                      evolves={"by": '{"ip":"::1"}'}, formats=(*nested, "parquet"))  # fmt: skip
    yield from drifts("adds an array", {**ONE, "tags": ["a", "b"]}, ONE, {"tags": ["a", "b"]}, at="tags",
                      evolves={"tags": '["a","b"]'}, formats=(*nested, "parquet"))  # fmt: skip
    yield from drifts("adds a name below a declared one", {**ONE, "address": CITY}, {**ONE, "city": "Ulm"},
                      {"address": {"zip": "89073"}}, at="address.zip", formats=nested)  # fmt: skip
    yield from drifts("adds a name within a declared array", {**ONE, "lines": [{**in_json(LINE), "till": 7}]},
                      {**ONE, "lines": [LINE]}, {"lines": [{"till": 7}]}, at="lines[].till",
                      formats=("jsonl", "json"))  # fmt: skip


def unit_drifts() -> Iterator[Drift]:
    """A row in the unit as before, and one in another."""
    for kind, differs, why in (
        ("counts cents", {"amount": Decimal("250.00")}, "amount is not between 0.5 and 100"),
        ("counts thousands", {"amount": Decimal("0.01")}, "amount is not between 0.5 and 100"),
        ("counts percent", {"share": 50.0}, "share is not between 0 and 7"),
    ):
        for format in ("csv", "jsonl", "parquet"):
            content = written(format, ONE, {**TWO, **differs})
            yield Drift(f"{format} {kind}", f"bounded_{format}", content, (ONE,), (why,))


DRIFTS: tuple[Drift, ...] = (*csv_drifts(), *nested_drifts(), *binary_drifts(), *new_column_drifts(), *unit_drifts())


@dataclass
class Found:
    """What bronze and quarantine hold of a file."""

    good: Counter[Row] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)


def outcome(drift: Drift, found: Found) -> Outcome:
    """The ledger beside what was found. A row that landed where it should have been refused, or with other values, is
    silent: it is unflagged."""
    lost, more = drift.good - found.good, found.good - drift.good
    told = Outcome(drift.kind, max(lost.total() - more.total(), 0))
    told.unflagged += [f"expected {[*lost] or 'none'}, found {each}" for each in more]
    told.duplicated = max(len(found.reasons) - len(drift.refused), 0)
    told.lost += max(len(drift.refused) - len(found.reasons) - more.total(), 0)
    expected = [says for says in drift.refused if not any(says in why for why in found.reasons)]
    told.unflagged += [f"expected {says!r}, found {found.reasons}" for says in expected]
    return told


def land_all_drifts(lake: Lakehouse, drifts: Sequence[Drift] = DRIFTS) -> list[Outcome]:
    landing = Path(lake.settings.landing_dir)
    for drift in drifts:
        path = landing / drift.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drift.content)
    sources = [SOURCES[name] for name in dict.fromkeys(drift.source for drift in drifts)]
    failed: list[str] = []
    ingest(lake, sources, on_landed=lambda landed: failed.append(landed.error) if landed.error else None)
    assert not failed, failed
    by_file = {drift.file: Found() for drift in drifts}
    for each in sources:
        for row in lake.read(each.table).drop(*(LINEAGE.keys() - {GOES, "_file"})).collect():
            says = row.asDict()
            rescued = {GOES: json.loads(says[GOES])} if says[GOES] else {}
            by_file[says.pop("_file")].good[in_full({**says, **rescued})] += 1
    for row in lake.read(QUARANTINE).collect():
        by_file[row.file].reasons.append("; ".join(row.reasons))
    return [outcome(drift, by_file[drift.file]) for drift in drifts]


def main() -> None:
    with small_session("drift") as (spark, folder):
        outcomes = land_all_drifts(Lakehouse(spark, Settings(home=folder)))
    finish(drifts=tally_of(outcomes))


if __name__ == "__main__":
    main()
