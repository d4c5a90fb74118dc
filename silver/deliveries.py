"""What a source's deliveries say of a table, by their kind: rows as the table has them, and that a key is gone."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from bronze.ledger import QUARANTINE
from bronze.source import Feed, Source
from lakehouse.delta import Lakehouse
from lakehouse.tables import Table

ORDER = ("_newest_by", "_arrived_at", "_file", "_position")
TYPES = ("double", "timestamp", "string", "bigint")


def told(rows: DataFrame, source: Source, feed: Feed, table: Table, lake: Lakehouse) -> DataFrame:
    """One source's rows as the table's columns, in their types; what the feed does not say is null. `_gone` rows say
    only that their key is not there any more."""
    if source.delivery == "changes":
        return changes_told(rows, source, feed, table)
    if source.delivery == "snapshot":
        refused = lake.read(QUARANTINE).where(F.col("source") == source.name)
        return snapshots_told(rows, source, feed, table, refused)
    conformed = [f"{value} AS `{name}`" for name, value in spelled(feed, table).items()]
    kept = rows.where(feed.where) if feed.where else rows
    lineage = ("_arrived_at", "_file", "_position")
    return kept.selectExpr(*conformed, f"{newest_by(source)} AS _newest_by", *lineage, "false AS _gone")


def keys_told(rows: DataFrame, source: Source, feed: Feed, table: Table) -> DataFrame:
    """The keys of the table that rows of the source speak of."""
    key = [value.alias(name) for name, value in values(feed, table).items() if name in table.key]
    return rows.where(is_told(source, feed)).select(*key)


def nothing_told(lake: Lakehouse, table: Table) -> DataFrame:
    empty = lake.spark.createDataFrame([], table.schema).drop("learned_at")
    order = (F.lit(None).cast(type_).alias(name) for name, type_ in zip(ORDER, TYPES, strict=True))
    return empty.select("*", *order, F.lit(False).alias("_gone"))


def spelled(feed: Feed, table: Table) -> dict[str, str]:
    """Each column of the table in SQL, in its type: as texts they take a tenth of the calls to Java."""
    return {
        name: f"CAST(({feed.columns.get(name, 'null')}) AS {column.type})"
        for name, column in table.columns.items()
        if name != "learned_at"
    }


def values(feed: Feed, table: Table) -> dict[str, Column]:
    return {name: F.expr(value) for name, value in spelled(feed, table).items()}


def is_told(source: Source, feed: Feed) -> Column:
    """Whether a row speaks of the table."""
    kept = F.coalesce(F.expr(feed.where), F.lit(False)) if feed.where else F.lit(True)
    if source.changes:
        kept &= ~F.col(source.changes.operation).isin(*source.changes.deletes)
    return kept


def newest_by(source: Source) -> str:
    """The source's own measure of what is newest, as a number, in SQL; null where it has none and arrival decides."""
    if not source.newest_by:
        return "CAST(null AS double)"
    of_time = source.columns[source.newest_by].type in ("date", "timestamp")
    column = f"`{source.newest_by}`"
    return f"CAST(CAST({column} AS timestamp) AS double)" if of_time else f"CAST({column} AS double)"


def changes_told(rows: DataFrame, source: Source, feed: Feed, table: Table) -> DataFrame:
    """A change log in the order of its sequence. A key is gone with the last of the source's rows that told it: it was
    deleted, tells another key now, or speaks of the table no more."""
    assert source.changes
    in_order = [F.asc_nulls_first("_sequence"), F.asc("_arrived_at"), F.asc("_file"), F.asc("_position")]
    of_row = Window.partitionBy("_row").orderBy(*in_order)
    of_key = Window.partitionBy(*table.key).orderBy(*in_order)
    conformed = values(feed, table)
    key = F.struct(*(conformed[name].alias(name) for name in table.key))
    lineage = ("_sequence", "_arrived_at", "_file", "_position")
    changes = rows.select(
        *(value.alias(name) for name, value in conformed.items()),
        F.struct(*source.key).alias("_row"),
        F.when(is_told(source, feed), key).alias("_key"),
        F.col(source.changes.sequence).alias("_sequence"),
        *lineage[1:],
    ).withColumn("_key_before", F.lag("_key").over(of_row))
    is_other = ~F.col("_key").eqNullSafe(F.col("_key_before"))
    there = changes.where("_key IS NOT NULL").select(
        *conformed, *lineage, F.lit(False).alias("_gone"), is_other.cast("int").alias("_more")
    )
    gone = changes.where(F.col("_key_before").isNotNull() & is_other).select(
        "_key_before.*", *lineage, F.lit(True).alias("_gone"), F.lit(-1).alias("_more")
    )
    return (
        there.unionByName(gone, allowMissingColumns=True)
        .withColumn("_tellers", F.sum("_more").over(of_key))
        .withColumn("_newest_by", F.row_number().over(of_key).cast("double"))  # as a double, a sequence may be rounded
        .where("NOT _gone OR _tellers = 0")
        .drop("_sequence", "_more", "_tellers")
    )


