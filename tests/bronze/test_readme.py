"""What bronze/README.md shows is done here word for word, and what it prints is what is printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import bronze.sources
from bronze.registry import declared_sources
from jobs import cli, source
from jobs.build_silver import build_silver
from jobs.ingest import ingest_sources
from lakehouse.delta import Lakehouse
from silver.tables import PARTIES
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


def test_the_same_declaration_among_the_built_in_ones_adds_a_source_to_theirs(lake, tmp_path, monkeypatch):
    texts = dict(reversed(BLOCK.findall(PAGE.read_text())))  # the first of each language
    theirs = declared_sources()
    (tmp_path / "tea_sales.py").write_text(texts["python"])
    monkeypatch.setattr(bronze.sources, "__path__", [*bronze.sources.__path__, str(tmp_path)])
    delivered = Path(lake.settings.landing_dir, "tea/sales/tea_sales_2024-06-30.csv")
    delivered.parent.mkdir(parents=True)
    delivered.write_text(texts["csv"])

    sources = declared_sources()
    ingest_sources(lake, sources)
    build_silver(lake, sources)

    assert {each.name for each in sources} == {"tea_sales", *(each.name for each in theirs)}
    assert {row.party_id for row in lake.read(PARTIES).collect()} == {"tea/70011", "tea/70025"}
