"""A full disk and a folder that cannot be read; `make faults` has many more."""

import subprocess
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession

from tests.faults.disks import (
    FOLDERS,
    HEEDING,
    IN_TIME,
    NO_PERMISSION,
    End,
    Fault,
    campaign,
    end_of_run,
    may_mount,
    shut,
    wrong_with,
)


@pytest.mark.end_to_end
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


@pytest.mark.end_to_end
def test_a_folder_that_cannot_be_read_is_named_and_leaves_nothing_in_part(spark: SparkSession, tmp_path: Path) -> None:
    tally = campaign(spark, tmp_path, places=[FOLDERS], rounds=1, seed=0, most=1)

    assert tally.is_clean, (tally, tally.failed)
    assert tally.faults == 1


@pytest.mark.parametrize("fills_up", [False, True])
def test_the_time_until_a_fault_is_named_counts_from_when_it_can_be_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fills_up: bool
) -> None:
    full = tmp_path / "full"
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=0 if full.exists() else 1))
    fault = Fault(tmp_path / "state", lambda folder: nullcontext(), "No room is left in", fills_up=fills_up)
    does = f"sleep 2; touch {full}; echo 'No room is left in {fault.folder}'; sleep 2; exit 1"

    end = end_of_run(["sh", "-c", does], tmp_path / "of.log", fault)

    assert end.code == 1
    assert end.named is not None
    assert (end.named < 2) == fills_up


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (End(1, IN_TIME, "named"), None),
        (End(1, IN_TIME + 0.1, "named"), "too late: expected within 30 s"),
        (End(1, None, "other"), "it ended with 1 and said:\nother"),
        (End(0, 1.0, "named"), "it ended with 0 and said"),
        (End(None, 1.0, "named"), "it hung for more than 300 s"),
    ],
)
def test_a_fault_must_be_named_in_time_and_end_the_run(end: End, says: str | None) -> None:
    found = wrong_with(end, Fault(Path("state"), lambda folder: nullcontext(), NO_PERMISSION))

    assert [says is not None and each.startswith(says) for each in found] == [True] * (says is not None)


def test_a_fault_is_named_by_the_line_that_says_what_is_wrong_with_which_folder() -> None:
    fault = Fault(Path("/lake/state"), lambda folder: nullcontext(), NO_PERMISSION)

    assert fault.is_named_in("Error\n[Errno 13] Permission denied: '/lake/state/ingest.lock'")
    assert not fault.is_named_in("[Errno 13] Permission denied: '/lake/other'\nState: /lake/state")


def test_a_shut_folder_keeps_even_root_out(tmp_path: Path) -> None:
    with shut(tmp_path, mode=0o000):
        listing = subprocess.run([*HEEDING, "ls", tmp_path], capture_output=True, text=True, check=False)

    assert NO_PERMISSION in listing.stderr
    assert list(tmp_path.iterdir()) == []
