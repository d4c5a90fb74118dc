"""A source's declaration: all that is wrong with it is said when it is imported."""

import pytest

from bronze.source import Changes, Feed, Field, Source
from lakehouse.rules import Between, Holds, OneOf
from lakehouse.tables import ContractError


def source(**differs) -> Source:
    declared = {
        "name": "consents",
        "doc": "Consents.",
        "path": "crm/consents/*.csv",
        "format": "csv",
        "key": ("id",),
        "columns": {"id": Field("bigint"), "changed_at": Field("timestamp"), "amount": Field("decimal(10,2)")},
    }
    return Source(**{**declared, **differs})


def problems(**differs) -> list[str]:
    with pytest.raises(ContractError) as refused:
        source(**differs)
    return [line.strip() for line in str(refused.value).splitlines()[1:]]


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ContractError) as refused:
        source(
            name="Crm Consents",
            path="consents.csv",
            timezone="Europe/Berlim",
            options={"separator": ";", "sep": "||", "header": "yes", "encoding": "latin-99"},
            key=("id", "channel"),
            newest_by="changed",
            columns={"id": Field("text"), "_load": Field("int"), "ID": Field("int"), "net amount": Field("int")},
            rules=(
                Between(column="price", low=0),
                OneOf(column="id", values=("a",)),
                Holds(condition="x", otherwise="y"),
            ),
        )

    assert str(refused.value) == (
        "Cannot declare the source Crm Consents:\n"
        "  name: expected snake_case, found 'Crm Consents'\n"
        "  path: expected a folder and a glob, such as crm/consents/*.csv, found 'consents.csv'\n"
        "  timezone: expected one such as Europe/Berlin, found 'Europe/Berlim'\n"
        "  options: 'separator' is not an option of csv; "
        "it takes encoding, escape, header, multiline, null, quote, sep\n"
        "  options: sep: expected one character, found '||'\n"
        "  options: header: expected 'true' or 'false', found 'yes'\n"
        "  options: encoding: Python knows no 'latin-99'\n"
        "  key or newest_by names channel, which is not a column\n"
        "  key or newest_by names changed, which is not a column\n"
        "  id: 'text' is not a Spark SQL type\n"
        "  _load: names that begin with _ are kept for lineage\n"
        "  ID: is within, or the same as, id\n"
        "  net amount: a table cannot have a column of this name\n"
        "  a rule names price, which is not a column"
    )


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        ({"format": "orc"}, "format: expected one of csv, jsonl, json, xml, avro, fixed, parquet, found 'orc'"),
        ({"format": "parquet", "options": {"sep": ";"}}, "options: 'sep' is not an option of parquet; it takes none"),
        ({"options": {"quote": "''"}}, "options: quote: expected one character, found \"''\""),
        (
            {"columns": {"id": Field("string")}, "newest_by": "id"},
            "newest_by: expected a number, date or timestamp, found id, a string",
        ),
        ({"columns": {"id": Field("int", path="who.id")}}, "id: a path is for nested records, not for csv"),
        (
            {"columns": {"id": Field("int", pattern="dd/MM/yyyy")}},
            "id: a pattern is for a date or a timestamp, not for int",
        ),
        ({"format": "xml"}, "options: row: expected the name of the element of one record, found none"),
        (
            {"format": "fixed", "columns": {"id": Field("int", width=4), "name": Field("string")}},
            "name: expected the width of a fixed-width column, found None",
        ),
        ({"columns": {"id": Field("int", width=4)}}, "id: a width is for fixed, not for csv"),
        (
            {"columns": {"id": Field("int"), "born_on": Field("date", pattern="dd.MM.yy")}},
            "born_on: pattern dd.MM.yy: a two-digit year needs from_year, the first of its hundred years, "
            "and only it does",
        ),
        (
            {"columns": {"id": Field("int"), "at": Field("timestamp", pattern="dd.MM.yyyy hh:mm")}},
            "at: pattern dd.MM.yyyy hh:mm: hours of half a day need the letter a, for am or pm",
        ),
        (
            {"columns": {"id": Field("int"), "on": Field("date", pattern="YYYY-MM-dd")}},
            "on: pattern YYYY-MM-dd: Spark knows no Y",
        ),
        (
            {"columns": {"id": Field("string", decimal=",")}},
            "id: decimal and thousands are for numbers, not for string",
        ),
        (
            {"columns": {"id": Field("double", thousands=".")}},
            "id: decimal and thousands: expected two characters, found '.' and '.'",
        ),
        (
            {"columns": {"id": Field("boolean", truth=("1", "1"))}},
            "id: truth: expected how a boolean spells true and false, found ('1', '1') for boolean",
        ),
        (
            {"format": "jsonl", "options": {"records": "page.rows"}},
            "options: records: expected a path like orders[].lines[], found 'page.rows'",
        ),
        (
            {
                "format": "json",
                "options": {"records": "orders[].lines[]"},
                "columns": {"id": Field("int", path="orders[].id"), "n": Field("int", path="orders[].notes[].n")},
            },
            "n: orders[].notes[].n goes through an array that is not on the way to records",
        ),
        ({"new_columns": "drop"}, "new_columns: expected rescue, quarantine or evolve, found 'drop'"),
        (
            {"options": {"header": "false"}, "new_columns": "evolve"},
            "new_columns: evolve is for files that name their columns",
        ),
        (
            {
                "format": "jsonl",
                "options": {"records": "lines[]"},
                "columns": {"id": Field("int")},
                "new_columns": "quarantine",
            },
            "new_columns: quarantine is not for arrays as rows, as what is new around them is in one row alone",
        ),
        (
            {"format": "jsonl", "columns": {"id": Field("int"), "ID": Field("int", path="who.id")}},
            "ID: differs from id in case alone",
        ),
        (
            {"delivery": "changes"},
            "delivery: 'changes' goes with changes=Changes(operation=..., sequence=...), and only it does",
        ),
        (
            {"delivery": "changes", "changes": Changes(operation="op", sequence="id")},
            "changes names op, which is not a column",
        ),
        (
            {"delivery": "snapshot", "newest_by": "changed_at"},
            "newest_by: a delivery of snapshot has an order of its own",
        ),
        ({"delivery": "snapshot", "key": ()}, "key: a delivery of snapshot needs one"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(differs, expected):
    assert problems(**differs) == [expected]


def test_no_two_columns_read_the_same_part_of_a_json_record():
    columns = {
        "id": Field("int", path="who.id"),
        "who": Field("string"),
        "number": Field("int", path="who.id"),
        "whose": Field("int"),
    }

    assert problems(format="jsonl", columns=columns) == [
        "who: is within, or the same as, id",
        "number: is within, or the same as, id",
        "number: is within, or the same as, who",
    ]


def test_an_attribute_is_no_part_of_the_text_of_its_element():
    columns = {"id": Field("int", path="@id"), "price": Field("string"), "currency": Field("string", path="price.@cur")}

    assert source(format="xml", options={"row": "order"}, columns=columns).columns == columns
    assert problems(
        format="xml", options={"row": "order"}, columns={**columns, "price": Field("struct<cur:string>")}
    ) == ["currency: is within, or the same as, price"]


@pytest.mark.parametrize("options", [{"quote": ""}, {"sep": "\t", "escape": "\\", "encoding": "cp1252"}])
def test_the_options_of_a_dialect_are_taken(options):
    assert source(options=options).options == options


def test_key_and_required_columns_must_be_there_in_this_order_and_before_the_other_rules():
    declared = source(
        columns={"note": Field("string"), "day": Field("date", required=True), "id": Field("int")},
        rules=(Holds(condition="day > '2017-01-01'", otherwise="too early"),),
    )

    assert [rule.name for rule in declared.all_rules] == ["day is missing", "id is missing", "too early"]


def test_a_folder_without_a_glob_takes_every_file():
    assert (source(path="crm/consents/").folder, source(path="crm/consents/").glob) == ("crm/consents", "*")
    assert (source(path="crm/*.csv").folder, source(path="crm/*.csv").glob) == ("crm", "*.csv")


def test_its_table_has_its_columns_with_their_privacy_and_the_lineage_of_each_row():
    columns = {"id": Field("bigint", "Who.", "pseudonymous"), "day": Field("date", "When.")}

    table = source(columns=columns, feeds=(Feed(to="silver.parties", columns={}),)).table

    assert (table.name, table.key) == ("bronze.consents", ("_file", "_position", "_load_id"))
    assert {name: (c.type, c.privacy) for name, c in table.columns.items()} == {
        "id": ("bigint", "pseudonymous"),
        "day": ("date", "none"),
        "_rescued": ("string", "personal"),
        "_file": ("string", "none"),
        "_position": ("bigint", "none"),
        "_arrived_at": ("timestamp", "none"),
        "_load_id": ("bigint", "none"),
    }
