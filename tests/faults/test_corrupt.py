"""Forty kinds of corrupt files and more: what is sound in them lands, the rest says what is wrong, none is silent."""

from pathlib import Path

import pytest

from bronze.read import layout_of
from bronze.records import read_records
from tests.faults.corrupt import land_all_kinds, outcome, source_of
from tests.faults.kinds import COLUMNS, KINDS, SOUND, Corrupt


@pytest.mark.parametrize("corrupt", [each for each in (*KINDS, *SOUND) if not each.typed], ids=lambda each: each.file)
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
    formats = {"csv", "jsonl", "json", "xml", "avro", "fixed", "parquet"}
    assert {each.format for each in KINDS} == formats
    assert {each.format for each in KINDS if each.good and each.refused} == formats  # in part, and the rest lands
    assert {each.format for each in SOUND} == formats


def test_bronze_and_quarantine_are_the_ledgers(lake) -> None:
    outcomes = land_all_kinds(lake)

    assert [each for each in outcomes if not each.is_clean] == []
