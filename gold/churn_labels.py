"""Who stayed away: what a churn model learns to foresee."""

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gold.activity import AS_OF, CORE_ID, customer_lines
from lakehouse.tables import Column, Table, conform

CHURN_LABELS = Table(
    name="gold.churn_labels",
    doc="Whether customers who were active before a day stayed away after it. Only days whose horizon has passed.",
    grain="one row per active customer per as_of",
    key=("as_of", "core_id"),
    columns={
        "as_of": AS_OF,
        "core_id": CORE_ID,
        "horizon_weeks": Column("int", "How many weeks after as_of were watched."),
        "active_weeks": Column("int", "Who counts as active: an order in that many weeks up to as_of."),
        "has_churned": Column("boolean", "No order in the horizon."),
    },
    cluster_by=("as_of",),
)


def build(
    order_lines: DataFrame,
    core_ids: DataFrame,
    revisions: DataFrame,
    *,
    as_of: date,
    known_until: date,
    horizon_weeks: int = 4,
    active_weeks: int = 13,
) -> DataFrame:
    """Who was active, as known at the end of `as_of`; who came back, as known at the end of `known_until`."""
    horizon_ends_on = as_of + timedelta(weeks=horizon_weeks)
    if known_until < horizon_ends_on:
        raise ValueError(
            f"Cannot label {as_of}, watched for {horizon_weeks} weeks:\n"
            f"  known_until: expected {horizon_ends_on} or later, found {known_until}\n"
            "Choose an earlier as_of, or wait."
        )
    lines_then = customer_lines(order_lines, core_ids, revisions, as_of)
    lines_now = customer_lines(order_lines, core_ids, revisions, known_until)
    active = lines_then.where(F.col("days_ago") < 7 * active_weeks).select("core_id").distinct()
    in_horizon = F.col("days_ago").between(
        (known_until - horizon_ends_on).days, (known_until - as_of).days - 1
    )  # counted from known_until
    back = lines_now.where(in_horizon).select("core_id").distinct().withColumn("is_back", F.lit(True))
    return (
        active.join(back, on="core_id", how="left")
        .select(
            "core_id",
            F.lit(as_of).alias("as_of"),
            F.lit(horizon_weeks).alias("horizon_weeks"),
            F.lit(active_weeks).alias("active_weeks"),
            F.col("is_back").isNull().alias("has_churned"),
        )
        .transform(conform, CHURN_LABELS)
    )
