"""Who stayed away: what a churn model learns to foresee."""

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gold.activity import AS_OF, CORE_ID, CUSTOMER, customer_lines, known_at
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
    days: Sequence[date],
    known_until: date,
    horizon_weeks: int = 4,
    active_weeks: int = 13,
) -> DataFrame:
    """Who was active, as known at the end of each of `days`; who came back, as known at the end of `known_until`."""
    horizon_ends_on = max(days) + timedelta(weeks=horizon_weeks)
    if known_until < horizon_ends_on:
        raise ValueError(
            f"Cannot label {max(days)}, watched for {horizon_weeks} weeks:\n"
            f"  known_until: expected {horizon_ends_on} or later, found {known_until}\n"
            "Choose an earlier as_of, or wait."
        )
    order_days = customer_lines(order_lines, core_ids, revisions).select(
        "core_id", "ordered_on", "learned_at", "superseded_at"
    )
    order_days = order_days.distinct().repartition("core_id")
    is_active = F.col("days_ago") < 7 * active_weeks
    active = order_days.transform(known_at, days, "ordered_on").where(is_active).select(*CUSTOMER).distinct()
    in_horizon = F.expr(f"ordered_on > as_of AND ordered_on <= date_add(as_of, {7 * horizon_weeks})")
    back = (
        order_days.transform(known_at, [known_until], "ordered_on")
        .withColumn("as_of", F.explode(F.lit(list(days))))
        .where(in_horizon)
        .select(*CUSTOMER, F.lit(True).alias("is_back"))
        .distinct()
    )
    return (
        active.join(back, on=list(CUSTOMER), how="left")
        .select(
            *CUSTOMER,
            F.lit(horizon_weeks).alias("horizon_weeks"),
            F.lit(active_weeks).alias("active_weeks"),
            F.col("is_back").isNull().alias("has_churned"),
        )
        .transform(conform, CHURN_LABELS)
    )
