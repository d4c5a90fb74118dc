"""The raw files of tills, shop, CRM, loyalty, catalogue, stores, carriers and finance are as declared."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bronze.registry import declared_sources
from bronze.source import Source
from simulator.feeds.names import CALL_CENTRE, UNKNOWN_EMAIL
from simulator.feeds.systems import BY_NAME
from simulator.warts import Manifest, RawFile
from simulator.world.config import Config
from simulator.world.run import simulate
from tests.bronze.test_retailer_sales import NAMES
from tests.simulator.readings import Row, records, refusals, undeclared
from tests.simulator.worlds import on

PEOPLE, DAYS = 1_300, 60  # two whole months
SOURCES = {source.name: source for source in declared_sources()}


class Landed:
    """A world's files, each read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest.from_json((folder / "world_manifest.json").read_bytes())

    @cache  # noqa: B019
    def of(self, feed: str) -> list[tuple[RawFile, list[tuple[Row, list[str]]]]]:
        """Each file, its records, and why each of them is refused."""
        source = SOURCES[feed]
        return [
            (file, [(row, refusals(row, source)) for row in records(self.folder / "landing" / file.path, source)])
            for file in self.manifest.of(feed)
        ]

    @cache  # noqa: B019
    def good(self, feed: str) -> list[Row]:
        """Each row once, in the order of the files."""
        return [row for file, rows in self.of(feed) if not file.repeated for row, why in rows if not why]

    @cache  # noqa: B019
    def who(self, feed: str) -> dict[str, set[int]]:
        """By record: the people whom the truth knows it to be."""
        table = pq.read_table(self.folder / f"truth/records/source={feed}")
        found: dict[str, set[int]] = defaultdict(set)
        for record, person in zip(table["record_id"].to_pylist(), table["person_id"].to_pylist(), strict=True):
            found[record].add(person)
        return found


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    folder = tmp_path_factory.mktemp("world")
    simulate(folder / "landing", Config(people=PEOPLE, seed=3), on(DAYS - 1), foresee_weeks=0)
    return Landed(folder)


@pytest.fixture(params=NAMES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]


def test_the_files_hold_as_many_records_as_the_manifest_says(landed: Landed, source: Source) -> None:
    found = {file.path: len(rows) for file, rows in landed.of(source.name)}

    assert found
    assert found == {file.path: file.rows + file.broken for file in landed.manifest.of(source.name)}


def test_exactly_the_broken_lines_are_refused(landed: Landed, source: Source) -> None:
    refused = {file.path: [why for _, why in rows if why] for file, rows in landed.of(source.name)}
    expected = {file.path: file.broken for file in landed.manifest.of(source.name)}

    assert {path: len(why) for path, why in refused.items()} == expected, [why for why in refused.values() if why][:9]


def test_every_declared_column_is_found(landed: Landed, source: Source) -> None:
    rows = landed.good(source.name)
    missing = [name for name in source.columns if all(row[name] is None for row in rows)]

    assert missing in ([], ["suffix"])  # who has the father's name is rare


def test_only_what_the_manifest_names_is_undeclared(landed: Landed, source: Source) -> None:
    for file, rows in landed.of(source.name):
        named = {wart.kind.removeprefix("undeclared column "): wart.count
                 for wart in file.warts if wart.kind.startswith("undeclared")}  # fmt: skip
        found = Counter(name for row, why in rows if not why for name in undeclared(row))
        assert found == named, file.path


def test_a_key_is_delivered_once(landed: Landed, source: Source) -> None:
    if source.newest_by or source.delivery != "append":
        pytest.skip("its rows are versions")
    keys = Counter(tuple(row[name] for name in source.key) for row in landed.good(source.name))

    assert [key for key, times in keys.items() if times > 1] == []


def test_all_that_is_wrong_by_plan_is_in_the_manifest(landed: Landed, source: Source) -> None:
    """Each file of a day has it, where there are several."""
    feed = BY_NAME[source.name]
    files = [file for file in landed.manifest.of(source.name) if not file.repeated]
    found = Counter(wart.kind for file in files for wart in file.warts)
    lines = Counter(kind for wrong in feed.wrong for kind, _ in getattr(wrong, "lines", ()))

    assert found >= lines
    assert feed.every == "hour" or {kind: found[kind] for kind in lines} == lines


@pytest.mark.parametrize("feed", ["crm_accounts", "crm_contacts", "shop_customers"])
def test_a_change_log_begins_with_an_insert_and_is_numbered(landed: Landed, feed: str) -> None:
    changes = SOURCES[feed].changes
    assert changes is not None
    of_key: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in landed.good(feed):
        of_key[row[SOURCES[feed].key[0]]].append((int(row[changes.sequence]), row[changes.operation]))
    kinds = ("I", "U", "D") if "D" in changes.deletes else ("c", "u", "d")
    for log in of_key.values():
        assert log == sorted(log)
        assert len({number for number, _ in log}) == len(log)
        assert log[0][1] == kinds[0]
        assert all(kind == kinds[1] for _, kind in log[1:-1])

    assert {log[-1][1] for log in of_key.values()} >= {kinds[0], kinds[1]}


# Traces


