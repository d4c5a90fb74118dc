"""What bronze/README.md shows is done here word for word, and what it prints is what is printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import cli, source
from lakehouse.delta import Lakehouse
from tests.processes import ROOT
from tests.readme import BLOCK, Command, commands

PAGE = ROOT / "bronze" / "README.md"
SAMPLE = "samples/tea_sales_2024-06-30.csv"


@pytest.fixture
def folder(lake: Lakehouse, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, in the session that all tests share."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "open_session", lambda settings: spark)
    monkeypatch.setattr(source, "open_session", lambda settings: spark)
    monkeypatch.setattr(SparkSession, "stop", lambda session: None)
    return tmp_path


def typed(command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> str:
    """What a command prints."""
    if command.program != "orrery":
        subprocess.run(command.line, shell=True, check=True)
        return ""
    monkeypatch.setattr(sys, "argv", command.words)
    capsys.readouterr()
    cli.main()
    return without_times(capsys.readouterr().out)


def without_times(text: str) -> str:
    return "\n".join(re.sub(r"\s+[\d.]+ s( in all)?$", "", line).rstrip() for line in text.strip().splitlines()).strip()


def test_a_source_is_added_as_the_page_shows(folder, monkeypatch, capsys, spark):
    blocks = BLOCK.findall(PAGE.read_text())
    to_print = [without_times(text) for language, text in blocks if language == "text"]
    (sample,) = [text for language, text in blocks if language == "csv"]
    (declaration,) = [text for language, text in blocks if language == "python"]
    (folder / "samples").mkdir()
    (folder / SAMPLE).write_text(sample)
    printed = []
    for command in commands(PAGE):
        prints = typed(command, monkeypatch, capsys)
        if command.words[-1] != "silver":  # whose tables end in an order of their own; the page leaves them out
            printed.append(prints)
        if command.words[:3] == ["orrery", "source", "new"]:
            (folder / "sources/tea_sales.py").write_text(declaration)

    assert [each for each in printed if each] == to_print
    rows = spark.sql("select Receipt, Units, string(Paid) from bronze.tea_sales order by Receipt, Units").collect()
    assert [tuple(row) for row in rows] == [
        ("A-1001", 1, "6.50"), ("A-1001", 2, "9.80"), ("A-1002", 1, "1012.00"), ("A-1003", 3, "14.70"),
    ]  # fmt: skip
    assert (folder / "docs/tea_sales.md").read_text().startswith("# tea_sales\n\nOne row per product of a sale.\n")
