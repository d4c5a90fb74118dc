"""How files come to be: the same whatever the steps and processes, each in its time, and none lost to a kill."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulator.feeds import Written
from simulator.feeds.feed import Broken, Late, Resent
from simulator.feeds.landing import Landing
from simulator.feeds.systems import BY_NAME, FEEDS
from simulator.warts import Manifest
from simulator.world import run, world
from simulator.world.config import Config, day_number
from simulator.world.households import block_count
from simulator.world.run import simulate
from tests.simulator.worlds import on

CONFIG = Config(people=240, seed=5, households_per_block=40)
LAST = on(33)  # February has begun: the files of January are there


def simulated(folder: Path, until: Iterable[date], processes: int = 1) -> Path:
    for day in until:
        simulate(folder / "landing", CONFIG, day, processes=processes, foresee_weeks=0)
    return folder


def digests(folder: Path) -> dict[str, str]:
    """Of every file that was delivered, and of the manifest."""
    found = {}
    for path in sorted([*(folder / "landing").rglob("*"), folder / "world_manifest.json"]):
        if path.is_file():
            time = path.stat().st_mtime if "landing" in path.parts else 0
            found[str(path.relative_to(folder))] = f"{hashlib.sha256(path.read_bytes()).hexdigest()} {time}"
    return found


def manifest(folder: Path) -> Manifest:
    return Manifest.from_json((folder / "world_manifest.json").read_bytes())


def told(folder: Path) -> set[tuple[str, str, int]]:
    """Which record of which source is which person."""
    table = pq.read_table(folder / "truth/records")
    return set(zip(*(table[name].to_pylist() for name in ("source", "record_id", "person_id")), strict=True))


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("at once"), [LAST])


def test_steps_and_processes_make_the_same_files_and_truth(at_once: Path, tmp_path: Path) -> None:
    simulated(tmp_path, [on(0), on(9)])
    simulated(tmp_path, [LAST], processes=2)

    assert digests(tmp_path) == digests(at_once)
    assert told(tmp_path) == told(at_once)


def test_how_long_a_block_lives_before_the_next_one_does_is_of_no_matter(
    at_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "STRETCH_SPANS", 1)

    assert digests(simulated(tmp_path, [LAST])) == digests(at_once)


def test_of_a_world_what_had_become_of_its_people_is_kept_of_its_last_day_alone(at_once: Path) -> None:
    blocks = sorted(path.relative_to(at_once / "truth/world") for path in (at_once / "truth/world").rglob("*.npz"))

    assert len(blocks) == 1 + block_count(CONFIG) > 3
    assert {str(path.parent) for path in blocks} == {".", f"{day_number(LAST):06}"}


def test_a_world_of_an_earlier_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth/world.npz").write_bytes(b"all of it")

    with pytest.raises(ValueError, match=r"found that of an earlier version, .*world\.npz\.\nRemove the folder"):
        simulated(tmp_path, [on(3)])
    assert [path.name for path in tmp_path.rglob("*")] == ["truth", "world.npz"]


def test_a_run_that_was_killed_is_made_good(at_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated(tmp_path, [on(3)])
    days = []

    def killed(self: Landing, written: Written) -> None:
        days.append(written.first_day)
        if len(set(days)) == 2:
            raise KeyboardInterrupt
        added(self, written)

    added = Landing.add
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Landing, "add", killed)
        simulated(tmp_path, [on(30)])
    simulated(tmp_path, [LAST])

    assert digests(tmp_path) == digests(at_once)
    assert told(tmp_path) == told(at_once)


def test_a_run_killed_before_the_world_is_saved_loses_no_day_of_a_month(
    at_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated(tmp_path, [on(3)])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run, "write_truth", killed)
        simulated(tmp_path, [LAST])
    simulated(tmp_path, [LAST])

    assert digests(tmp_path) == digests(at_once)


def test_nothing_is_left_of_what_was_in_the_making(at_once: Path) -> None:
    left = {path.parent.name for path in (at_once / "unfinished_feeds").rglob("*") if path.is_file()}

    assert "pieces" not in left
    assert left <= {"held"} | {feed.name for feed in FEEDS if feed.every == "month"}


def test_the_manifest_knows_every_file_and_no_other(at_once: Path) -> None:
    landed = {
        str(path.relative_to(at_once / "landing")): path for path in (at_once / "landing").rglob("*") if path.is_file()
    }
    files = {file.path: file for file in manifest(at_once).files}

    assert files.keys() == landed.keys()
    for path, file in files.items():
        assert (file.bytes, file.arrived_at.timestamp()) == (landed[path].stat().st_size, landed[path].stat().st_mtime)


def test_no_file_comes_before_its_time(at_once: Path) -> None:
    ends = datetime.combine(LAST, datetime.min.time()) + timedelta(days=2)

    assert {file.path for file in manifest(at_once).files if file.arrived_at.replace(tzinfo=None) >= ends} == set()


def test_a_month_comes_when_it_is_over(at_once: Path) -> None:
    monthly = {feed.name for feed in FEEDS if feed.every == "month"}
    paths = [file.path for file in manifest(at_once).files if file.feed in monthly]

    assert paths
    assert all("2024-01" in path for path in paths)


def test_what_is_late_or_sent_again_is_held_until_then(tmp_path: Path) -> None:
    simulated(tmp_path, [on(24)])
    early = {file.path for file in manifest(tmp_path).files}
    simulated(tmp_path, [on(27)])
    files = {file.path: file for file in manifest(tmp_path).files}
    late, again = "shop/orders/Bestellungen_22-01-2024.csv", "pos/tickets/tickets_2024-01-24_resend.csv"

    assert Late(21, by=5) in BY_NAME["shop_orders"].wrong and Resent(23) in BY_NAME["pos_tickets"].wrong
    assert late not in early and again not in early
    assert "5 days late" in {wart.kind for wart in files[late].warts}
    assert files[again].repeated == files[again].rows > 0
    first = (tmp_path / "landing" / again.replace("_resend", "")).read_bytes()
    assert (tmp_path / "landing" / again).read_bytes() == first


def test_broken_lines_come_after_the_first_block_of_people(at_once: Path) -> None:
    (broken,) = (wrong for wrong in BY_NAME["pos_ticket_lines"].wrong if isinstance(wrong, Broken))
    (file,) = (f for f in manifest(at_once).of("pos_ticket_lines") if f.broken)

    assert file.path == "pos/ticket_lines/ticket_lines_20240113.csv.gz"
    assert {(wart.kind, wart.count) for wart in file.warts} == {(kind, 1) for kind, _ in broken.lines}
