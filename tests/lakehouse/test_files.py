"""Young tables, of which their log says all: and logs that are left to Delta."""

import json
from pathlib import Path
from typing import Any

import pytest

from lakehouse.files import files_of
from lakehouse.history import entries_in
from lakehouse.tables import ContractError

SCHEMA = {"type": "struct", "fields": [{"name": "id", "type": "integer", "nullable": True, "metadata": {}}]}
MADE = {"metaData": {"schemaString": json.dumps(SCHEMA), "partitionColumns": [], "configuration": {"a": "b"}}}


def added(path: str, **about: Any) -> dict[str, Any]:
    return {"add": {"path": path, "stats": json.dumps({"numRecords": 2}), **about}}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Its first commit adds a file, and its second takes that away and adds another."""
    commit(tmp_path, 0, MADE, added("a.parquet"))
    commit(tmp_path, 1, {"remove": {"path": "a.parquet"}}, added("b%20c.parquet"))
    return tmp_path


def commit(table: Path, version: int, *actions: dict[str, Any] | str) -> None:
    (table / "_delta_log").mkdir(exist_ok=True)
    lines = [each if isinstance(each, str) else json.dumps(each) for each in actions]
    (table / "_delta_log" / f"{version:020}.json").write_text("".join(f"{line}\n" for line in lines))


def test_a_log_tells_the_files_and_what_its_table_was_made_with(table):
    young = files_of(table)

    assert young is not None
    assert young.paths == [str(table / "b c.parquet")]
    assert (young.rows, young.properties, young.schema.names) == (2, {"a": "b"}, ["id"])


def test_files_in_a_folder_that_spark_would_take_for_a_pattern_are_named_as_they_are(tmp_path):
    table = tmp_path / "lake[1]"
    table.mkdir()
    commit(table, 0, MADE, added("a.parquet"))

    young = files_of(table)

    assert young is not None
    assert young.paths == [f"{tmp_path}/lake\\[1\\]/a.parquet"]


@pytest.mark.parametrize(
    "action",
    [
        {"metaData": {**MADE["metaData"], "partitionColumns": ["id"]}},
        added("/another/table/a.parquet"),
        added("file:/another/table/a.parquet"),
        {"protocol": {"minReaderVersion": 3, "readerFeatures": ["deletionVectors"]}},
        '{"add": {"path": "torn',
        "",
    ],
    ids=["partitions", "a clone", "a clone by address", "of newer readers", "torn", "empty"],
)
def test_a_log_that_says_more_or_less_is_left_to_delta(table, action):
    commit(table, 2, action)

    assert files_of(table) is None


def test_a_log_that_lacks_a_commit_is_left_to_delta(table):
    commit(table, 3, added("d.parquet"))

    assert files_of(table) is None


TORN = (b'{"commitInfo":{"timestamp":1,"operation":"WRI', b'{"commitInfo":{"note":"\xc3', b'{"com', b"\0\0", b"")


@pytest.mark.parametrize("torn", TORN)
def test_a_log_with_a_torn_commit_says_which_it_is(table, torn):
    (table / "_delta_log" / f"{2:020}.json").write_bytes(torn)

    assert files_of(table) is None
    with pytest.raises(ContractError, match=f"^Cannot read the table {table}: expected a commit of .* in 0+2.json "):
        list(entries_in(table / "_delta_log", None))


def test_a_commit_that_says_nothing_of_itself_is_left_out(table):
    assert list(entries_in(table / "_delta_log", None)) == []
