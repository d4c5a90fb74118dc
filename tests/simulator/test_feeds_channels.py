"""The raw files of the retailer's channels, care, surveys and partners are what their declarations say."""

import hashlib
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bronze.registry import declared_sources
from bronze.source import Source
from simulator.feeds.landing import Landing
from simulator.feeds.systems import BY_NAME
from simulator.warts import Manifest, RawFile
from simulator.world.config import Config, day_number
from simulator.world.run import simulate
from tests.bronze.test_retailer_channels import NAMES
from tests.simulator.readings import Row, records, refusals, undeclared
from tests.simulator.worlds import on

PEOPLE, WEEKS = 1_500, 13
SOURCES = {source.name: source for source in declared_sources()}


class Landed:
    """A world's files, each read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest.from_json((folder / "world_manifest.json").read_bytes())

    @cache  # noqa: B019
    def of(self, feed: str) -> list[tuple[RawFile, list[Row]]]:
        return [(file, list(records(self.path(file), SOURCES[feed]))) for file in self.manifest.of(feed)]

    def path(self, file: RawFile) -> Path:
        return self.folder / "landing" / file.path

    @cache  # noqa: B019
    def refused(self, feed: str) -> dict[str, list[list[str]]]:
        """By file: why each row would be refused, which is mostly for nothing."""
        return {file.path: [refusals(row, SOURCES[feed]) for row in rows] for file, rows in self.of(feed)}

    @cache  # noqa: B019
    def good(self, feed: str) -> list[Row]:
        """Each row once."""
        files = [
            zip(rows, self.refused(feed)[file.path], strict=True) for file, rows in self.of(feed) if not file.repeated
        ]
        return [row for rows in files for row, why in rows if not why]

    def who(self, feed: str) -> pa.Table:
        return pq.read_table(self.folder / f"truth/records/source={feed}")


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """A quarter; the platform sends many text messages and advertisements in it, so that rare answers come too."""
    folder = tmp_path_factory.mktemp("world")
    plan = [(on(day), "sms") for day in range(3, 80, 8)] + [(on(day), "ads") for day in (4, 11, 18, 32, 60)]
    rows = [(person, day, channel) for day, channel in plan for person in range(PEOPLE)]
    person, day, channel = zip(*rows, strict=True)
    offer = pa.array(["discount_20"] * len(rows))
    pq.write_table(
        pa.table({"person_id": person, "on": day, "channel": channel, "offer": offer}), folder / "actions.parquet"
    )
    config = Config(people=PEOPLE, seed=3)
    until = on(7 * WEEKS - 1)
    simulate(folder / "landing", config, until, actions=folder / "actions.parquet", foresee_weeks=0)
    return Landed(folder)


@pytest.fixture(params=NAMES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]


def test_the_files_hold_as_many_records_as_the_manifest_says(landed: Landed, source: Source) -> None:
    found = {file.path: len(rows) for file, rows in landed.of(source.name)}

    assert found == {file.path: file.rows + file.broken for file in landed.manifest.of(source.name)}
    assert found


def test_exactly_the_broken_lines_are_refused(landed: Landed, source: Source) -> None:
    reasons = landed.refused(source.name)
    found = {path: sum(1 for why in of_file if why) for path, of_file in reasons.items()}
    expected = {file.path: file.broken for file in landed.manifest.of(source.name)}

    assert found == expected, [why for of_file in reasons.values() for why in of_file if why][:9]


def test_every_declared_column_is_found(landed: Landed, source: Source) -> None:
    rows = landed.good(source.name)

    assert [name for name in source.columns if all(row[name] is None for row in rows)] == []


def test_only_what_the_manifest_names_is_undeclared(landed: Landed, source: Source) -> None:
    named = {wart.kind.removeprefix("undeclared column ") for file in landed.manifest.of(source.name)
             for wart in file.warts if wart.kind.startswith("undeclared")}  # fmt: skip
    found: set[str] = set()
    for row in landed.good(source.name):
        found |= undeclared(row)

    assert found == named


@pytest.mark.parametrize("feed", [n for n in NAMES if not SOURCES[n].newest_by and SOURCES[n].delivery == "append"])
def test_a_key_is_delivered_once_or_again_in_another_file(landed: Landed, feed: str) -> None:
    source = SOURCES[feed]
    keys = Counter(tuple(row[name] for name in source.key) for row in landed.good(source.name))

    assert [key for key, times in keys.items() if times > 1] == []


def test_a_file_arrives_when_its_time_is_over(landed: Landed, source: Source) -> None:
    for file in landed.manifest.of(source.name):
        found = landed.path(file).stat()

        assert (found.st_mtime, found.st_size) == (file.arrived_at.timestamp(), file.bytes)


def test_every_kind_of_wart_is_there(landed: Landed) -> None:
    of_channels = [wart.kind for file, wart in landed.manifest.warts if file.feed in NAMES]
    broken = {kind for name in NAMES for wrong in BY_NAME[name].wrong for kind, _ in getattr(wrong, "lines", ())}

    assert {"re-delivered", "no rows", "byte order mark", "no final newline", "3 days late"} <= set(of_channels)
    assert len(broken & set(of_channels)) >= 15


def test_a_day_that_is_sent_again_has_the_same_bytes(landed: Landed) -> None:
    again = [file for file in landed.manifest.files if file.repeated and file.feed in NAMES]

    assert len(again) >= 5
    for file in again:
        assert (
            landed.path(file).read_bytes()
            == (landed.folder / "landing" / file.path.replace("_resend", "")).read_bytes()
        )


# Traces


def test_a_visitor_is_nobody_before_the_log_in(landed: Landed) -> None:
    sessions: dict[str, list[tuple[str, str | None]]] = {}
    for row in landed.good("web_page_views"):
        sessions.setdefault(row["session_id"], []).append((row["viewed_at"], row["customer_no"]))
    in_order = [[customer for _, customer in sorted(views)] for views in sessions.values()]

    assert {views[0] for views in in_order} == {None}
    assert any(views[-1] for views in in_order)


def test_a_tablet_in_the_house_is_several_people(landed: Landed) -> None:
    people_of = Counter(landed.who("web_sessions")["record_id"].to_pylist())

    assert max(people_of.values()) >= 2
    assert {row["cookie_id"] for row in landed.good("web_sessions")} == people_of.keys()


@pytest.mark.parametrize(
    ("feed", "of_row"),
    [
        ("app_screens", "{device_id}"),
        ("app_installs", "{device_id}"),
        ("app_push_tokens", "{token}"),
        ("email_sends", "{subscriber_key}"),
        ("sms_sends", "{msisdn}"),
        ("push_sends", "{token}"),
        ("onsite_impressions", "{visitor_kind}/{visitor_id}"),
        ("ads_impressions", "{cookie_id}"),
        ("social_mentions", "{handle}"),
        ("care_calls", "{call_id}"),
        ("care_chats", "{chat_id}"),
        ("care_tickets", "{ticket_no}"),
        ("partners_demographics", "{vendor_id}"),
        ("partners_marketplace_orders", "{buyer_alias}"),
        ("partners_referrals", "{referrer_email}"),
    ],
)
def test_the_truth_knows_every_record_of_a_person(landed: Landed, feed: str, of_row: str) -> None:
    told = landed.who(feed)
    found = {of_row.format(**row) for row in landed.good(feed)}

    assert found == set(told["record_id"].to_pylist())
    assert {*told["person_id"].to_pylist()} <= set(range(PEOPLE))


@pytest.mark.parametrize("feed", ["web_sessions", "app_screens", "email_sends", "push_sends", "partners_demographics"])
def test_the_order_of_ids_does_not_tell_people(landed: Landed, feed: str) -> None:
    told = landed.who(feed).sort_by("record_id")
    person = told["person_id"].to_numpy()
    alike = np.corrcoef(np.arange(len(person)), person)[0, 1]

    assert abs(alike) * np.sqrt(len(person)) < 4


def test_a_subscriber_is_one_address_in_all_files(landed: Landed) -> None:
    addresses: dict[str, set[str]] = {}
    for feed in ("email_sends", "email_opens", "email_clicks", "email_bounces", "email_unsubscribes"):
        for row in landed.good(feed):
            addresses.setdefault(row["subscriber_key"], set()).add(row["email"])

    assert {len(of_one) for of_one in addresses.values()} == {1}


@pytest.mark.parametrize(
    ("events", "sends", "column"),
    [
        ("email_opens", "email_sends", "message_id"),
        ("email_clicks", "email_sends", "message_id"),
        ("email_bounces", "email_sends", "message_id"),
        ("sms_deliveries", "sms_sends", "message_id"),
        ("push_opens", "push_sends", "message_id"),
        ("onsite_clicks", "onsite_impressions", "impression_id"),
    ],
)
def test_what_is_answered_was_sent(landed: Landed, events: str, sends: str, column: str) -> None:
    sent = {row[column] for row in landed.good(sends)}

    assert {row[column] for row in landed.good(events)} <= sent


def test_product_views_are_the_page_views_of_products(landed: Landed) -> None:
    of_products = {row["view_id"] for row in landed.good("web_page_views") if row["page_type"] == "product"}

    assert {row["view_id"] for row in landed.good("web_product_views")} == of_products


def test_a_ticket_comes_again_when_it_is_closed(landed: Landed) -> None:
    versions: dict[str, list[tuple[str, str]]] = {}
    for row in landed.good("care_tickets"):
        versions.setdefault(row["ticket_no"], []).append((row["updated_at"], row["status"]))
    states = Counter(tuple(status for _, status in sorted(each)) for each in versions.values())

    assert set(states) == {("open",), ("open", "closed")}


def test_some_contacts_show_the_call_centre_or_an_address_of_nobody(landed: Landed) -> None:
    callers = Counter(row["caller"] for row in landed.good("care_calls"))
    emails = Counter(row["email"].lower() for row in landed.good("care_tickets") + landed.good("care_chats"))

    assert callers["+18005550100"] + emails["unknown@example.com"] > 0
    assert callers[None] > 0


# The same bytes


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime}"
        for path in files
    }


CONFIG = Config(people=90, seed=5, households_per_block=12)
UNTIL = on(34)  # with the end of a month in it


def deliver(folder: Path, *until: date, processes: int = 1, config: Config = CONFIG) -> dict[str, str]:
    for day in until:
        simulate(folder / "landing", config, day, processes=processes, foresee_weeks=4)
    return digests(folder / "landing") | {"manifest": (folder / "world_manifest.json").read_text()}


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return deliver(tmp_path_factory.mktemp("at_once"), UNTIL)


def test_the_same_bytes_by_two_processes(at_once: dict[str, str], tmp_path: Path) -> None:
    assert deliver(tmp_path, UNTIL, processes=2) == at_once


def test_the_same_bytes_of_truth_by_two_processes(tmp_path: Path) -> None:
    for processes in (1, 2):
        deliver(tmp_path / f"{processes}", UNTIL, processes=processes)
    one, two = (
        {name: digest.split()[0] for name, digest in digests(tmp_path / f"{processes}" / "truth").items()}
        for processes in (1, 2)
    )

    assert one == two
    assert {"actions.parquet", "weeks/part-00001.parquet", "effects/part-00000.parquet"} <= one.keys()
    assert {"world/world.npz", f"world/{day_number(UNTIL):06}/00001.npz"} <= one.keys()
    assert sum(name.startswith("records/") for name in one) > 35


def test_the_same_bytes_in_several_steps(at_once: dict[str, str], tmp_path: Path) -> None:
    assert deliver(tmp_path, on(0), on(5), on(17), on(31), UNTIL) == at_once


@pytest.mark.parametrize("step", ["land", "finish", "forget"])
def test_the_same_bytes_after_a_kill(
    at_once: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What waited is used up, and the run is killed before or after it is saved."""
    deliver(tmp_path, on(17))
    done = getattr(Landing, step)

    def done_and_killed(*arguments: object) -> None:
        done(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Landing, step, done_and_killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(tmp_path, UNTIL)

    assert deliver(tmp_path, UNTIL) == at_once


def test_the_same_bytes_after_a_kill_while_what_waited_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the days of a month whose file is there, the first is gone."""
    more = Config(people=900, seed=5)

    def begun_and_killed(landing: Landing) -> None:
        days = sorted(path for path in landing.used if path.parent.name == "shop_reviews")
        assert len(days) > 1
        days[0].unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Landing, "forget", begun_and_killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(tmp_path / "killed", on(32), config=more)

    assert deliver(tmp_path / "killed", UNTIL, config=more) == deliver(tmp_path / "whole", UNTIL, config=more)
