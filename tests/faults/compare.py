"""Whether two lakehouses hold the same rows: as multisets, with their tables' contracts, and without times."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from bronze.ledger import LOADS
from bronze.registry import declared_sources
from jobs.dbt_sources import declared_tables
from lakehouse.tables import Table
from ml.tables import MODELS

GROCER = Path(__file__).parents[2] / "bronze/sources/complete_journey"  # the sources of the real grocer
LAYERS = ("bronze", "silver", "gold", "ml")

# What may differ from run to run: when something ended and how long it took, and the number that MLflow drew.
MAY_DIFFER = {LOADS.name: {"ended_at", "seconds"}, MODELS.name: {"run_id"}}


@dataclass(frozen=True)
class Contents:
    """Of one table: how many rows, the sum of their hashes, and what its log says of constraints and columns."""

    rows: int
    digest: int
    contract: str


@dataclass(frozen=True)
class Difference:
    """Keys that are missing, rows that are there too often, keys whose rows differ; and whether the contract does."""

    table: str
    lost: int = 0
    duplicated: int = 0
    different: int = 0
    contract: str = ""

    def __str__(self) -> str:
        counts = f"{self.lost} lost, {self.duplicated} duplicated, {self.different} different"
        return f"{self.table}: {counts}" + (f"; contract: {self.contract}" if self.contract else "")


def tables() -> dict[str, Table]:
    sources = (*declared_sources(), *declared_sources(GROCER))
    known = {**declared_tables(), **{source.table.name: source.table for source in sources}}
    return {name: table for name, table in known.items() if table.layer in LAYERS}


def folder(home: Path, table: Table) -> Path:
    layer, name = table.name.split(".")
    return home / "warehouse" / f"{layer}.db" / name


def rows_of(spark: SparkSession, home: Path, table: Table) -> DataFrame:
    """The rows of a lakehouse that may be another session's: by path, without its catalog."""
    return spark.read.format("delta").load(str(folder(home, table)))


def contents(spark: SparkSession, home: Path, layers: Iterable[str] = LAYERS) -> dict[str, Contents]:
    """What each table holds that is there."""
    present = [table for table in tables().values() if table.layer in layers and log_of(home, table)]

    def of(table: Table) -> Contents:
        rows = rows_of(spark, home, table)
        found = rows.agg(F.count("*").alias("rows"), F.sum(digest(rows, table)).alias("digest")).first()
        assert found is not None
        return Contents(found.rows, int(found.digest or 0), contract(home, table))

    with ThreadPoolExecutor(4) as pool:
        return {table.name: each for table, each in zip(present, pool.map(of, present), strict=True)}


def differences(
    spark: SparkSession, expected: Path, found: Path, known: Mapping[str, Contents], layers: Iterable[str] = LAYERS
) -> list[Difference]:
    """Where `found` is not what `expected` (whose contents are `known`) is; nothing where all is the same."""
    now = contents(spark, found, layers)
    before = {name: each for name, each in known.items() if name.split(".")[0] in layers}
    declared = tables()
    answer = [Difference(name, lost=each.rows) for name, each in before.items() if name not in now]
    answer += [Difference(name, duplicated=each.rows) for name, each in now.items() if name not in before]
    for name in sorted(before.keys() & now.keys()):
        if before[name] == now[name]:
            continue
        table = declared[name]
        counts = (0, 0, 0)
        if (before[name].rows, before[name].digest) != (now[name].rows, now[name].digest):
            counts = by_key(rows_of(spark, expected, table), rows_of(spark, found, table), table)
        is_same_contract = before[name].contract == now[name].contract
        said = "" if is_same_contract else f"expected {before[name].contract}, found {now[name].contract}"
        answer.append(Difference(name, *counts, contract=said))
    return answer


def by_key(expected: DataFrame, found: DataFrame, table: Table) -> tuple[int, int, int]:
    """How many keys are lost, how many rows are there too often, and how many keys have other rows."""
    key = [F.col(name) for name in table.key if name not in MAY_DIFFER.get(table.name, ())]

    def keyed(rows: DataFrame, side: str) -> DataFrame:
        key_hash = F.xxhash64(*key, *(each.isNull() for each in key)).alias("key_hash")
        per_key = rows.select(key_hash, digest(rows, table).alias("digest")).groupBy("key_hash")
        return per_key.agg(F.count("*").alias(f"rows_{side}"), F.sum("digest").alias(f"digest_{side}"))

    both = keyed(expected, "before").join(keyed(found, "now"), on="key_hash", how="full")
    before, now = (F.coalesce(f"rows_{side}", F.lit(0)) for side in ("before", "now"))
    counts = both.agg(
        F.sum(F.greatest(before - now, F.lit(0))).alias("lost"),
        F.sum(F.greatest(now - before, F.lit(0))).alias("duplicated"),
        F.count_if((before == now) & (F.col("digest_before") != F.col("digest_now"))).alias("different"),
    ).first()
    assert counts is not None
    return counts.lost, counts.duplicated, counts.different


def digest(rows: DataFrame, table: Table) -> Column:
    """A hash of the row; a null is told from the next column's value, which the hash alone would not do."""
    names = sorted(set(rows.columns) - MAY_DIFFER.get(table.name, set()))
    columns = [F.col(f"`{name}`") for name in names]
    return F.xxhash64(*columns, *(each.isNull() for each in columns)).cast("decimal(20,0)")


def log_of(home: Path, table: Table) -> list[Path]:
    return sorted((folder(home, table) / "_delta_log").glob("*.json"))


def contract(home: Path, table: Table) -> str:
    """Columns and properties, constraints among them, as the log last told them."""
    found = {}
    for commit in log_of(home, table):
        for line in commit.read_text().splitlines():
            if "metaData" in (action := json.loads(line)):
                found = action["metaData"]
    columns = [(field["name"], field["type"]) for field in json.loads(found["schemaString"])["fields"]]
    return json.dumps([columns, found.get("partitionColumns"), found["configuration"]], sort_keys=True)
