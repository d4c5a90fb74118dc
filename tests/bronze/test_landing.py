"""The landing folder as it is: every file, what it holds, and whether it is still what was found."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bronze import landing
from bronze.landing import ChangedError, Found, change, hashed, listed
from bronze.records import Layout
from bronze.shares import Arrival, records_of
from tests.bronze.told import opened_unless

NOON = 1_719_835_200_123


@pytest.fixture
def put(tmp_path: Path):
    def write(file: str, content: bytes = b"a\n1\n", at: int = NOON) -> Path:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(at * 10**6, at * 10**6))
        return path

    return write


def test_files_of_no_bytes_are_there_and_hidden_ones_are_not(put, tmp_path):
    for file in ("b/2.csv", "b/_SUCCESS", "b/.2.csv.crc", "_temporary/3.csv", "\u00fc %41.csv"):
        put(file)
    put("a/none.csv", b"")

    found = list(listed(str(tmp_path)))

    assert [(each.file, each.bytes, each.modified) for each in found] == [
        ("\u00fc %41.csv", 4, NOON),
        ("a/none.csv", 0, NOON),
        ("b/2.csv", 4, NOON),
    ]
    assert found[0].path == str(tmp_path / "\u00fc %41.csv")
    assert str(found[0].arrived_at) == "2024-07-01 12:00:00.123000+00:00"


def test_a_linked_folder_and_a_linked_file_are_there_under_the_names_of_the_links(put, tmp_path):
    put("elsewhere/deep/1.csv"), put("landing/a/2.csv")
    (tmp_path / "landing/b").symlink_to("../elsewhere")
    (tmp_path / "landing/3.csv").symlink_to("a/2.csv")

    found = list(listed(str(tmp_path / "landing")))

    assert [each.file for each in found] == ["3.csv", "a/2.csv", "b/deep/1.csv"]
    assert [each.bytes for each in found] == [4, 4, 4]


@pytest.mark.timeout(30)
def test_what_is_no_file_is_named_whatever_it_is_and_has_no_hash(put, tmp_path):
    put("a/1.csv")
    (tmp_path / "nowhere.csv").symlink_to("gone.csv")
    (tmp_path / "itself.csv").symlink_to("itself.csv")
    (tmp_path / "a/up").symlink_to("..")
    (tmp_path / "b").mkdir()
    (tmp_path / "a/other").symlink_to("../b")
    (tmp_path / "b/another").symlink_to("../a")
    os.mkfifo(tmp_path / "pipe.csv")
    put(os.fsdecode(b"caf\xe9/1.csv"))

    readable, unreadable = hashed(list(listed(str(tmp_path))))

    assert sorted(each.file for each, _ in readable) == ["a/1.csv", "b/another/1.csv"]
    assert sorted(unreadable.values()) == [
        f"A link to a folder that it is in: '{tmp_path}/a/other/another'",
        f"A link to a folder that it is in: '{tmp_path}/a/up'",
        f"A link to a folder that it is in: '{tmp_path}/b/another/other'",
        f"A link to a folder that it is in: '{tmp_path}/b/another/up'",
        f"A name that is not UTF-8, and must be another: '{tmp_path}/caf\\xe9/1.csv'",
        f"Neither a file nor a folder: '{tmp_path}/pipe.csv'",
        f"[Errno 2] No such file or directory: '{tmp_path}/nowhere.csv'",
        f"[Errno 40] Too many levels of symbolic links: '{tmp_path}/itself.csv'",
    ]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        list(listed(str(tmp_path / "nowhere")))


def test_equal_contents_have_one_hash_and_what_changes_meanwhile_has_not_arrived(put, tmp_path):
    put("1"), put("2"), put("3", b"a\n2\n"), put("4"), put("5")
    found = list(listed(str(tmp_path)))
    put("4", b"a\n1\n2\n")
    (tmp_path / "5").unlink()

    readable, unreadable = hashed(found)
    hashes = {each.file: content for each, content in readable}

    assert (list(hashes), unreadable) == (["1", "2", "3"], {})
    assert hashes["1"] == hashes["2"] != hashes["3"]


def found(path: Path) -> Found:
    about = path.stat()
    return Found(str(path), path.name, about.st_size, about.st_mtime_ns // 10**6)


def test_a_file_is_changed_when_its_size_or_its_time_is_another(put):
    before = found(put("a.csv"))
    assert change(before.path, before) is None

    put("a.csv", at=NOON + 1)
    assert "found 4 bytes of 2024-07-01 12:00:00" in (change(before.path, before) or "")
    put("a.csv", b"a\n12\n")
    assert "expected 4 bytes" in (change(before.path, before) or "")
    Path(before.path).unlink()
    assert change(before.path, before) == "the file was deleted before it was read"


def test_a_file_that_is_changed_while_it_is_read_fails_its_load(put, monkeypatch):
    path = put("a.csv", b"a\n" + b"1\n" * 100)
    planned = found(path)
    arrival = Arrival(str(path), "a.csv", planned.bytes, planned.arrived_at)
    records = records_of(arrival, Layout("csv", {"a": "a"}, {}))
    assert next(records).num_rows == 100

    put("a.csv", b"a\n2\n")
    with pytest.raises(ChangedError, match=r"^a.csv: the file was changed"):
        next(records)

    [refusal] = [each for batch in records_of(arrival, Layout("csv", {"a": "a"}, {})) for each in batch.to_pylist()]
    assert refusal["_error"].startswith("the file was changed before it was read: expected 202 bytes")


def test_a_file_that_was_only_touched_is_as_it_was(put):
    before = found(put("a.csv"))
    [(_, content)], _ = hashed([before])
    planned = replace(before, content=content)

    put("a.csv", at=NOON + 1)
    assert change(before.path, planned) is None
    put("a.csv", b"a\n2\n", at=NOON + 1)
    assert "was changed" in (change(before.path, planned) or "")


def test_a_file_that_cannot_be_opened_is_named_and_has_no_hash(put, tmp_path, monkeypatch):
    put("1"), put("2")
    monkeypatch.setattr(landing, "open_file", opened_unless("2"))

    readable, unreadable = hashed(list(listed(str(tmp_path))))

    assert [each.file for each, _ in readable] == ["1"]
    assert unreadable == {"2": f"[Errno 13] Permission denied: '{tmp_path / '2'}'"}
