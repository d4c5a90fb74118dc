"""Declarations: refused on import where they contradict themselves, held against data before it is written."""

import pytest
from pydantic import ValidationError
from pyspark.sql import types as T
from pyspark.testing import assertDataFrameEqual

from lakehouse.rules import Between, Required
from lakehouse.settings import Settings
from lakehouse.tables import Column, ContractError, Table, conform
from lakehouse.types import data_type


def table(columns: dict[str, str] | None = None, **differs) -> Table:
    columns = columns or {"id": "string", "amount": "decimal(18,2)", "lines": "bigint"}
    declared = {
        "name": "silver.orders",
        "doc": "What was ordered.",
        "grain": "one row per order",
        "key": ("id",),
        "columns": {name: Column(type_, f"The {name}.") for name, type_ in columns.items()},
    }
    return Table(**{**declared, **differs})


# Declaring


def test_all_that_is_wrong_with_a_declaration_is_said_at_once():
    with pytest.raises(ContractError) as refused:
        table({"id": "text", "day": "date"}, name="orders", key=("order_id",), cluster_by=("week",))

    assert str(refused.value) == (
        "Cannot declare the table orders:\n"
        "  key names order_id, which is not a column\n"
        "  cluster_by names week, which is not a column\n"
        "  expected a name like layer.table\n"
        "  id: 'text' is not a Spark SQL type"
    )


def test_no_key_column_may_be_missing_in_any_row_whatever_the_declared_rules_are():
    lines_are_counted = Between(column="lines", low=1)

    assert table(rules=(lines_are_counted,)).all_rules == (Required(column="id"), lines_are_counted)


def test_the_layer_is_the_first_part_of_the_name():
    assert table(name="gold.customer_features").layer == "gold"


def test_a_fingerprint_is_the_same_for_the_same_declaration_and_another_for_any_other():
    same, rules, doc = table(), table(rules=(Between(column="lines", low=1),)), table(doc="Orders.")

    assert table().fingerprint == same.fingerprint
    assert len({same.fingerprint, rules.fingerprint, doc.fingerprint}) == 3


def test_a_schema_has_the_declared_types_with_their_meanings():
    assert table({"id": "string", "steps": "array<float>"}).schema == T.StructType(
        [
            T.StructField("id", T.StringType(), True, {"comment": "The id."}),
            T.StructField("steps", T.ArrayType(T.FloatType()), True, {"comment": "The steps."}),
        ]
    )


# Conforming


def test_columns_come_out_as_declared_in_order_and_type_whatever_order_they_had(spark):
    rows = spark.createDataFrame([(2, "1.50", "a")], "lines int, amount string, id string")
    rows = rows.withColumn("amount", rows.amount.cast("decimal(10,2)"))

    expected = spark.sql("SELECT 'a' AS id, CAST(1.5 AS decimal(18,2)) AS amount, 2L AS lines")
    assertDataFrameEqual(conform(rows, table()), expected)


def test_all_that_is_wrong_with_data_is_said_at_once_with_what_to_do(spark):
    rows = spark.createDataFrame([], "id bigint, amount decimal(38,2), email string")

    with pytest.raises(ContractError) as refused:
        conform(rows, table())

    assert str(refused.value) == (
        "Cannot write silver.orders (one row per order):\n"
        "  id: expected string, found bigint\n"
        "  amount: expected decimal(18,2), found decimal(38,2)\n"
        "  lines: expected bigint, found no such column\n"
        "  email: found, but not declared\n"
        "Correct the transformation, or change the columns of silver.orders."
    )


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        ("int", "bigint"),
        ("tinyint", "int"),
        ("float", "double"),
        ("decimal(10,2)", "decimal(18,2)"),
        ("decimal(10,2)", "decimal(18,4)"),
        ("void", "date"),
        ("array<string>", "array<string>"),
    ],
)
def test_a_type_widens_where_every_value_stays_what_it_is(spark, found, declared):
    rows = spark.sql(f"SELECT CAST(NULL AS {found}) AS v")

    assert conform(rows, table({"v": declared}, key=())).schema["v"].dataType == data_type(declared)


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        ("bigint", "int"),
        ("double", "float"),
        ("int", "double"),
        ("decimal(18,2)", "decimal(18,1)"),
        ("decimal(18,2)", "decimal(18,4)"),
        ("string", "date"),
        ("timestamp", "date"),
        ("int", "string"),
        ("array<int>", "array<bigint>"),
    ],
)
def test_a_type_is_never_changed_where_a_value_could_be(spark, found, declared):
    with pytest.raises(ContractError, match=r"v: expected .*, found"):
        conform(spark.sql(f"SELECT CAST(NULL AS {found}) AS v"), table({"v": declared}, key=()))


# Types


@pytest.mark.parametrize(
    "ddl",
    ["string", "tinyint", "decimal(18,2)", "array<array<int>>", "map<string,array<double>>", "struct<a:int,b:date>"],
)
def test_a_type_is_the_one_that_spark_reads_from_the_same_words(spark, ddl):
    assert data_type(ddl) == spark.sql(f"SELECT CAST(NULL AS {ddl}) AS v").schema["v"].dataType


@pytest.mark.parametrize("ddl", ["", "text", "String", "decimal", "decimal(x)", "array<>", "map<string>", "struct<a>"])
def test_what_is_no_type_is_refused_on_import_without_a_session(ddl):
    with pytest.raises(ValueError):
        data_type(ddl)


# Settings


def test_everything_is_in_one_folder_unless_it_is_said_otherwise(tmp_path):
    settings = Settings(home=tmp_path)

    assert settings.landing_dir == f"{tmp_path}/landing"
    assert settings.state_dir == f"{tmp_path}/state"
    assert settings.warehouse_dir == f"{tmp_path}/warehouse"
    assert Settings(home=tmp_path, landing="/Volumes/c/raw/landing").landing_dir == "/Volumes/c/raw/landing"


def test_a_table_is_in_the_catalog_of_the_settings_and_in_sparks_own_without_one(tmp_path):
    assert Settings(home=tmp_path, catalog="prod").table("gold.churn_labels") == "prod.gold.churn_labels"
    assert Settings(home=tmp_path).table("gold.churn_labels") == "gold.churn_labels"


def test_settings_come_from_the_environment_and_arguments_win(monkeypatch, tmp_path):
    monkeypatch.setenv("ORRERY_CATALOG", "staging")
    monkeypatch.setenv("ORRERY_SHARDS", "64")

    assert (Settings(home=tmp_path).catalog, Settings(home=tmp_path).shards) == ("staging", 64)
    assert Settings(home=tmp_path, catalog="prod").catalog == "prod"


@pytest.mark.parametrize("wrong", [{"target": "cloud"}, {"shards": 0}, {"colour": "red"}])
def test_a_setting_that_does_not_exist_or_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(**wrong)
