"""Parquet footers without Spark: one that is damaged or that Spark cannot read as it is refuses its file."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bronze.parquet import NotParquetError, parquet_footer, parquet_schema
from bronze.shares import Arrival

Land = Callable[[bytes], Arrival]


@pytest.fixture
def land(tmp_path: Path) -> Land:
    def land_content(content: bytes) -> Arrival:
        path = tmp_path / "file.parquet"
        path.write_bytes(content)
        return Arrival(str(path), path.name, len(content), datetime(2024, 7, 1, tzinfo=UTC))

    return land_content


def parquet(*names: str, **columns: pa.Array) -> bytes:
    arrays = [pa.array([1, 2]) for _ in names]
    sink = BytesIO()
    pq.write_table(pa.table([*arrays, *columns.values()], names=[*names, *columns]), sink)
    return sink.getvalue()


def test_any_wrong_byte_of_a_footer_gives_a_schema_or_a_refusal(land):
    moments = pa.array([datetime(2024, 7, 1, tzinfo=UTC)] * 2)
    content = parquet("id", at=moments, tags=pa.array([["x"], []]), who=pa.array([{"n\u00e9": 1}, None]))
    chooser = random.Random(7)
    refused = 0
    for _ in range(3000):
        wrong = bytearray(content)
        at = chooser.randrange(content.index(b"schema") - 20, len(content))
        wrong[at] = chooser.randrange(256)
        arrival = land(bytes(wrong))
        try:
            str(parquet_schema(arrival))
            parquet_footer(arrival).num_rows  # noqa: B018
        except NotParquetError as error:
            refused += "the file" in str(error)

    assert 100 < refused < 3000


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (parquet("id", "id"), "id, id"),
        (parquet("id", "at", "ID"), "id, ID"),
        (parquet("id", who=pa.array([{"n": 1, "N": 2}, None])), "n, N"),
        (parquet("id", who=pa.array([[{"n": 1, "N": 2}], None])), "n, N"),
    ],
)
def test_columns_that_spark_cannot_tell_apart_refuse_the_file(land, content, names):
    with pytest.raises(NotParquetError, match=f"^the file names a column twice: {names}$"):
        parquet_schema(land(content))


def test_the_same_name_in_two_structs_is_none_twice(land):
    content = parquet("n", who=pa.array([{"n": 1}, None]), whom=pa.array([{"n": 1}, None]))

    assert parquet_schema(land(content)).names == ["n", "who", "whom"]


def test_an_error_of_the_disk_is_raised(land):
    arrival = land(parquet("id"))
    Path(arrival.path).unlink()

    with pytest.raises(FileNotFoundError):
        parquet_schema(arrival)
