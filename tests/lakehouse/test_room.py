"""A full disk is told with the folders that are on it, and a table that was not found with the one that is shut."""

from collections import namedtuple
from pathlib import Path

import pytest

from lakehouse.room import about_folders, no_room
from lakehouse.settings import Settings

Usage = namedtuple("Usage", "free")
SAID = "java.io.IOException: No space left on device"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch) -> Settings:
    """With a warehouse that has 100 bytes left, and a state folder that has as many as the test puts in its file."""
    home, state = tmp_path / "home", tmp_path / "state"
    (home / "warehouse").mkdir(parents=True), state.mkdir()
    free = {home: 1 << 40, home / "warehouse": 100}
    monkeypatch.setattr(
        "lakehouse.room.shutil.disk_usage",
        lambda folder: Usage(free.get(folder) or int((state / "free").read_text())),
    )
    return Settings(home=home, state=str(state))


def test_every_folder_that_has_no_room_left_is_named(settings):
    (Path(settings.state_dir) / "free").write_text("1000")

    warehouse, state = f"{settings.warehouse_dir} (100 bytes are free)", f"{settings.state_dir} (1,000 bytes are free)"
    assert no_room(settings, "anything") == f"No room is left in {warehouse}, {state}.\nMake some, and run it again."


def test_where_room_was_made_meanwhile_the_fullest_is_named_and_only_for_a_full_disk(settings, monkeypatch):
    monkeypatch.setattr("lakehouse.room.LITTLE", 10)
    (Path(settings.state_dir) / "free").write_text("1000")

    assert f"in {settings.warehouse_dir} (100 bytes are free)." in (no_room(settings, SAID) or "")
    assert no_room(settings, "anything else") is None
    assert about_folders(settings.model_copy(update={"target": "databricks"}), SAID) is None


@pytest.mark.parametrize(
    "said",
    [
        "[DELTA_TABLE_NOT_FOUND] Delta table `bronze`.`stock` doesn't exist.",
        "[DELTA_TABLE_NOT_FOUND] Delta table `spark_catalog`.`bronze`.`stock` doesn't exist.",
        "`file:/lake/warehouse/bronze.db/stock` doesn't exist, or is not a Delta table.",
    ],
)
def test_of_a_table_that_was_not_found_the_first_folder_that_does_not_open_is_named(settings, said, monkeypatch):
    monkeypatch.undo()  # the disk has room
    table = Path(settings.warehouse_dir) / "bronze.db/stock"
    (table / "_delta_log").mkdir(parents=True)
    assert about_folders(settings, said) is None

    (table / "_delta_log").rmdir()
    assert about_folders(settings, said) == (
        f"Cannot open {table / '_delta_log'}: No such file or directory.\nMend it, and run it again."
    )
    table.rmdir()
    table.symlink_to(table)
    assert f"Cannot open {table}: Too many levels of symbolic links." in (about_folders(settings, said) or "")
    assert about_folders(settings, "something else") is None
