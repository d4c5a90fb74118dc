"""Of many files the newest, and of long ones their first whole lines."""

import gzip
import os
from pathlib import Path

import pytest

import bronze.sample
from bronze.sample import claimed, given, sampled
from bronze.source import Field, Source
from lakehouse.tables import ContractError

VISITS = Source(
    name="visits", doc="", path="web/visits/*.csv", format="csv", key=("id",), columns={"id": Field("int")}
)  # fmt: skip


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    for at, name in enumerate(("web/visits/old.csv", "web/visits/new.csv", "web/visits/new.txt", "web/views/a.csv")):
        path = tmp_path / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id\n1\n")
        os.utime(path, (1_000 + at, 1_000 + at))
    return tmp_path / "landing"


def test_the_files_that_a_source_claims_are_the_newest_first(landing):
    assert [each.file for each in claimed(str(landing), VISITS)] == ["web/visits/new.csv", "web/visits/old.csv"]


def test_no_landing_folder_has_no_files(tmp_path):
    assert claimed(str(tmp_path / "nowhere"), VISITS) == []


def test_files_beside_the_landing_folder_are_known_by_their_name(landing, tmp_path):
    (tmp_path / "a.csv").write_text("id\n1\n")

    inside = given([landing / "web/visits/old.csv"], str(landing))
    outside = given([tmp_path / "a.csv"], str(landing))

    assert [each.file for each in inside] == ["web/visits/old.csv"]
    assert [each.file for each in outside] == ["a.csv"]
    assert [each.path for each in outside] == [str(tmp_path / "a.csv")]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"Cannot read .*nothing\.csv: expected files, found none there"):
        given([tmp_path / "nothing.csv"], str(tmp_path))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_of_a_long_file_whole_lines_are_tried(name, tmp_path, monkeypatch):
    monkeypatch.setattr(bronze.sample, "BYTES", 10)
    content = b"id\n111\n222\n333\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (copies := tmp_path / "copies").mkdir()

    (short,) = sampled(given([tmp_path / name], "/nowhere"), "csv", {}, copies)

    assert Path(short.path).read_bytes() == b"id\n111\n"
    assert short.bytes == 7
    assert Path(short.path).stat().st_mtime_ns // 1_000_000 == short.modified
    assert short.file == name


def test_a_document_is_not_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(bronze.sample, "BYTES", 10)
    (tmp_path / "a.json").write_text('[{"id": 1},\n{"id": 2}]')
    files = given([tmp_path / "a.json"], "/nowhere")

    assert sampled(files, "json", {}, tmp_path) == files
