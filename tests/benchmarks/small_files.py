"""Thousands of small files of one source, beside a plain Structured Streaming query of it.

The peer is measured three times: in a plain session with all files in one batch, as Spark does by itself, and with so
many in a batch as served it best; and in our session.
As a program: `python -m tests.benchmarks.small_files RESULT ours|peer|batches|tuned|check HOME LANDING`.
"""

import random
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from bronze.source import Field, Source
from lakehouse.rules import Between
from lakehouse.settings import Settings
from tests.benchmarks import plain
from tests.benchmarks.ingest import as_program, digest, numbers, ours, table_of
from tests.benchmarks.measure import in_fresh_process, medians

TICKETS = Source(
    name="tickets",
    doc="Lines of a till that writes a file every few minutes.",
    path="tills/*.csv",
    format="csv",
    key=("line",),
    columns={
        "line": Field("bigint"),
        "sold_at": Field("timestamp"),
        "store": Field("int"),
        "sku": Field("string"),
        "units": Field("int", required=True),
        "amount": Field("decimal(10,2)"),
    },
    rules=(Between(column="units", low=1),),
)
FILES, ROWS = 5_000, 20
FILES_IN_A_BATCH = 1_000
CONTENDERS = ("peer", "batches", "tuned", "ours")
AIM = 5


def compare(folder: Path, *, runs: int, small: bool) -> dict[str, Any]:
    """All in turn, `runs` times each; after the first of each their rows are checked to be the same."""
    files = 50 if small else FILES
    make_files(folder / "landing", files)
    rows = 0
    of: dict[str, list[dict[str, float]]] = {who: [] for who in CONTENDERS}
    for number in range(runs):
        for who in CONTENDERS:
            shutil.rmtree(folder / who, ignore_errors=True)
            arguments = [who, folder / who, folder / "landing"]
            took = numbers(in_fresh_process("tests.benchmarks.small_files", arguments, folder / f"{who}.log"))
            of[who].append({**took, "files_per_second": files / took["seconds"]})
            print(f"  small files {number + 1}/{runs} {who}: {took['seconds']:.1f} s", flush=True)
        rows = rows or checked(folder)
    for who in CONTENDERS:
        shutil.rmtree(folder / who)
    found = {who: medians(took) for who, took in of.items()}
    faster = {who: found["ours"]["files_per_second"] / found[who]["files_per_second"] for who in CONTENDERS}
    about = {"files": files, "files_in_a_batch": FILES_IN_A_BATCH, "rows": rows, "runs": runs}
    return {**about, **found, "ours is so many times faster": faster, "aim": AIM}


def checked(folder: Path) -> int:
    arguments = ["check", folder, folder / "landing"]
    told = in_fresh_process("tests.benchmarks.small_files", arguments, folder / "check.log").told
    assert len({str(each) for each in told.values()}) == 1, f"they do not hold the same rows: {told}"
    return int(told["ours"][0])


def make_files(landing: Path, count: int) -> None:
    chance = random.Random(1)
    (landing / "tills").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        at = datetime(2024, 7, 1) + timedelta(minutes=5 * number)
        lines = ["line,sold_at,store,sku,units,amount"]
        for each in range(ROWS):
            sold_at = at + timedelta(seconds=15 * each)
            store, sku = chance.randint(101, 140), f"P{chance.randint(100_000, 102_000)}"
            units, cents = chance.randint(1, 6), chance.randint(50, 9_999)
            lines.append(f"{number * ROWS + each},{sold_at},{store},{sku},{units},{cents / 100:.2f}")
        (landing / "tills" / f"tickets_{at:%Y-%m-%dT%H%M}.csv").write_text("\n".join(lines) + "\n")


# As a program


def peer(spark: SparkSession, settings: Settings, *, files_in_a_batch: int | None = None) -> None:
    rows = plain.stream(spark, TICKETS, settings.landing_dir, files_in_a_batch=files_in_a_batch)
    plain.run(rows, TICKETS.name, f"{settings.home}/checkpoints")


def check(spark: SparkSession, settings: Settings) -> dict[str, tuple[int, int]]:
    tables = {who: table_of(who, settings.home, TICKETS) for who in CONTENDERS}
    return {who: digest(spark.read.format("delta").load(str(table)), TICKETS) for who, table in tables.items()}


if __name__ == "__main__":
    as_program(
        {
            "ours": lambda spark, settings: ours(spark, settings, [TICKETS]),
            "peer": peer,
            "batches": lambda spark, settings: peer(spark, settings, files_in_a_batch=FILES_IN_A_BATCH),
            "tuned": peer,
        },
        check,
        {"peer": plain.session, "batches": plain.session},
    )
