"""A few runs at once; `make faults` has up to eight, for more rounds."""

from pathlib import Path

from tests.faults.at_once import campaign


def test_runs_at_once_land_each_content_once_and_note_each_version(lake, tmp_path: Path) -> None:
    tally = campaign(lake.spark, tmp_path, lake.settings.home, rounds=2, most=3, seed=0)

    assert tally.is_clean, (tally, tally.failed)
    assert tally.faults > 10
