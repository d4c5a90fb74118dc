"""Columns that no one declared end as their source says: rescued, refused, or as columns of the table."""

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from bronze import evolve
from bronze.ingest import Landed
from bronze.ledger import QUARANTINE
from bronze.records.undeclared import not_declared, with_undeclared
from bronze.source import Field, Source
from lakehouse.delta import Lakehouse
from lakehouse.rules import Between
from lakehouse.tables import ContractError, Table
from tests.bronze.test_ingest import Landing, landed_in, run

MONDAY, TUESDAY = datetime(2024, 7, 1, 3, 10), datetime(2024, 7, 2, 3, 10)

EVENTS = Source(
    name="events",
    doc="Events of the app.",
    path="app/*",
    format="jsonl",
    key=("id",),
    columns={"id": Field("int"), "kind": Field("string", path="what.kind")},
    new_columns="evolve",
)
PAYMENTS = Source(
    name="payments",
    doc="Payments by card.",
    path="cards/*",
    format="csv",
    key=("id",),
    columns={"id": Field("int"), "amount": Field("int")},
    rules=(Between(column="amount", low=0),),
    new_columns="quarantine",
)


@pytest.fixture
def landing(lake: Lakehouse) -> Landing:
    folder = Path(lake.settings.landing_dir)
    folder.mkdir()
    return Landing(folder)


def refusals(lake: Lakehouse) -> list[tuple]:
    rows = lake.read(QUARANTINE).select("file", "position", "reasons").collect()
    return sorted((row.file, row.position, row.reasons) for row in rows)


def comment(lake: Lakehouse, source: Source, name: str) -> str:
    return lake.spark.table(source.table.name).schema[name].metadata["comment"]


def errors(landed: list[Landed]) -> list[str]:
    return [each.error for each in landed if each.error]


# Quarantine


def test_a_record_that_has_a_column_which_no_one_declared_is_refused_and_the_others_of_its_load_land(lake, landing):
    landing.put("cards/a.csv", "id,amount\n1,5\n")
    landing.put("cards/b.csv", "id,amount,cvv\n2,5,123\n3,-5,\n")

    run(lake, PAYMENTS)

    assert landed_in(lake, PAYMENTS, "id", "amount", "_rescued") == [(1, 5, None)]
    assert refusals(lake) == [
        ("cards/b.csv", 2, ["not declared: cvv"]),
        ("cards/b.csv", 3, ["not declared: cvv", "amount is below 0"]),
    ]


def test_a_refusal_says_where_within_a_record_it_is_and_a_record_of_the_same_file_without_it_lands(lake, landing):
    lines = (
        '{"id":1,"what":{"kind":"a"}}',
        '{"id":2,"what":{"kind":"b","by":{"ip":"::1"}}}',
        '{"id":"x","log":[{"at":1}]}',
    )
    landing.put("app/a.jsonl", "\n".join(lines))

    run(lake, replace(EVENTS, new_columns="quarantine"))

    assert landed_in(lake, EVENTS, "id", "kind") == [(1, "a")]
    assert refusals(lake) == [
        ("app/a.jsonl", 2, ["not declared: what.by.ip"]),
        ("app/a.jsonl", 3, ["not declared: log[].at", "id: expected int, found 'x'"]),
    ]


def test_a_parquet_file_with_a_column_or_a_part_of_one_that_no_one_declared_is_refused(lake, landing):
    lines = [[{"sku": "a", "till": 7}]]
    columns = {"id": Field("int"), "lines": Field("array<struct<sku:string>>")}
    stock = replace(PAYMENTS, format="parquet", columns=columns, rules=())
    landing.put("cards/a.parquet", pa.table({"id": pa.array([1], pa.int32())}))
    landing.put("cards/b.parquet", pa.table({"id": pa.array([2], pa.int32()), "note": pa.nulls(1, pa.string())}))
    landing.put("cards/c.parquet", pa.table({"id": pa.array([3], pa.int32()), "lines": lines}))

    run(lake, stock)

    assert landed_in(lake, stock, "id") == [(1,)]
    assert refusals(lake) == [
        ("cards/b.parquet", 1, ["not declared: note"]),
        ("cards/c.parquet", 1, ["not declared: lines[].till"]),
    ]


