"""A full disk and a folder that cannot be read; `make faults` has many more."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.disks import FOLDERS, campaign, may_mount

pytestmark = pytest.mark.end_to_end


@pytest.mark.parametrize("can_mount", [True, False], ids=["mounted", "not mounted"])
def test_a_full_disk_is_named_and_leaves_nothing_in_part(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_mount: bool
) -> None:
    if can_mount and not may_mount(tmp_path / "mount"):
        pytest.skip("this machine lets no small disk be mounted")
    monkeypatch.setattr("tests.faults.disks.may_mount", lambda folder: can_mount)

    tally = campaign(spark, tmp_path, places=["warehouse"], rounds=1, seed=0, most=1)

    assert tally.is_clean, (tally, tally.failed)
    assert tally.faults == 1


def test_a_folder_that_cannot_be_read_is_named_and_leaves_nothing_in_part(spark: SparkSession, tmp_path: Path) -> None:
    tally = campaign(spark, tmp_path, places=[FOLDERS], rounds=1, seed=0, most=1)

    assert tally.is_clean, (tally, tally.failed)
    assert tally.faults == 1
