"""How the session starts."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from lakehouse import session
from lakehouse.session import (
    ARCHIVE,
    MADE_IN,
    MovedError,
    has_small_landing,
    remove_unfinished_catalog,
    see_that_it_opens,
    see_that_it_stayed,
)
from tests.processes import Running, orrery, run


@pytest.mark.skipif(not ARCHIVE.exists(), reason="`make setup` could make no archive of Java's classes")
def test_the_jvm_starts_with_the_archive_of_classes(spark: SparkSession) -> None:
    assert spark.sparkContext._jvm is not None
    java = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()

    assert str(ARCHIVE) in Path(f"/proc/{java}/maps").read_text()


def test_java_starts_without_other_settings_and_python_keeps_its_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(session, "ARCHIVE", tmp_path / "classes" / "spark.jsa")
    monkeypatch.setattr(session, "SPARK_CONF", tmp_path)
    (tmp_path / "classes").mkdir()
    (tmp_path / "spark-env.sh").write_text("# Written by setup.sh.\nJAVA_HOME=/opt/java\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("SPARK_LOCAL_IP", "10.0.0.1")
    monkeypatch.delenv("JAVA_HOME", raising=False)

    with session.without_conf_dir():
        started_with = dict(os.environ)

    assert (started_with["JAVA_HOME"], started_with["SPARK_LOCAL_IP"]) == ("/opt/java", "10.0.0.1")
    assert list(Path(started_with["SPARK_CONF_DIR"]).iterdir()) == []
    assert (os.environ["SPARK_CONF_DIR"], os.environ.get("JAVA_HOME")) == (str(tmp_path), None)


def test_settings_that_a_user_has_chosen_are_kept(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(session, "SPARK_CONF", tmp_path)
    (tmp_path / "spark-env.sh").write_text("JAVA_HOME=/opt/java\n")
    monkeypatch.delenv("SPARK_CONF_DIR", raising=False)

    assert session.has_own_conf()
    monkeypatch.setenv("SPARK_CONF_DIR", "/etc/spark/conf")
    assert not session.has_own_conf()


@pytest.mark.end_to_end
def test_a_lake_whose_path_has_blanks_and_quotes_starts_and_one_that_was_moved_says_so(tmp_path: Path) -> None:
    home, moved = tmp_path / "our 'own' lake" / "home", tmp_path / "moved"
    run(orrery("--home", home, "sql", "create table here as select 1 as number"), tmp_path / "first.log")
    log = tmp_path / "second.log"
    run(orrery("--home", home, "sql", "select number + 41 from here"), log)
    assert "42" in log.read_text()

    home.rename(moved)
    refused = Running(orrery("--home", moved, "sql", "select * from here"), log)

    assert refused.wait().code == 1
    assert f"Error: Cannot open the lakehouse in {moved}: expected it in {home}" in log.read_text()


@pytest.mark.end_to_end
def test_a_lake_opens_whose_catalog_was_being_made_when_it_was_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "metastore" / "seg0").mkdir(parents=True)

    run(orrery("--home", home, "sql", "select 41 + 1"), tmp_path / "sql.log")

    assert "42" in (tmp_path / "sql.log").read_text()


def test_only_a_catalog_that_is_unfinished_without_tables_and_that_nobody_makes_is_removed(tmp_path: Path) -> None:
    catalog, warehouse = tmp_path / "metastore", tmp_path / "warehouse"

    def is_removed() -> bool:
        remove_unfinished_catalog(catalog, warehouse)
        return not catalog.exists()

    catalog.mkdir()
    assert is_removed()
    catalog.mkdir()
    (catalog / "dbex.lck").touch()
    lock = "import fcntl, sys; held = open(sys.argv[1], 'rb+'); fcntl.lockf(held, fcntl.LOCK_EX); print(); input()"
    command = [sys.executable, "-uc", lock, str(catalog / "dbex.lck")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()
        assert not is_removed()
        other.communicate(b"\n")
    (warehouse / "table_of_the_default_schema").mkdir(parents=True)
    assert not is_removed()
    (warehouse / "table_of_the_default_schema").rmdir()
    (catalog / "service.propertiesold").touch()
    assert not is_removed()
    (catalog / "service.propertiesold").unlink()
    (catalog / "service.properties").write_text("a=1\n#--- last line, don't put anything after this line ---\n")
    assert not is_removed()
    (catalog / "service.properties").write_text("a=1\n")
    assert is_removed()


def test_a_folder_that_cannot_be_opened_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()

    for name, why in ("loop", "Too many levels of symbolic links"), ("file", "Not a directory"):
        with pytest.raises(OSError, match=f"{why}: '{tmp_path}/{name}'"):
            see_that_it_opens(tmp_path / name)
    see_that_it_opens(tmp_path / "nothing")


def test_a_lake_stays_where_it_was_made_or_is_linked_there(tmp_path: Path) -> None:
    home, moved = tmp_path / "home", tmp_path / "moved"
    (home / "metastore").mkdir(parents=True)
    see_that_it_stayed(home)  # it was made before this was noted
    assert not (home / MADE_IN).exists()
    (home / "metastore").rmdir()
    see_that_it_stayed(home)
    (home / "metastore").mkdir()
    see_that_it_stayed(home)

    home.rename(moved)
    with pytest.raises(MovedError, match=f"in {moved}: expected it in {home}"):
        see_that_it_stayed(moved)

    home.symlink_to(moved)
    see_that_it_stayed(moved)
    see_that_it_stayed(home)


def test_a_landing_is_small_by_the_bytes_that_have_arrived(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(session, "FEW_BYTES", 100)
    (tmp_path / "pos").mkdir()
    assert not has_small_landing(str(tmp_path))  # what will arrive is not known
    assert not has_small_landing("s3://bucket/landing")

    (tmp_path / "pos" / "a.csv").write_bytes(bytes(50))
    assert has_small_landing(str(tmp_path))
    (tmp_path / "pos" / "b.parquet").write_bytes(bytes(6))  # holds ten times as much
    assert not has_small_landing(str(tmp_path))


def test_python_workers_look_into_no_archive_that_each_task_would_read(spark):
    def looked_into(batches):
        for _ in batches:
            yield pa.RecordBatch.from_pydict({"path": [*sys.path, *sys.path_importer_cache]})

    paths = {row.path for row in spark.range(1).mapInArrow(looked_into, "path string").collect()}

    assert paths
    assert not [path for path in paths if path.endswith((".jar", ".zip"))]
