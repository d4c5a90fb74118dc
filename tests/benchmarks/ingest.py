"""Bronze beside a plain Structured Streaming job: the same files, session settings and cores, each in a fresh process.

The peer is what one writes by hand: readStream with a schema, writeStream to a Delta table of the catalog,
`availableNow`. It has no lineage, keeps no undeclared column and refuses no row; so the landing of both is without the
simulator's broken lines.
As a program: `python -m tests.benchmarks.ingest RESULT ours|peer|check HOME LANDING`.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bronze.ingest import ingest
from bronze.source import Source
from bronze.sources.complete_journey.grocer import POS_TRANSACTIONS, PROMOTIONS
from lakehouse.delta import Lakehouse
from lakehouse.session import open_session
from lakehouse.settings import Settings
from lakehouse.types import data_type
from simulator import complete_journey, warts
from tests.benchmarks.measure import Measured, in_fresh_process, medians, timed

SOURCES = (POS_TRANSACTIONS, PROMOTIONS)
AIM = 1.25


def compare(folder: Path, *, runs: int, small: bool) -> dict[str, Any]:
    """Peer and ours in turn, `runs` times each, after one of each whose rows are checked to be the same."""
    landing = folder / "landing"
    files = make_landing(landing, small=small)
    rows = checked(folder, landing)
    of: dict[str, list[Measured]] = {"peer": [], "ours": []}
    for number in range(runs):
        for who in of:
            of[who].append(once(who, folder, landing))
            told = of[who][-1].told
            print(
                f"  ingest {number + 1}/{runs} {who}: {told['seconds']:.1f} s, CPU {told['cpu_seconds']:.1f} s",
                flush=True,
            )
    found = {who: medians([numbers(each) for each in measured]) for who, measured in of.items()}
    ratios = {name: found["ours"][name] / found["peer"][name] for name in found["peer"]}
    return {"files": files, "rows": rows, "runs": runs, **found, "ours / peer": ratios, "aim": AIM}


def numbers(measured: Measured) -> dict[str, float]:
    took = measured.took
    return {
        "seconds": measured.told["seconds"],
        "cpu_seconds": measured.told["cpu_seconds"],
        "process_seconds": took.seconds,
        "process_cpu_seconds": took.cpu_seconds,
        "peak_gib": took.peak_bytes / 2**30,
    }


def once(who: str, folder: Path, landing: Path, *, keep: bool = False) -> Measured:
    home = folder / who
    shutil.rmtree(home, ignore_errors=True)
    measured = in_fresh_process("tests.benchmarks.ingest", [who, home, landing], folder / f"{who}.log")
    if not keep:
        shutil.rmtree(home)
    return measured


def checked(folder: Path, landing: Path) -> dict[str, int]:
    """One run of each, whose declared columns must be the same rows, as a multiset. Returns how many of each source."""
    for who in ("peer", "ours"):
        once(who, folder, landing, keep=True)
    told = in_fresh_process("tests.benchmarks.ingest", ["check", folder, landing], folder / "check.log").told
    assert told["peer"] == told["ours"], f"peer and ours do not hold the same rows: {told}"
    for who in ("peer", "ours"):
        shutil.rmtree(folder / who)
    return {name: rows for name, (rows, _) in told["ours"].items()}


def make_landing(landing: Path, *, small: bool) -> int:
    """The transactions without their broken lines and the day that is sent again, and the promotions."""
    manifest = complete_journey.write(
        landing, households=60 if small else None, promotion_weeks=1 if small else complete_journey.PROMOTION_WEEKS
    )
    wanted = {source.name for source in SOURCES}
    for file in manifest.files:
        if file.feed not in wanted or file.repeated:
            (landing / file.path).unlink()
    for day, broken in warts.BROKEN_TRANSACTIONS.items():
        path = landing / f"pos/transactions/transactions_{day}.csv"
        wrong = {line for _, line in broken}
        path.write_text("".join(f"{line}\n" for line in path.read_text().splitlines() if line not in wrong))
    return sum(file.feed in wanted and not file.repeated for file in manifest.files)


# As a program


def ours(spark: SparkSession, settings: Settings, sources: Sequence[Source] = SOURCES) -> None:
    failed = []
    ingest(Lakehouse(spark, settings), sources, on_landed=lambda each: failed.append(each) if each.error else None)
    assert not failed, failed


def peer(spark: SparkSession, settings: Settings) -> None:
    transactions = (
        spark.readStream.schema(schema_of(POS_TRANSACTIONS))
        .option("header", "true")
        .csv(f"{settings.landing}/pos/transactions")
    )
    promotions = spark.readStream.schema(schema_of(PROMOTIONS)).parquet(f"{settings.landing}/merchandising/promotions")
    queries = [
        rows.writeStream.format("delta")
        .option("checkpointLocation", f"{settings.home}/checkpoints/{name}")
        .trigger(availableNow=True)
        .toTable(name)
        for name, rows in (("pos_transactions", transactions), ("promotions", promotions))
    ]
    for query in queries:
        query.awaitTermination()


def schema_of(source: Source) -> str:
    return ", ".join(f"`{name}` {field.type}" for name, field in source.columns.items())


def check(spark: SparkSession, settings: Settings) -> dict[str, Any]:
    return {
        who: {
            source.name: digest(spark.read.format("delta").load(str(table_of(who, settings.home, source))), source)
            for source in SOURCES
        }
        for who in ("peer", "ours")
    }


def table_of(who: str, home: Path, source: Source) -> Path:
    return home / who / "warehouse" / ("bronze.db" if who == "ours" else "") / source.name


def digest(rows: DataFrame, source: Source) -> tuple[int, int]:
    columns = [F.col(name).cast(data_type(field.type)) for name, field in source.columns.items()]
    row_hash = F.xxhash64(*columns, *(each.isNull() for each in columns)).cast("decimal(20,0)")
    found = rows.agg(F.count("*").alias("rows"), F.sum(row_hash).alias("digest")).first()
    assert found is not None
    return found.rows, int(found.digest or 0)


def as_program(
    work: Mapping[str, Callable[[SparkSession, Settings], None]],
    check: Callable[[SparkSession, Settings], dict[str, Any]],
    sessions: Mapping[str, Callable[[Settings], SparkSession]] = {},
) -> None:
    """Do the work of the contender that the command line names, and tell what it took; or check what all have done.
    `sessions` are those of contenders that do not work in ours."""
    result, who, home, landing = sys.argv[1:]
    settings = Settings(home=Path(home), landing=landing)
    opened = settings.model_copy(update={"home": Path(home) / "checking"}) if who == "check" else settings
    spark = sessions.get(who, open_session)(opened)
    told: dict[str, Any] = {}
    if who == "check":
        told = check(spark, settings)
    else:
        with timed() as told:
            work[who](spark, settings)
    Path(result).write_text(json.dumps(told))
    spark.stop()


if __name__ == "__main__":
    as_program({"ours": ours, "peer": peer}, check)
