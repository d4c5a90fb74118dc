"""Which content is new: of a source that adds rows, and of one whose files are whole states."""

from dataclasses import replace
from datetime import UTC, datetime

from bronze.landing import Found
from bronze.plan import Known, Noted, by_first_folder, claimant
from bronze.source import Field, Source

LINES = Source(
    name="lines",
    doc="Lines.",
    path="lines/*",
    format="csv",
    key=("id",),
    columns={"id": Field("int")},
)
STATES = Source(
    name="states",
    doc="States.",
    path="states/*",
    format="csv",
    key=("id",),
    columns={"id": Field("int")},
    delivery="snapshot",
)


def known(*versions: tuple[str, int, str | None]) -> Known:
    """Of (file, version, content), all of the source that the folder is named after."""
    found = Known()
    for load_id, (file, version, content) in enumerate(versions):
        source = file.partition("/")[0]
        found.add(
            Noted(
                file=file,
                version=version,
                source=source,
                bytes=version,
                content_hash=content,
                arrived_at=datetime(2024, 7, 1, tzinfo=UTC),
                load_id=load_id,
                same_as=None,
                modified=version,
            )
        )
    return found


def file(name: str, *, modified: int = 9, size: int = 9) -> Found:
    return Found(f"/landing/{name}", name, size, modified)


def test_a_file_is_known_by_the_size_and_time_of_its_newest_version():
    files = known(("lines/a", 2, "y"), ("lines/a", 1, "x"))

    assert files.has(file("lines/a", modified=2, size=2))
    assert not files.has(file("lines/a", modified=1, size=1))
    assert not files.has(file("lines/a", modified=2, size=3))
    assert not files.has(file("lines/b", modified=2, size=2))
    assert files.last_load == 1


def test_a_version_that_was_not_read_is_not_known_and_is_planned_again():
    files = known(("lines/a", 1, None), ("lines/b", 1, "x"))

    assert not files.has(file("lines/a", modified=1, size=1))
    assert list(files.again) == ["lines/a"]
    files.add(files.newest["lines/a"]._replace(version=2, content_hash="y"))
    assert files.has(file("lines/a", modified=1, size=1))
    assert not files.again


def test_a_content_of_a_source_lands_once_under_whatever_name():
    files = known(("lines/a", 1, "x"), ("lines/a", 2, "y"), ("lines/b", 1, None))

    assert files.same_as(file("lines/c"), LINES, "x") == "lines/a"
    assert files.same_as(file("lines/a"), LINES, "x") == "lines/a"
    assert files.same_as(file("lines/c"), LINES, "z") is None
    assert files.same_as(file("lines/c"), LINES, None) is None
    assert files.same_as(file("states/c"), STATES, "x") is None
    assert files.same_as(file("notes/c"), None, "x") is None


def test_a_state_that_comes_back_is_a_state_of_its_own():
    files = known(("states/now", 1, "x"), ("states/now", 2, "y"))

    assert files.same_as(file("states/now"), STATES, "y") == "states/now"
    assert files.same_as(file("states/now"), STATES, "x") is None
    assert files.same_as(file("states/monday"), STATES, "y") is None


def test_a_source_is_looked_for_in_the_folder_that_its_path_names():
    anywhere = replace(STATES, name="anywhere", path="*/now.csv")

    folders = by_first_folder([LINES, STATES, anywhere])

    assert {name: [each.name for each in sources] for name, sources in folders.items()} == {
        "lines": ["lines"],
        "states": ["states"],
        "": ["anywhere"],
    }
    assert claimant("lines/a", folders["lines"]) == "lines"
    assert claimant("elsewhere/now.csv", folders[""]) == "anywhere"
    assert claimant("elsewhere/then.csv", folders[""]) is None