@pytest.mark.parametrize(
    ("feed", "column"),
    [("crm_accounts", "account_id"), ("crm_contacts", "ContactId"), ("crm_consents", "consent_id"),
     ("crm_cases", "case_id"), ("shop_customers", "id"), ("shop_orders", "Bestellnummer"),
     ("pos_tickets", "loyalty_no"), ("pos_tenders", "card_token"), ("pos_store_visits", "device"),
     ("pos_appointments", "appointment"), ("loyalty_members", "member_no"), ("logistics_shipments", "shipment"),
     ("finance_card_transactions", "token"), ("finance_credit_applications", "application_id"),
     ("finance_invoices", "invoice_no")],
)  # fmt: skip
def test_the_truth_knows_who_each_record_is(landed: Landed, feed: str, column: str) -> None:
    known = landed.who(feed)

    assert {row[column] for row in landed.good(feed)} - {None} == known.keys()
    assert {len(people) for people in known.values()} == {1}


@pytest.mark.parametrize("feed", ["crm_accounts", "shop_customers", "shop_orders", "loyalty_members", "pos_tenders"])
def test_the_order_of_ids_does_not_tell_people(landed: Landed, feed: str) -> None:
    pairs = sorted((record, person) for record, people in landed.who(feed).items() for person in people)
    person = np.array([person for _, person in pairs])
    alike = np.corrcoef(np.arange(len(person)), person)[0, 1]

    assert abs(alike) * np.sqrt(len(person)) < 4


def test_a_guest_has_no_account_and_leaves_a_record_for_each_order(landed: Landed) -> None:
    orders = landed.good("shop_orders")
    guests = [row for row in orders if row["Kundennummer"] is None]

    assert 0.05 < len(guests) / len(orders) < 0.8
    assert all(row["Email"] for row in guests)


def test_some_people_have_two_accounts_in_the_crm(landed: Landed) -> None:
    accounts = Counter(person for people in landed.who("crm_accounts").values() for person in people)

    assert 0.01 < sum(times == 2 for times in accounts.values()) / len(accounts) < 0.5
    assert max(accounts.values()) == 2


def test_systems_do_not_agree_on_names(landed: Landed) -> None:
    """Of who is known to both: most agree, and a share does not (typos, nicknames, old names, swapped fields)."""
    known = {
        next(iter(landed.who(feed)[row[key]])): f"{row[given]} {row[family]}"
        for feed, key, given, family in (("crm_accounts", "account_id", "first_name", "last_name"),)
        for row in landed.good(feed)
        if row["op"] == "I"
    }
    names = [
        (f"{row['forename']} {row['surname']}", known[person])
        for row in landed.good("loyalty_members")
        for person in landed.who("loyalty_members")[row["member_no"]]
        if person in known
    ]
    differ = np.mean([one != other for one, other in names])

    assert 0.10 < differ < 0.55


def test_the_call_centre_and_an_address_of_nobody_are_on_many_records(landed: Landed) -> None:
    values = Counter(row["Value"] for row in landed.good("crm_contacts"))
    called = Counter(row["contact_phone"] for row in landed.good("crm_cases"))

    assert values[CALL_CENTRE] > 1 and values[UNKNOWN_EMAIL] > 1
    assert called[CALL_CENTRE] > 1
    assert called[CALL_CENTRE] == max(called.values())


def test_some_names_are_in_other_scripts(landed: Landed) -> None:
    on_labels = [row["name"] for row in landed.good("logistics_shipments")]

    assert 0 < sum(max(map(ord, name)) > 0x370 for name in on_labels) < len(on_labels) / 4


def test_a_till_and_the_provider_know_a_card_by_the_same_token(landed: Landed) -> None:
    tills = {row["card_token"] for row in landed.good("pos_tenders")} - {None}
    settled = {row["token"] for row in landed.good("finance_card_transactions")}

    assert tills and tills <= settled


def test_points_are_earned_for_receipts_that_exist(landed: Landed) -> None:
    receipts = {row["ticket_no"] for row in landed.good("pos_tickets")}
    receipts |= {row["Bestellnummer"] for row in landed.good("shop_orders")}

    assert {row["receipt"] for row in landed.good("loyalty_accruals")} <= receipts


def test_tickets_are_the_sums_of_their_lines(landed: Landed) -> None:
    cents: dict[str, int] = defaultdict(int)
    for row in landed.good("pos_ticket_lines"):
        price, discount = (round(float(row[name]) * 100) for name in ("unit_price", "discount"))
        cents[row["ticket_no"]] += int(row["qty"]) * price - discount

    assert cents == {row["ticket_no"]: round(float(row["total"]) * 100) for row in landed.good("pos_tickets")}


def test_a_line_has_the_list_price_that_its_week_began_with(landed: Landed) -> None:
    """Of what is listed, from Tuesdays to Saturdays: these are days of the same week in all time zones."""
    told = {(row["sku"], row["valid_from"]): round(row["list_price"] * 100) for row in landed.good("catalog_prices")}
    prices = defaultdict(set)
    for (sku, _), cents in told.items():
        prices[sku].add(cents)
    changed = {sku for sku, found in prices.items() if len(found) > 1}
    compared = set()
    for row in landed.good("pos_ticket_lines"):
        day = datetime.fromtimestamp(int(row["sold_at"]), UTC).date()
        listed = told.get((row["sku"], day - timedelta(days=day.weekday())))
        if 1 <= day.weekday() <= 5 and listed is not None:
            assert round(float(row["unit_price"]) * 100) == listed
            compared.add(row["sku"])

    assert len(changed & compared) > 50


def test_a_snapshot_lacks_what_is_sold_no_more_or_not_yet(landed: Landed) -> None:
    weeks = [len({row["sku"] for row, why in rows if not why}) for file, rows in landed.of("catalog_products")
             if not file.repeated]  # fmt: skip
    rewards = [{row["code"] for row, _ in rows} for _, rows in landed.of("loyalty_rewards")]

    assert weeks == sorted(weeks) and weeks[0] < weeks[-1]
    assert len(rewards) == 2
