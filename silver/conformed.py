"""Canonical tables from the sources' declarations: the newest version of each row, and the versions before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from bronze.ledger import LOADS
from bronze.source import Feed, Source
from lakehouse.delta import Lakehouse, code_version
from lakehouse.tables import ContractError, Table, conform
from silver.deliveries import ORDER, keys_told, nothing_told, told
from silver.tables import CONFORMED, REVISIONS, TOLD_TOGETHER

FEW = 4  # feeds of a table
MANY = 200_000  # keys told again, up to which they are sent to every task


@dataclass(frozen=True)
class Refreshed:
    """What became of a table: `unchanged`, `merged` (new loads only) or `rebuilt`."""

    table: str
    how: str


def refresh(
    lake: Lakehouse, table: Table, sources: Sequence[Source], all_loads: Mapping[str, int] | None = None
) -> Refreshed:
    """Bring the table up to its sources' landed loads: only the keys that new loads speak of are worked on. Who
    refreshes many tables asks for all `landed_loads` once, and gives them."""
    feeding = feeds_of(table, sources)
    all_loads = landed_loads(lake) if all_loads is None else all_loads
    loads = {source.name: all_loads[source.name] for source, _ in feeding if source.name in all_loads}
    note = {"loads": loads, "origin": origin(table, feeding)}
    before = lake.newest_note(table)
    if before == note:
        return Refreshed(table.name, "unchanged")
    rows = all_rows(lake, table, feeding)
    if before.get("origin") == note["origin"]:
        new = keys_of_new_rows(lake, table, feeding, before["loads"], loads)
        new = new if new.limit(MANY + 1).count() > MANY else F.broadcast(new)
        mine = rows.join(new, on=list(table.key), how="left_semi")
        may_go = any(source.delivery != "append" for source, _ in feeding)
        mine = planned_once(lake, mine, feeding)
        with kept(mine.transform(versions, table)) as history:
            superseded = history.transform(revisions, table)
            lake.merge(superseded, REVISIONS, gone=no_revisions(mine, superseded, table))
            gone = history.where("superseded_at IS NULL AND _gone") if may_go else None
            lake.merge(history.transform(newest, table), table, gone=gone, note=note)
        return Refreshed(table.name, "merged")
    once, again = told_once_or_again(planned_once(lake, rows, feeding), table)
    with kept(again) as history:
        lake.replace(history.transform(revisions, table), REVISIONS, where=f"table_name = '{table.name}'")
        lake.replace(once.unionByName(history.transform(newest, table)), table, note=note)
    return Refreshed(table.name, "rebuilt")


def planned_once(lake: Lakehouse, rows: DataFrame, feeding: Sequence[tuple[Source, Feed]]) -> DataFrame:
    """What many feeds tell is computed here: their plan takes longer to make than their rows take to read, and each of
    its uses would make it anew. So are all rows of a table that a snapshot or a change log feeds, which are sorted to
    be told. What a few others tell may be many rows, and is read where it is."""
    is_costly = len(feeding) > FEW or any(source.delivery != "append" for source, _ in feeding)
    return lake.in_few_tasks(rows).localCheckpoint() if is_costly else rows


@contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """Rows that are read more than once, computed once."""
    try:
        yield rows.persist()
    finally:
        rows.unpersist()


def feeds_of(table: Table, sources: Sequence[Source]) -> list[tuple[Source, Feed]]:
    return [(source, feed) for source in sources for feed in source.feeds if feed.to == table.name]


def check_feeds(sources: Sequence[Source]) -> None:
    """Every feed must fill a canonical table, its key, and only columns that it has."""
    tables = {table.name: table for table in CONFORMED}
    problems = []
    for source in sources:
        for feed in source.feeds:
            if feed.to not in tables:
                problems.append(f"{source.name}: feeds {feed.to}, expected one of {', '.join(tables)}")
                continue
            table = tables[feed.to]
            problems += [
                f"{source.name}: feeds {feed.to}.{name}, which is not one of its columns"
                for name in feed.columns
                if name not in table.columns or name == "learned_at"
            ]
            problems += [
                f"{source.name}: does not say {feed.to}.{name}, which is part of the key"
                for name in table.key
                if name not in feed.columns
            ]
    if problems:
        raise ContractError("Cannot conform the sources:\n  " + "\n  ".join(problems) + "\nCorrect their feeds.")


def origin(table: Table, feeding: list[tuple[Source, Feed]]) -> str:
    """Changes when the code or a declaration does: the table is then rebuilt from all loads."""
    return f"{code_version(table.layer)}/{table.fingerprint}/" + "/".join(
        f"{source.name}:{source.table.fingerprint}:{source.newest_by}:{hash_of(feed, source)}"
        for source, feed in feeding
    )


def hash_of(feed: Feed, source: Source) -> str:
    delivered = (feed, source.key, source.delivery, source.changes, source.snapshot_of)
    return Table(name=feed.to, doc=repr(delivered), grain="", key=(), columns={}).fingerprint


def check_declared(landed: Iterable[str], sources: Sequence[Source]) -> None:
    """All that has landed must be declared: what a source told would leave silver with its declaration."""
    unknown = sorted(set(landed) - {source.name for source in sources})
    if unknown:
        raise ContractError(
            f"Cannot conform: {len(unknown)} sources have landed in this lakehouse and are not declared; what they "
            f"told would leave silver:\n  {', '.join(unknown)}\n"
            "Declare them (a folder given as --sources is used in place of the built-in declarations), or give the "
            "declared sources a lakehouse of their own (--home). A source that is to leave silver keeps its "
            "declaration, without feeds."
        )


def landed_loads(lake: Lakehouse) -> dict[str, int]:
    """The newest landed load of each source. Loads of a source land in their order, so it stands for all before it."""
    landed = lake.read(LOADS).where("status = 'landed'")
    return {
        row.source: row.load_id for row in landed.groupBy("source").agg(F.max("load_id").alias("load_id")).collect()
    }


def all_rows(lake: Lakehouse, table: Table, feeding: list[tuple[Source, Feed]]) -> DataFrame:
    """What all sources say of the table, every version, and when they said that a key is gone."""
    frames = [
        lake.read(source.table)
        .transform(told, source, feed, table, lake)
        .withColumn("_teller", F.lit(f"{source.name}/{number}"))
        for number, (source, feed) in enumerate(feeding)
    ]
    return in_one(frames or [nothing_told(lake, table).withColumn("_teller", F.lit(""))])


def in_one(frames: Sequence[DataFrame]) -> DataFrame:
    """The rows of all of them. In halves: one after the other, Spark would check each again with each that follows."""
    if len(frames) == 1:
        return frames[0]
    half = len(frames) // 2
    return in_one(frames[:half]).unionByName(in_one(frames[half:]))


def keys_of_new_rows(
    lake: Lakehouse,
    table: Table,
    feeding: list[tuple[Source, Feed]],
    after: Mapping[str, int],
    loads: Mapping[str, int],
) -> DataFrame:
    """The keys of which later loads may say something new."""
    frames = []
    for source, feed in feeding:
        rows = lake.read(source.table)
        new = rows.where(F.col("_load_id") > after.get(source.name, -1))
        if source.delivery == "changes":  # the versions before and after a new one mean something else now
            touched = new.select(*source.key).distinct()
            new = rows.join(touched, on=list(source.key), how="left_semi")
        if source.delivery == "snapshot" and loads.get(source.name) != after.get(source.name):
            new = rows  # a snapshot is of the keys that it lacks, too
        frames.append(new.transform(keys_told, source, feed, table))
    return in_one(frames or [nothing_told(lake, table).select(*table.key)]).distinct()


def told_once_or_again(rows: DataFrame, table: Table) -> tuple[DataFrame, DataFrame]:
    """Rows whose key is there once, as the table has them; and the versions of the others.

    Most facts are told once. Finding the few that are not by the hash of their key costs a shuffle of one number a
    row; ordering the versions of all rows costs a shuffle and a sort of everything.
    """
    hashed = rows.withColumn("_key_hash", F.xxhash64(*table.key))
    again = hashed.groupBy("_key_hash").agg(F.count("*").alias("times")).where("times > 1").select("_key_hash")
    hashes = [row[0] for row in again.limit(MANY + 1).collect()]
    if len(hashes) > MANY:
        return rows.limit(0).transform(versions, table).transform(newest, table), rows.transform(versions, table)
    repeated = F.broadcast(rows.sparkSession.createDataFrame([(each,) for each in hashes], "_key_hash bigint"))
    once = hashed.join(repeated, on="_key_hash", how="left_anti").withColumn("learned_at", F.col("_arrived_at"))
    once = once.where("NOT _gone")
    others = hashed.join(repeated, on="_key_hash", how="left_semi").select(*rows.columns)
    return once.select(*table.columns).transform(conform, table), others.transform(versions, table)


def versions(rows: DataFrame, table: Table) -> DataFrame:
    """Every version of each key that differs from the one before it, with when it and the next one were learned. That
    the key is gone is a version, too. Of tables that several sources tell together, what they say adds up."""
    if table in TOLD_TOGETHER:
        rows = versions_of(rows, table, (*table.key, "_teller")).transform(added_up, table)
    return versions_of(rows, table, table.key)


def versions_of(rows: DataFrame, table: Table, of: Sequence[str]) -> DataFrame:
    """A delivery that says the same again is no version. `superseded_at` is null for the newest. What a file says of a
    key over and over (a household on each line of a basket) is taken once first: that is most of the rows.
    """
    once = rows.groupBy(*(c for c in rows.columns if c != "_position")).agg(F.max("_position").alias("_position"))
    oldest_first = Window.partitionBy(*of).orderBy(*(F.asc_nulls_first(c) for c in ORDER))
    content = content_of(table)
    said = F.struct("_gone", *content)
    is_new = F.col("_said_before").isNull() | ~F.col("_said").eqNullSafe(F.col("_said_before"))
    learned = (
        once.withColumn("_said", said)
        .withColumn("_said_before", F.lag("_said").over(oldest_first))
        .withColumn("_version", F.count_if(is_new).over(oldest_first))
        .groupBy(*of, "_version")
        .agg(*(F.first(name).alias(name) for name in (*content, "_gone")), F.min("_arrived_at").alias("learned_at"))
    )
    later = Window.partitionBy(*of).orderBy("_version").rowsBetween(1, Window.unboundedFollowing)
    superseded_at = F.min("learned_at").over(later).alias("superseded_at")
    return learned.select(*of, *content, "learned_at", "_gone", superseded_at)


def content_of(table: Table) -> list[str]:
    return [name for name in table.columns if name not in (*table.key, "learned_at")]


def added_up(told: DataFrame, table: Table) -> DataFrame:
    """What was known of each key at each moment at which any teller said something new: of each column, what the teller
    says who said something of it last. Their own measures of what is newest do not compare; when it was learned does.
    """
    content = content_of(table)
    of_key = told.groupBy(*table.key).agg(
        F.collect_list(F.struct("learned_at", "_teller", "superseded_at", "_gone", *content)).alias("_told"),
        F.collect_set("learned_at").alias("_moments"),
    )
    moments = of_key.select(*table.key, "_told", F.explode("_moments").alias("_arrived_at"))
    is_known = "t.learned_at <= _arrived_at AND (t.superseded_at IS NULL OR t.superseded_at > _arrived_at)"
    known = moments.withColumn("_said", F.expr(f"filter(_told, t -> {is_known} AND NOT t._gone)"))
    of_column = "transform(filter(_said, t -> t.`{0}` IS NOT NULL), t -> struct(t.learned_at, t._teller, t.`{0}`))"
    return known.select(
        *table.key,
        *(F.expr(f"array_max({of_column.format(name)}).`{name}`").alias(name) for name in content),
        F.lit(None).cast("double").alias("_newest_by"),
        "_arrived_at",
        F.lit("").alias("_file"),
        F.lit(0).cast("bigint").alias("_position"),
        (F.size("_said") == 0).alias("_gone"),
    )


def newest(history: DataFrame, table: Table) -> DataFrame:
    known = history.where("superseded_at IS NULL AND NOT _gone")
    return known.drop("superseded_at", "_gone").transform(conform, table)


def revisions(history: DataFrame, table: Table) -> DataFrame:
    """Superseded versions, as rows of silver.revisions. One that was never the newest known is left out."""
    return (
        history.where("superseded_at > learned_at AND NOT _gone")
        .select(
            F.lit(table.name).alias("table_name"),
            F.to_json(F.struct(*table.key)).alias("row_key"),
            F.to_json(F.struct(*table.columns)).alias("row"),
            "learned_at",
            "superseded_at",
        )
        .transform(conform, REVISIONS)
    )


def no_revisions(rows: DataFrame, superseded: DataFrame, table: Table) -> DataFrame:
    """Keys of what may have been a revision before these rows came, and is none now: older ones came late."""
    key = F.to_json(F.struct(*table.key)).alias("row_key")
    then = rows.select(F.lit(table.name).alias("table_name"), key, F.col("_arrived_at").alias("learned_at")).distinct()
    return then.join(superseded, on=list(REVISIONS.key), how="left_anti")