def snapshots_told(rows: DataFrame, source: Source, feed: Feed, table: Table, refused: DataFrame) -> DataFrame:
    """Full states in the order of their days. A key is gone with the first whole snapshot after one that has it; one of
    which any record was refused is not whole, and one without any row is taken for a mistake."""
    day = F.expr(source.snapshot_of).try_cast("timestamp")
    dated = rows.withColumn("_snapshot", day)
    conformed = [value.alias(name) for name, value in values(feed, table).items()]
    there = dated.where(is_told(source, feed)).select(
        *conformed,
        F.col("_snapshot").cast("double").alias("_newest_by"),
        "_arrived_at", "_file", "_position", "_snapshot",
        F.lit(False).alias("_gone"),
    )  # fmt: skip
    following = whole_snapshot_after_each(dated, unreadable_files(refused, source).withColumn("_snapshot", day))
    of_key = Window.partitionBy(*table.key).orderBy(F.asc_nulls_first("_snapshot"))
    gone = (
        there.select(*table.key, "_snapshot")
        .distinct()
        .withColumn("_next", F.lead("_snapshot").over(of_key))
        .join(F.broadcast(following), on=F.col("_snapshot").eqNullSafe(F.col("_after")), how="inner")
        .where("_next IS NULL OR _whole < _next")
        .select(
            *table.key,
            F.col("_whole").cast("double").alias("_newest_by"),
            F.col("_whole_at").alias("_arrived_at"),
            F.lit("").alias("_file"),
            F.lit(0).cast("bigint").alias("_position"),
            F.lit(True).alias("_gone"),
        )
    )
    return there.drop("_snapshot").unionByName(gone, allowMissingColumns=True)


def unreadable_files(refused: DataFrame, source: Source) -> DataFrame:
    """The files of which records were refused, as rows of the source whose columns are not known."""
    unknown = (F.lit(None).cast(f.type).alias(name) for name, f in source.columns.items())
    return refused.select(*unknown, F.col("file").alias("_file"), F.col("arrived_at").alias("_arrived_at")).distinct()


def whole_snapshot_after_each(dated: DataFrame, unreadable: DataFrame) -> DataFrame:
    """For each snapshot the next whole one, and when that arrived."""
    of_files = dated.groupBy("_snapshot", "_file").agg(F.min("_arrived_at").alias("_arrived_at"))
    broken_files = F.broadcast(unreadable.select("_file", F.lit(True).alias("_is_broken")).distinct())
    broken_days = F.broadcast(unreadable.select("_snapshot", F.lit(True).alias("_is_broken_day")).distinct())
    snapshots = (
        of_files.join(broken_files, on="_file", how="left")
        .join(broken_days, on="_snapshot", how="left")
        .groupBy("_snapshot")
        .agg(
            F.min("_arrived_at").alias("_whole_at"),
            F.count_if(F.expr("_is_broken OR _is_broken_day")).alias("_broken"),
        )
    )
    later = Window.orderBy(F.asc_nulls_first("_snapshot")).rowsBetween(1, Window.unboundedFollowing)
    whole = F.when(F.col("_snapshot").isNotNull() & (F.col("_broken") == 0), F.struct("_snapshot", "_whole_at"))
    return (
        snapshots.select(F.col("_snapshot").alias("_after"), F.min(whole).over(later).alias("_first"))
        .where("_first IS NOT NULL")
        .select("_after", F.col("_first._snapshot").alias("_whole"), F.col("_first._whole_at").alias("_whole_at"))
    )
