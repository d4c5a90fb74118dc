"""Forty kinds of corrupt files and more: what is sound in them lands, the rest says what is wrong, none is silent."""

from pathlib import Path

import pytest

from bronze.read import layout_of
from bronze.records import read_records
from tests.faults.corrupt import COLUMNS, KINDS, Corrupt, land_all_kinds, outcome, source_of


@pytest.mark.parametrize("corrupt", [each for each in KINDS if not each.typed], ids=lambda each: each.kind)
def test_records_are_the_ledgers(corrupt: Corrupt, tmp_path: Path) -> None:
    path = tmp_path / f"file{corrupt.ending}"
    path.write_bytes(corrupt.content)

    records = [
        record
        for batch in read_records(str(path), layout_of(source_of(corrupt.format)))
        for record in batch.to_pylist()
    ]

    good = [tuple(record[name] for name in COLUMNS) for record in records if record["_error"] is None]
    refused = [(record["_raw"], record["_error"]) for record in records if record["_error"] is not None]
    assert outcome(corrupt, good, refused).is_clean, outcome(corrupt, good, refused)


def test_there_are_forty_kinds_over_all_formats() -> None:
    assert len({each.kind for each in KINDS}) == len(KINDS) >= 40
    assert {each.format for each in KINDS} == {"csv", "jsonl", "json", "xml", "avro", "fixed", "parquet"}


def test_bronze_and_quarantine_are_the_ledgers(lake) -> None:
    outcomes = land_all_kinds(lake)

    assert [each for each in outcomes if not each.is_clean] == []