def test_what_was_wrong_before_is_said_and_numbers_of_any_length_and_records_of_any_depth_are_told():
    deep = json.dumps(json.loads('{"a":' * 200 + "1" + "}" * 200))
    rescued = pa.array([None, '{"a":1}', f'{{"a":{"9" * 5000}}}', deep, json.dumps({f"c{n}": 1 for n in range(999)})])
    errors = pa.array([None, "torn", None, None, None], pa.string())

    nothing, torn, long, nested, wide = with_undeclared(errors, rescued).to_pylist()

    assert (nothing, torn, long) == (None, "torn", "not declared: a")
    assert nested == not_declared([".".join("a" * 20)])
    assert wide.startswith("not declared: c0, c1, ") and len(wide) == 1000


# Evolve


def test_a_new_column_is_one_of_the_table_as_text_and_rows_before_have_none_of_it(lake, landing):
    landing.put("app/a.jsonl", '{"id":1,"what":{"kind":"a"}}\n')
    run(lake, EVENTS)
    landing.put("app/b.jsonl", '{"id":2,"price":1.10,"tags":["x",{"y":2.50}]}\n{"id":3,"vip":true}\n', at=TUESDAY)
    run(lake, EVENTS)

    assert landed_in(lake, EVENTS, "id", "price", "tags", "vip", "_rescued") == [
        (1, None, None, None, None),
        (2, "1.10", '["x",{"y":2.50}]', None, None),
        (3, None, None, "true", None),
    ]
    assert {comment(lake, EVENTS, name) for name in ("price", "tags", "vip")} == {
        "Not declared; in the files since 2024-07-02. [personal]"
    }


def test_a_column_that_was_new_once_is_filled_by_later_loads_and_keeps_since_when_it_is_there(lake, landing):
    for day, name in enumerate(("a", "b"), 1):
        landing.put(f"app/{name}.jsonl", f'{{"id":{day},"till":{day}}}\n', at=datetime(2024, 7, day))
        assert errors(run(lake, EVENTS)) == []

    assert landed_in(lake, EVENTS, "id", "till", "_rescued") == [(1, "1", None), (2, "2", None)]
    assert comment(lake, EVENTS, "till") == "Not declared; in the files since 2024-07-01. [personal]"


def test_what_cannot_be_a_column_stays_rescued(lake, landing):
    fine = {"größe": 10, 'it\'s"50%"': 11, "@a[0]": 12, "Till": 13}
    odd = {"ID": 1, "_load_id": 2, "_x": 3, "a b": 4, "a.b": 5, "": 6, "what": {"by": 7}, "x" * 256: 8}
    of_one_name = {"till": 9}  # of two that differ in case alone, only one can be a column
    landing.put("app/a.jsonl", json.dumps({"id": 1, **odd, **of_one_name, **fine}))

    assert errors(run(lake, EVENTS)) == []

    (row,) = lake.read(EVENTS.table).collect()
    assert {name: row[name] for name in fine} == {name: str(value) for name, value in fine.items()}
    assert json.loads(row._rescued) == {**odd, **of_one_name}
    assert len(row) == len(EVENTS.table.columns) + len(fine)


def test_names_that_no_column_can_have_keep_no_other_out():
    named = ["till", "Till", "KIND", "what", "_load", "a b", "lane", "x" * 256, *(f"odd.{each}" for each in range(900))]

    of_all, of_one = (evolve.with_columns(EVENTS, dict.fromkeys(named, "New."), most=most) for most in (100, 1))

    assert [*of_all.columns] == ["id", "kind", "till", "lane"]
    assert [*of_one.columns] == ["id", "kind", "till"]


def test_a_table_has_no_more_new_columns_than_a_person_may_have_named(lake, landing, monkeypatch):
    monkeypatch.setattr(evolve, "MOST", 2)
    landing.put("app/a.jsonl", '{"id":1,"k7":1,"k8":2,"k9":3}\n')
    landing.put("app/b.jsonl", '{"id":2,"k8":4,"k1":5}\n', at=TUESDAY)

    run(lake, EVENTS)

    assert landed_in(lake, EVENTS, "id", "k7", "k8", "_rescued") == [
        (1, "1", "2", '{"k9":3}'),
        (2, None, "4", '{"k1":5}'),
    ]


def test_what_is_refused_brings_no_column(lake, landing):
    landing.put("app/a.jsonl", '{"id":"x","till":1}\n')

    run(lake, EVENTS)

    assert lake.read(EVENTS.table).columns == [*EVENTS.table.columns]


