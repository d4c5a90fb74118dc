"""More than two hundred schema drifts: each ends as its source declares, and no value is silently another."""

from typing import get_args

import pytest

from bronze.source import NewColumns
from tests.faults.drift import DRIFTS, NAMED, SOURCES, Drift, Found, land_all_drifts, outcome


def test_there_are_thirty_drifts_over_all_formats() -> None:
    assert len({each.kind for each in DRIFTS}) == len(DRIFTS) >= 30
    assert {each.source for each in DRIFTS} >= {"csv", "jsonl", "json", "xml", "avro", "fixed", "parquet"}


def test_new_and_renamed_columns_are_tried_under_each_end_that_a_source_may_declare_for_them() -> None:
    for policy in get_args(NewColumns):
        of_policy = [each for each in DRIFTS if SOURCES[each.source].new_columns == policy]
        for format in NAMED:
            kinds = {each.kind.removeprefix(f"{policy} {format} ") for each in of_policy}
            assert {"adds a column", "renames a column", "changes the case of a name"} <= kinds


def test_a_column_that_the_ledger_does_not_know_is_not_as_it_should_be() -> None:
    drift = Drift("a kind", "evolve_csv", b"", lands=({"id": 1},))

    assert not outcome(drift, Found(Drift("a kind", "evolve_csv", b"", lands=({"id": 1, "till": "7"},)).good)).is_clean


def test_the_ledger_tells_a_row_that_is_lost_from_one_that_is_silently_another() -> None:
    drift = Drift("a kind", "fixed", b"", lands=({"id": 1},), refused=("id: expected int",))
    wrong = Drift("a kind", "fixed", b"", lands=({"id": 2},)).good

    lost = outcome(drift, Found())
    silent = outcome(drift, Found(wrong, ["id: expected int, found 'x'"]))
    doubled = outcome(drift, Found(drift.good, ["id: expected int, found 'x'"] * 2))

    assert (lost.lost, lost.duplicated, len(lost.unflagged)) == (2, 0, 1)
    assert (silent.lost, silent.duplicated, len(silent.unflagged)) == (0, 0, 1)
    assert (doubled.lost, doubled.duplicated, doubled.unflagged) == (0, 1, [])


@pytest.mark.end_to_end
@pytest.mark.timeout(1800)
def test_every_row_ends_as_its_source_declares(lake) -> None:
    outcomes = land_all_drifts(lake)

    assert [each for each in outcomes if not each.is_clean] == []
