"""What the report shows, as small frames: Spark counts, and only counts and short lists come out.

Values that name a person stay behind: of a refused row the report has the file, the position and the reasons.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from math import ceil
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from bronze.ledger import FILES, LOADS, QUARANTINE
from lakehouse.delta import Lakehouse
from ml.tables import CHURN_SCORES, MODEL_METRICS, MODELS, TEST_PREDICTIONS, TRAINING_HISTORY
from silver.tables import CORE_IDS, CUSTOMERS, ORDERS, REVISIONS

LAYERS = ("bronze", "silver", "gold", "ml", "journey", "marts", "quality")
CHURN = "churn"  # what the names of all churn models contain

# Curves are drawn from at most about so many customers: the same of every contender, chosen by their ids alone.
CURVE_CUSTOMERS = 50_000

SIDE_BY_SIDE = 3  # sections that are made at a time

BINS = 20  # of the probability of churn


def empty(*columns: str) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame(columns=list(columns))


@dataclass(frozen=True)
class Contents:
    """All that the report shows. A frame without rows is of something that nobody has built yet."""

    as_of: date
    tables: pd.DataFrame = field(default_factory=empty("layer", "table_name", "rows"))
    landed: pd.DataFrame = field(default_factory=empty("source", "files", "rows", "quarantined", "newest_file_on"))
    failed: pd.DataFrame = field(default_factory=empty("source", "load_id", "error"))
    unclaimed: pd.DataFrame = field(default_factory=empty("file"))
    refusals: pd.DataFrame = field(default_factory=empty("source", "reason", "rows"))
    refused: pd.DataFrame = field(default_factory=empty("source", "file", "position", "reasons"))
    revisions: pd.DataFrame = field(default_factory=empty("table_name", "rows"))
    people: pd.DataFrame = field(default_factory=empty("customers", "parties"))
    weeks: pd.DataFrame = field(default_factory=empty("week_ends_on", "orders", "customers", "net_amount"))
    segments: pd.DataFrame = field(default_factory=empty("segment", "customers", "net_amount_52w"))
    model: pd.DataFrame = field(
        default_factory=empty("model", "model_version", "trained_as_of", "test_as_of", "workers", "threshold")
    )
    history: pd.DataFrame = field(default_factory=empty("epoch", "loss", "validation_loss", "validation_auroc"))
    metrics: pd.DataFrame = field(default_factory=empty("contender", "metric", "value"))
    confusion: pd.DataFrame = field(default_factory=empty("contender", "is_predicted", "has_churned", "customers"))
    predictions: pd.DataFrame = field(default_factory=empty("contender", "core_id", "probability", "has_churned"))
    scores: pd.DataFrame = field(default_factory=empty("as_of", "bin", "is_at_risk", "customers"))
    reasons: pd.DataFrame = field(default_factory=empty("reason", "customers"))
    watchlist: pd.DataFrame = field(
        default_factory=empty(
            "place", "core_id", "as_of", "churn_probability", "segment", "recency_days", "value_at_stake",
            "expected_loss", "reasons",
        )
    )  # fmt: skip
    stake: pd.DataFrame = field(default_factory=empty("customers", "value_at_stake", "expected_loss"))
    campaigns: pd.DataFrame = field(
        default_factory=empty(
            "campaign_id", "kind", "starts_on", "ends_on", "customers_mailed", "redeemers", "redemption_rate",
            "net_amount_change", "others_net_amount_change",
        )
    )  # fmt: skip
    rules: pd.DataFrame = field(default_factory=empty("layer", "rules", "met", "errors", "warnings"))
    broken: pd.DataFrame = field(
        default_factory=empty("table_name", "rule", "severity", "rows_unexpected", "rows_checked", "problem")
    )


NOTHING = Contents(date.min)

Section = Callable[[], dict[str, pd.DataFrame]]  # what makes frames of the report, by their names


def collect(lake: Lakehouse, as_of: date) -> Contents:
    """Everything as it is known at the end of `as_of`; of bronze and quality, everything that there is."""
    files, loads, quarantine = lake.read(FILES), lake.read(LOADS), lake.read(QUARANTINE)
    model = newest_model(lake.read(MODELS), as_of).toPandas()

    def of_model(rows: DataFrame) -> DataFrame:
        name, version = model[["model", "model_version"]].iloc[0] if len(model) else (None, None)
        return rows.where((F.col("model") == F.lit(name)) & (F.col("model_version") == F.lit(version)))

    def sections() -> Iterator[Section]:
        yield lambda: {"tables": tables(lake)}
        yield frame(landed(loads, files), "landed")
        yield frame(failed(loads), "failed")
        yield frame(unclaimed(files), "unclaimed")
        yield frame(refusals(quarantine), "refusals")
        yield frame(refused(quarantine), "refused")
        yield frame(revisions(lake.read(REVISIONS)), "revisions")
        yield frame(people(lake.read(CUSTOMERS)), "people")
        yield frame(weeks(lake.read(ORDERS), lake.read(CORE_IDS), as_of), "weeks")
        yield frame(in_order(of_model(lake.read(TRAINING_HISTORY)), "history", "epoch"), "history")
        yield frame(in_order(of_model(lake.read(MODEL_METRICS)), "metrics", "contender", "metric"), "metrics")
        yield partial(curves, of_model(lake.read(TEST_PREDICTIONS)))
        yield partial(risks, lake.read(CHURN_SCORES), as_of)
        yield partial(mart, lake, "marts.rfmt_segments", segments)
        yield partial(mart, lake, "marts.churn_watchlist", watchlist, as_of)
        yield partial(mart, lake, "marts.campaign_performance", campaigns, as_of)
        yield partial(mart, lake, "quality.expectation_results", rules)

    frames: dict[str, pd.DataFrame] = {}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:  # most of their time is planning, on one core
        for found in pool.map(lambda section: section(), sections()):
            frames |= found
    return Contents(as_of=as_of, model=model, **frames)


def frame(rows: DataFrame, name: str) -> Section:
    return lambda: {name: rows.toPandas()}


def mart(lake: Lakehouse, table: str, contents: Any, *arguments: Any) -> dict[str, pd.DataFrame]:
    """Frames made of a table that dbt or Great Expectations makes; none where it is not there."""
    name = lake.settings.table(table)
    if not lake.spark.catalog.tableExists(name):
        return {}
    return {key: rows.toPandas() for key, rows in contents(lake.spark.table(name), *arguments).items()}


def in_order(rows: DataFrame, name: str, *by: str) -> DataFrame:
    return rows.select(*columns_of(name)).orderBy(*by)


def columns_of(name: str) -> list[str]:
    """The columns that a frame of the report has."""
    return list(getattr(NOTHING, name).columns)


def tables(lake: Lakehouse) -> pd.DataFrame:
    """How many rows each table has."""
    names = [f"{layer}.{name}" for layer in LAYERS for name in tables_in(lake, layer)]
    counted = [(name.split(".")[0], name, rows) for name, rows in lake.counts(names).items()]
    return pd.DataFrame(counted, columns=columns_of("tables"))


def tables_in(lake: Lakehouse, layer: str) -> list[str]:
    """The tables of a layer by name, without views."""
    schema = lake.settings.table(layer)
    if not lake.spark.catalog.databaseExists(schema):
        return []
    named = lake.spark.sql(f"SHOW TABLES IN {schema}").where("NOT isTemporary").collect()
    views = {row.viewName for row in lake.spark.sql(f"SHOW VIEWS IN {schema}").collect()}
    return sorted(row.tableName for row in named if row.tableName not in views)


def each_of(rows: pd.DataFrame) -> Iterator[Any]:
    """The rows one by one, with their columns as attributes."""
    return rows.itertuples(index=False)


# Bronze


def landed(loads: DataFrame, files: DataFrame) -> DataFrame:
    """Per source: what its loads brought in, the largest first."""
    newest = files.groupBy("source").agg(F.to_date(F.max("arrived_at")).alias("newest_file_on"))
    return (
        loads.where("status = 'landed'")
        .groupBy("source", "load_id")  # several runs at once may each note that it landed
        .agg(*(F.max(each).alias(each) for each in ("files", "rows", "quarantined")))
        .groupBy("source")
        .agg(*(F.sum(each).alias(each) for each in ("files", "rows", "quarantined")))
        .join(newest, on="source", how="left")
        .select(*columns_of("landed"))
        .orderBy(F.desc("rows"), "source")
    )


def failed(loads: DataFrame) -> DataFrame:
    """Loads that have not landed, with the first line of why, as it was said last."""
    done = loads.where("status = 'landed'").select("source", "load_id")
    return (
        loads.join(done, on=["source", "load_id"], how="left_anti")
        .groupBy("source", "load_id")
        .agg(F.max_by("error", "ended_at").alias("error"))
        .withColumn("error", F.substring(F.substring_index("error", "\n", 1), 1, 300))
        .orderBy("source", "load_id")
        .limit(20)
    )


def unclaimed(files: DataFrame) -> DataFrame:
    """Files that no source declares."""
    sources = files.groupBy("file").agg(F.max("source").alias("source"))
    return sources.where("source IS NULL").select("file").orderBy("file").limit(20)


def without_value(reason: Column) -> Column:
    """A reason ends with the value that was found, which may be personal: it is left out."""
    return F.regexp_replace(reason, r"(?s), found '.*", "")


def refusals(quarantine: DataFrame) -> DataFrame:
    """How many rows each reason refused. A row with two reasons counts in both."""
    return (
        quarantine.select("source", "file", "position", F.explode("reasons").alias("reason"))
        .select("source", without_value(F.col("reason")).alias("reason"))
        .groupBy("source", "reason")
        .agg(F.count("*").alias("rows"))
        .orderBy(F.desc("rows"), "source", "reason")
        .limit(20)
    )


def refused(quarantine: DataFrame) -> DataFrame:
    """Some refused rows: up to three of each source and reasons, where they are and why."""
    why = F.array_join(F.transform("reasons", without_value), "; ")
    of_a_kind = Window.partitionBy("source", "reasons").orderBy("file", "position")
    return (
        quarantine.select("source", "file", "position", why.alias("reasons"))
        .withColumn("_place", F.row_number().over(of_a_kind))
        .where("_place <= 3")
        .orderBy("source", "file", "position")
        .limit(20)
        .select(*columns_of("refused"))
    )


# Silver and the marts


def revisions(rows: DataFrame) -> DataFrame:
    return rows.groupBy("table_name").agg(F.count("*").alias("rows")).orderBy("table_name")


def people(customers: DataFrame) -> DataFrame:
    return customers.agg(F.count("*").alias("customers"), F.sum("parties").alias("parties")).where("customers > 0")


def weeks(orders: DataFrame, core_ids: DataFrame, as_of: date) -> DataFrame:
    """Orders by weeks of seven days, the last of which ends with `as_of`; the first only if orders fill it."""
    known = orders.where(F.col("ordered_on") <= F.lit(as_of))
    days_ago = F.date_diff(F.lit(as_of), "ordered_on")
    whole_weeks = known.agg(F.floor((F.max(days_ago) + 1) / 7).alias("whole_weeks"))
    return (
        known.withColumn("week", F.floor(days_ago / 7))
        .join(F.broadcast(whole_weeks), on=F.col("week") < F.col("whole_weeks"), how="inner")
        .join(core_ids.select("party_id", "core_id"), on="party_id", how="left")
        .groupBy("week")
        .agg(
            F.count("*").alias("orders"),
            F.count_distinct(F.coalesce("core_id", "party_id")).alias("customers"),
            F.sum("net_amount").cast("double").alias("net_amount"),
        )
        .withColumn("week_ends_on", F.date_sub(F.lit(as_of), (7 * F.col("week")).cast("int")))
        .select(*columns_of("weeks"))
        .orderBy("week_ends_on")
    )


def segments(rfmt: DataFrame) -> dict[str, DataFrame]:
    spent = F.coalesce(F.sum("net_amount_52w"), F.lit(0)).cast("double")
    counted = rfmt.groupBy("segment").agg(F.count("*").alias("customers"), spent.alias("net_amount_52w"))
    return {"segments": counted.orderBy("segment")}


def watchlist(rows: DataFrame, as_of: date) -> dict[str, DataFrame]:
    known = rows.where(F.col("as_of") <= F.lit(as_of))
    money = {name: F.col(name).cast("double") for name in ("value_at_stake", "expected_loss")}
    sums = (F.sum(each).cast("double").alias(name) for name, each in money.items())
    return {
        "watchlist": known.orderBy("place").limit(20).withColumns(money).select(*columns_of("watchlist")),
        "stake": known.agg(F.count("*").alias("customers"), *sums).where("customers > 0"),
    }


def campaigns(rows: DataFrame, as_of: date) -> dict[str, DataFrame]:
    begun = rows.where(F.col("starts_on") <= F.lit(as_of))
    biggest_first = begun.orderBy(F.desc("customers_mailed"), "campaign_id")
    return {"campaigns": biggest_first.select(*columns_of("campaigns")).limit(10)}


# Models


def newest_model(models: DataFrame, as_of: date) -> DataFrame:
    """The churn model that was newest at the end of `as_of`."""
    known = models.where(F.col("model").contains(CHURN) & (F.col("trained_as_of") <= F.lit(as_of)))
    version = F.expr("try_cast(model_version AS bigint)").desc_nulls_last()  # 10 comes after 9
    newest_first = known.orderBy(F.desc("trained_as_of"), version, F.desc("model_version"))
    return newest_first.limit(1).select(*columns_of("model"))


def curves(predictions: DataFrame) -> dict[str, pd.DataFrame]:
    """How often each contender was right, and the predictions that its curves are drawn from."""
    confusion = confusion_of(predictions).toPandas()
    return {"confusion": confusion, "predictions": sampled(predictions, confusion).toPandas()}


def confusion_of(predictions: DataFrame) -> DataFrame:
    cells = ("contender", "is_predicted", "has_churned")
    return predictions.groupBy(*cells).agg(F.count("*").alias("customers")).orderBy(*cells)


def sampled(predictions: DataFrame, confusion: pd.DataFrame) -> DataFrame:
    """The predictions that the curves are drawn from: all of them, until there are more than a curve can show."""
    customers = int(confusion.groupby("contender")["customers"].sum().max()) if len(confusion) else 0
    one_of = max(1, ceil(customers / CURVE_CUSTOMERS))
    return (
        predictions.where(F.pmod(F.xxhash64("core_id"), F.lit(one_of)) == 0)
        .select(*columns_of("predictions"))
        .orderBy("contender", "core_id")
    )


def risks(scores: DataFrame, as_of: date) -> dict[str, pd.DataFrame]:
    newest = newest_scores(scores, as_of)
    return {"scores": score_bins(newest).toPandas(), "reasons": kinds_of_reasons(newest).toPandas()}


def newest_scores(scores: DataFrame, as_of: date) -> DataFrame:
    """Of active customers: the others are gone, and nobody asks who of them is at risk."""
    newest = scores.where(F.col("as_of") <= F.lit(as_of)).agg(F.max("as_of")).first()
    return scores.where((F.col("as_of") == F.lit(newest[0] if newest else None)) & F.col("is_active"))


def score_bins(scores: DataFrame) -> DataFrame:
    number = F.least(F.floor(F.col("churn_probability") * BINS), F.lit(BINS - 1)).cast("int")
    return (
        scores.groupBy("as_of", number.alias("bin"), "is_at_risk")
        .agg(F.count("*").alias("customers"))
        .orderBy("bin", "is_at_risk")
    )


def kinds_of_reasons(scores: DataFrame) -> DataFrame:
    """Reasons of customers at risk, together where they differ in their numbers only. 'the last 4 weeks' stays."""
    number = r"(?<!last |\d|[.,])\d+([.,]\d+)*(%| days?| weeks?)?"
    kind = F.regexp_replace("reason", number, "\N{HORIZONTAL ELLIPSIS}")
    return (
        scores.where("is_at_risk")
        .select("core_id", F.explode("reasons").alias("reason"))
        .groupBy(kind.alias("reason"))
        .agg(F.count_distinct("core_id").alias("customers"))
        .orderBy(F.desc("customers"), "reason")
        .limit(10)
    )


# Quality


def rules(results: DataFrame) -> dict[str, DataFrame]:
    """What became of each rule when it was last checked; a table that is checked load by load adds them up."""
    checks = ("table_name", "scope", "rule")
    of_table = Window.partitionBy("table_name").orderBy(F.desc("table_version"))
    of_check = Window.partitionBy(*checks).orderBy(F.desc("table_version"))
    is_error = F.col("severity") == "error"
    latest = (
        results.withColumn("_declared", F.first("rules_fingerprint").over(of_table))
        .where("rules_fingerprint <=> _declared")
        .withColumn("_place", F.row_number().over(of_check))
        .where("_place = 1")
        .groupBy("layer", "table_name", "rule", "severity")
        .agg(
            F.bool_and("is_met").alias("is_met"),
            F.sum("rows_unexpected").alias("rows_unexpected"),
            F.sum("rows_checked").alias("rows_checked"),
            F.max("problem").alias("problem"),
        )
    )
    summary = latest.groupBy("layer").agg(
        F.count("*").alias("rules"),
        F.count_if("is_met").alias("met"),
        F.count_if(~F.col("is_met") & is_error).alias("errors"),
        F.count_if(~F.col("is_met") & ~is_error).alias("warnings"),
    )
    return {
        "rules": summary.orderBy(position_of_layer()),
        "broken": latest.where(~F.col("is_met"))
        .select(*columns_of("broken"))
        .orderBy("severity", F.desc("rows_unexpected"), "table_name", "rule")
        .limit(20),
    }


def position_of_layer(layers: Iterable[str] = LAYERS) -> Column:
    return F.array_position(F.array(*(F.lit(layer) for layer in layers)), F.col("layer"))
