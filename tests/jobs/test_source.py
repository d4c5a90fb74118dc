"""What a person sees who sketches, tries and reads declarations, where no session is needed."""

import sys
from pathlib import Path

import pytest

from jobs import cli
from jobs.source import DoesNotFitError, check_source, new_source, write_pages
from lakehouse.settings import Settings
from lakehouse.tables import ContractError

DECLARED = """
from bronze.source import Field, Source

COLUMNS = {"id": Field("int")}
VISITS = Source(name="visits", doc="Visits.", path="web/visits/*.csv", format="csv", key=(), columns=COLUMNS)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "orders_2024-06-30.csv"
    path.write_text("order_no;email;placed_at\n" + "".join(f"{n};a{n}@b.example;soon\n" for n in range(10, 14)))
    return path


def test_what_was_guessed_and_what_is_to_fill_in_is_said(settings, sample, tmp_path, capsys):
    path = new_source(settings, "orders", [sample], tmp_path / "sources")

    said = capsys.readouterr().out
    assert said.startswith(f"{path}: csv, sep ';'; 4 records of 1 file\n")
    assert "\n  order_no                 bigint  key\n  email                    string  personal\n" in said
    assert "the path orders/orders_*.csv, the key order_no" in said
    assert "To fill in, where it says FILL IN" in said
    assert said.endswith(f"Then: orrery source check orders {sample} --sources {tmp_path / 'sources'}\n")


def test_a_declaration_that_is_there_is_not_overwritten(settings, sample, tmp_path):
    (tmp_path / "orders.py").write_text("# mine")

    with pytest.raises(ContractError, match=r"Cannot write .*orders\.py: it is there already\. Choose another name"):
        new_source(settings, "orders", [sample], tmp_path)

    assert (tmp_path / "orders.py").read_text() == "# mine"


def test_a_name_that_the_folder_declares_is_not_taken_again(settings, sample, tmp_path):
    (tmp_path / "web.py").write_text(DECLARED)

    with pytest.raises(ContractError, match=r"Cannot sketch visits: .* declares it already"):
        new_source(settings, "visits", [sample], tmp_path)


def test_files_in_the_landing_folder_give_the_path(settings, tmp_path):
    landed = Path(settings.landing_dir) / "shop/orders/orders_2024-06-30.csv"
    landed.parent.mkdir(parents=True)
    landed.write_text("order_no,units\n1,2\n2,2\n")

    text = new_source(settings, "orders", [landed], tmp_path / "sources").read_text()

    assert 'path="shop/orders/orders_*.csv"' in text
    assert "not below the landing folder" not in text


def test_a_source_without_files_cannot_be_checked(settings, tmp_path):
    (tmp_path / "web.py").write_text(DECLARED)
    (visits,) = cli.chosen(settings.model_copy(update={"sources": tmp_path}), ["visits"])

    with pytest.raises(DoesNotFitError, match=r"Cannot check visits: no file in .* fits web/visits/\*\.csv"):
        check_source(settings, visits, [])

    assert not settings.home.exists()


def test_the_pages_of_a_folder_of_declarations(settings, tmp_path, capsys):
    (tmp_path / "web.py").write_text(DECLARED)

    write_pages(settings.model_copy(update={"sources": tmp_path}), tmp_path / "docs")

    assert {path.name for path in (tmp_path / "docs").iterdir()} == {"README.md", "visits.md"}
    assert "## web\n" in (tmp_path / "docs/README.md").read_text()
    assert capsys.readouterr().out == f"{tmp_path / 'docs/README.md'}: 1 sources, a page each\n"


def test_a_folder_of_declarations_can_be_given_after_the_command_too(tmp_path, monkeypatch, capsys):
    (tmp_path / "web.py").write_text(DECLARED)
    line = ["orrery", "source", "docs", "--sources", str(tmp_path), "--to", str(tmp_path / "docs")]
    monkeypatch.setattr(sys, "argv", line)

    cli.main()

    assert (tmp_path / "docs/visits.md").is_file()
