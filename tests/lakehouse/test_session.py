"""How the session starts."""

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse import session
from lakehouse.session import ARCHIVE


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
