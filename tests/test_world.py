"""The whole job on the made-up retailer, of few people: what landed is what was delivered, and customers are people."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from pyspark.sql import DataFrame, SparkSession

from bronze.ledger import LOADS, QUARANTINE
from bronze.registry import declared_sources
from lakehouse.tables import Table
from silver.tables import CONSENTS, CORE_IDS, INTERACTIONS, ORDER_LINES, PAYMENTS
from simulator.feeds.landing import manifest_path
from simulator.warts import Manifest, RawFile
from simulator.world.truth import truth_path
from tests.faults.compare import rows_of
from tests.faults.kills import Lake
from tests.processes import BIN, run
from tests.test_balance import first_of_each_content

pytestmark = [pytest.mark.end_to_end, pytest.mark.spark, pytest.mark.timeout(1800)]

SOURCES = {source.name: source for source in declared_sources()}
PEOPLE, LAST_DAY = "60", "2025-03-31"
ACCOUNTS = {"shop_customers": "shop/", "crm_accounts": "crm/", "loyalty_members": "loyalty/", "email_sends": "email/"}

Read = Callable[[Table], DataFrame]


@dataclass(frozen=True)
class World:
    """The lake that a run made of the world's files, and what they hold."""

    lake: Lake
    manifest: Manifest
    read: Read
    output: str


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    lake = Lake(folder / "lake", folder / "landing")
    simulate = [str(BIN / "simulate"), "world", "--landing", str(lake.landing), "--people", PEOPLE, "--until", LAST_DAY]
    run(simulate, folder / "simulate.log")
    took = run(lake.command("run", "--as-of", LAST_DAY), lake.log)
    print(f"run: {took.seconds:.0f} s, {took.cpu_seconds:.0f} s of CPU, {took.peak_bytes / 2**30:.1f} GiB")
    manifest = Manifest.from_json(manifest_path(lake.landing).read_bytes())
    yield World(lake, manifest, lambda table: rows_of(spark, lake.home, table), lake.log.read_text())


def test_each_file_is_in_bronze_and_in_quarantine_as_it_was_delivered(world: World) -> None:
    expected = landing_once(world.manifest, world.lake.landing)
    found: Counter[str] = Counter()
    for source in SOURCES.values():
        if any(file.feed == source.name for file in expected):
            rows = world.read(source.table).groupBy("_file").count().collect()
            found.update({row[0]: row[1] for row in rows})
    refused = Counter({row[0]: row[1] for row in world.read(QUARANTINE).groupBy("file").count().collect()})

    assert found == Counter({file.path: file.rows for file in expected if file.rows})
    assert refused == Counter({file.path: file.broken for file in expected if file.broken})
    assert world.read(LOADS).where("status <> 'landed'").count() == 0


def landing_once(manifest: Manifest, landing: Path) -> list[RawFile]:
    """The files whose rows land: of one content those of the first, but each of a snapshot is the state of its day."""
    states = [file for file in manifest.files if SOURCES[file.feed].delivery == "snapshot"]
    others = [file for file in manifest.files if SOURCES[file.feed].delivery != "snapshot"]
    return [*states, *first_of_each_content(others, landing)]


@pytest.mark.parametrize("table", [ORDER_LINES, INTERACTIONS, PAYMENTS, CONSENTS], ids=lambda table: table.name)
def test_whoever_facts_name_is_a_customer(table: Table, world: World) -> None:
    """But for tickets of a till at which nobody said who they are, and for what was deleted in a change log."""
    named = world.read(table).where("party_id IS NOT NULL AND party_id NOT LIKE 'pos/%'").select("party_id").distinct()
    unknown = named.join(world.read(CORE_IDS), on="party_id", how="left_anti")
    accounts = world.read(SOURCES["shop_customers"].table).where("op = 'd'").selectExpr("concat('shop/', id) party_id")
    tokens = (
        world.read(SOURCES["app_push_tokens"].table).where("op = 'D'").selectExpr("concat('push/', token) party_id")
    )

    assert unknown.join(accounts.unionByName(tokens), on="party_id", how="left_anti").collect() == []


def test_the_accounts_of_a_customer_are_one_persons(world: World) -> None:
    """Those that an address or a statement of a source leads to each other: seldom two people's, and many of them."""
    truth = ds.dataset(truth_path(world.lake.landing) / "records", partitioning="hive").to_table().to_pylist()
    person = {
        f"{ACCOUNTS[row['source']]}{row['record_id']}": row["person_id"] for row in truth if row["source"] in ACCOUNTS
    }
    customer = {row.party_id: row.core_id for row in world.read(CORE_IDS).collect() if row.party_id in person}
    linked, same = pairs(customer), pairs({party_id: person[party_id] for party_id in customer})

    assert len(customer) > 60
    assert len(linked & same) / len(linked) > 0.95
    assert len(linked & same) / len(same) > 0.5


def pairs(owners: dict[str, object]) -> set[tuple[str, str]]:
    of_owner: dict[object, list[str]] = {}
    for record, owner in sorted(owners.items()):
        of_owner.setdefault(owner, []).append(record)
    return {pair for records in of_owner.values() for pair in combinations(records, 2)}


def test_the_run_ends_with_scores_and_a_report(world: World) -> None:
    assert "ml.churn_scores" in world.output
    assert (world.lake.home / "reports" / "latest.html").stat().st_size > 100_000
