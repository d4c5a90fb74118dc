"""Arrow types a plainly spelled text as Spark does, or leaves it to Spark."""

import random

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from bronze.source import Field, Source
from bronze.typed import arrow_type, typed
from bronze.values import from_text

TYPES = (
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "float",
    "double",
    "decimal(10,2)",
    "decimal(38,18)",
    "date",
    "timestamp",
)
TEXTS = (
    "0", "-0", "1", "+1", "-1", "007", "127", "128", "-129", "32768", "2147483648", "9223372036854775808", "1_000",
    "1,5", " 1", "1 ", "\t1", "\u00a01", "\u0661", "0x1F", "0X1f", "1L", "1d", "1f", "0x1p3", "--1", ".", "-", "e",
    "", "1e", "1e3", "1E-2", "1e400", "1e-400", "nan", "NaN", "inf", "-Infinity", "1.0", ".5", "5.", "1.234",
    "1.230", "99999999.99", "100000000.00", "12345678901234567890.123456789012345678",
    "123456789012345678901234567890123456789", "3.4028236e38", "16777217", "0.1", "1e38", "2024-07-01", "2024-7-1",
    "2024-02-30", "1500-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "-001-01-01", "20240701",
    "2024-07-01 ", "2024-07-01T", "2024-07-01 09:30:00", "2024-07-01T09:30:00", "2024-07-01 24:00:00",
    "2024-07-01 23:59:60", "2024-07-01 09:30", "2024-07-01 9:30:00", "2024-07-01 09:30:00Z", "2024-07-01 09:30:0Z",
    "2024-07-01 09:30+02", "2024-03-31 02:30:00", "2024-07-01 09:30:00.123456", "0001-01-01 00:00:00",
    "0000-01-01 00:00:00", "9999-12-31 23:59:59", "1883-11-18 12:00:00", "true", "null", "None",
)  # fmt: skip


def source(type_: str) -> Source:
    return Source(
        name="lines",
        doc="Lines.",
        path="lines/*",
        format="csv",
        key=("value",),
        columns={"value": Field(type_)},
    )


def mutated(count: int) -> list[str]:
    """Texts with a character put in, taken out or changed."""
    chooser = random.Random(7)
    found = []
    for _ in range(count):
        text = list(chooser.choice(TEXTS))
        text.insert(chooser.randint(0, len(text)), chooser.choice("0159 .-+:TZex,"))
        if chooser.random() < 0.5:
            text.pop(chooser.randrange(len(text)))
        found.append("".join(text))
    return found


def by_arrow(text: str, f: Field) -> list | None:
    type_ = arrow_type(f)
    assert type_ is not None
    values = typed(pa.array([text], pa.string()), type_)
    return None if values is None else values


@pytest.mark.parametrize("type_", TYPES)
def test_what_arrow_types_is_what_spark_types(spark: SparkSession, type_: str) -> None:
    told = source(type_)
    f = told.columns["value"]
    texts = [*TEXTS, *mutated(400)]
    quick = [by_arrow(text, f) for text in texts]
    plain = [text for text, value in zip(texts, quick, strict=True) if value is not None]
    values = pa.concat_arrays([value for value in quick if value is not None])

    rows = spark.createDataFrame(pa.table({"text": pa.array(plain), "quick": values}))
    differing = rows.where(~from_text(F.col("text"), f, told).eqNullSafe(F.col("quick")))

    assert [tuple(row) for row in differing.select("text", F.col("quick").cast("string")).collect()] == []
    assert len(plain) >= 5


def test_a_column_of_which_any_text_is_not_plain_is_left_to_spark() -> None:
    assert typed(pa.array(["1", None, "2"]), pa.int64()).to_pylist() == [1, None, 2]
    assert typed(pa.array(["1", " 2"]), pa.int64()) is None
    assert typed(pa.array([None, None], pa.string()), pa.timestamp("us", tz="UTC")).to_pylist() == [None, None]
    assert typed(pa.array([], pa.string()), pa.float64()).to_pylist() == []


@pytest.mark.parametrize(
    "f",
    [
        Field("date", pattern="dd.MM.yyyy"),
        Field("bigint", thousands="."),
        Field("decimal(10,2)", decimal=","),
        Field("boolean"),
        Field("array<int>"),
        Field("binary"),
    ],
)
def test_what_is_spelled_in_a_way_of_its_own_is_left_to_spark(f: Field) -> None:
    assert arrow_type(f) is None