def test_elements_that_no_one_declared_may_be_repeated_and_have_attributes(lake, landing):
    orders = replace(EVENTS, format="xml", options={"row": "o"}, columns={"id": Field("int", path="@id")})
    landing.put("app/a.xml", '<all><o id="1"><by at="x">Ann</by><tag>a</tag><tag>b</tag></o><o id="2" to="y"/></all>')

    run(lake, orders)

    assert landed_in(lake, orders, "id", "by", "tag", "@to", "_rescued") == [
        (1, '{"@at":"x","#text":"Ann"}', '["a","b"]', None, None),
        (2, None, None, "y", None),
    ]
    assert refusals(lake) == []


def test_columns_of_parquet_are_written_as_text_and_bytes_that_are_none_as_base64(lake, landing):
    stock = replace(EVENTS, format="parquet", columns={"id": Field("int")})
    more = {"price": [Decimal("1.10")], "bytes": [b"\xff"], "at": [{"shelf": 7}], "none": pa.nulls(1, pa.int64())}
    landing.put("app/a.parquet", pa.table({"id": pa.array([1], pa.int32()), **more}))

    run(lake, stock)

    assert landed_in(lake, stock, "id", "price", "bytes", "at") == [(1, "1.10", "/w==", '{"shelf":7}')]
    assert "none" not in lake.read(stock.table).columns


class Killed(BaseException):
    """What no code of ours catches, as it catches no SIGKILL."""


def test_a_run_that_is_killed_before_or_after_the_rows_of_a_new_column_is_repeated_as_if_it_had_not_been(
    lake, landing, monkeypatch
):
    landing.put("app/a.jsonl", '{"id":1,"till":7}\n')

    def kill_after(patch: pytest.MonkeyPatch, method: str) -> None:
        original = getattr(Lakehouse, method)

        def done(self: Lakehouse, *told, **how):
            came = original(self, *told, **how)
            if any(isinstance(each, Table) and "till" in each.columns for each in told):
                raise Killed
            return came

        patch.setattr(Lakehouse, method, done)

    for method in ("made_or_widened", "append"):
        with monkeypatch.context() as patch:
            kill_after(patch, method)
            with pytest.raises(Killed):
                run(lake, EVENTS)
        assert lake.read(EVENTS.table).columns == [*EVENTS.table.columns, "till"]
    assert errors(run(lake, EVENTS)) == []

    assert landed_in(lake, EVENTS, "id", "till", "_load_id") == [(1, "7", 0)]


# Declared, or undeclared, later


def test_a_new_column_that_is_declared_as_string_is_the_declared_one_from_then_on(lake, landing):
    landing.put("app/a.jsonl", '{"id":1,"till":"7"}\n')
    run(lake, EVENTS)
    declared = replace(EVENTS, columns={**EVENTS.columns, "till": Field("string", "The till.")}, new_columns="rescue")
    landing.put("app/b.jsonl", '{"id":2,"till":"8","x":9}\n', at=TUESDAY)

    assert errors(run(lake, declared)) == []

    assert landed_in(lake, declared, "id", "till", "_rescued") == [(1, "7", None), (2, "8", '{"x":9}')]
    assert comment(lake, declared, "till") == "The till."


def test_a_new_column_that_is_declared_as_another_type_is_refused_until_it_is_text_again(lake, landing):
    landing.put("app/a.jsonl", '{"id":1,"till":"7"}\n')
    run(lake, EVENTS)
    declared = replace(EVENTS, columns={**EVENTS.columns, "till": Field("int")})
    landing.put("app/b.jsonl", '{"id":2,"till":"8"}\n', at=TUESDAY)

    with pytest.raises(ContractError, match="till: declared int, the table has string"):
        run(lake, declared)
    assert landed_in(lake, EVENTS, "id", "till") == [(1, "7")]
    assert errors(run(lake, EVENTS)) == []

    assert landed_in(lake, EVENTS, "id", "till", "_load_id") == [(1, "7", 0), (2, "8", 1)]


def test_a_source_that_evolves_no_more_rescues_what_it_had_a_column_for(lake, landing):
    landing.put("app/a.jsonl", '{"id":1,"till":7}\n')
    run(lake, EVENTS)
    landing.put("app/b.jsonl", '{"id":2,"till":8}\n', at=TUESDAY)

    assert errors(run(lake, replace(EVENTS, new_columns="rescue"))) == []

    assert landed_in(lake, EVENTS, "id", "till", "_rescued") == [(1, "7", None), (2, None, '{"till":8}')]
