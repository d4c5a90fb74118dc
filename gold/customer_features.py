"""What is known of each customer at the end of a day.

Windows end with `as_of`, that day included, and count whole weeks back from it: a window of 4 weeks is 28 days.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gold.activity import (
    AS_OF,
    CORE_ID,
    CUSTOMER,
    MONEY,
    MOST_UNITS_OF_A_LINE,
    SHARD,
    WINDOWS,
    count_different,
    customer_lines,
    known_customers,
    known_orders,
    known_products,
    known_touches,
    money,
    shard_of,
    week,
    with_category,
)
from lakehouse.rules import Between, Holds
from lakehouse.tables import Column, Table, conform

CUSTOMER_FEATURES = Table(
    name="gold.customer_features",
    doc="What is known of each customer at the end of a day: RFMT, rhythm, breadth, discounts, response.",
    grain="one row per customer per as_of",
    key=("as_of", "core_id"),
    columns={
        "as_of": AS_OF,
        "core_id": CORE_ID,
        "shard": SHARD,
        "recency_days": Column("int", "Days since the last order; none without one."),
        "tenure_days": Column("int", "Days since the first order; none without one."),
        "orders_total": Column("bigint", "Orders so far."),
        "net_amount_total": Column(MONEY, "Spent so far."),
        **{f"orders_{w}w": Column("bigint", f"Orders of the last {w} weeks.") for w in WINDOWS},
        **{f"active_weeks_{w}w": Column("bigint", f"Weeks with an order, of the last {w}.") for w in WINDOWS},
        **{f"net_amount_{w}w": Column(MONEY, f"Spent in the last {w} weeks.") for w in WINDOWS},
        **{f"products_{w}w": Column("bigint", f"Different products of the last {w} weeks.") for w in WINDOWS},
        **{f"categories_{w}w": Column("bigint", f"Different categories of the last {w} weeks.") for w in WINDOWS},
        **{
            f"discount_share_{w}w": Column("double", f"Discounts / gross of the last {w} weeks; none without.")
            for w in WINDOWS
        },
        **{
            f"coupon_share_{w}w": Column("double", f"Lines with a coupon / lines, of the last {w} weeks.")
            for w in WINDOWS
        },
        "average_order_amount": Column("double", "Spent per order, so far; none without one."),
        "units_per_order": Column(
            "double", f"Units per order so far, each line's counted up to {MOST_UNITS_OF_A_LINE}."
        ),
        "stores_52w": Column("bigint", "Different stores of the last 52 weeks."),
        "gap_days_mean": Column("double", "Days between order days, on average; none with fewer than two."),
        "gap_days_std": Column("double", "Their sample standard deviation; none with fewer than three order days."),
        "gap_days_last": Column("int", "Days between the last two order days; none with fewer than two."),
        "gap_trend": Column("double", "Mean of the last 4 gaps / mean of all gaps: above 1 the rhythm slows."),
        "overdue_ratio": Column("double", "recency_days / gap_days_mean: above 1 the customer is late."),
        "orders_trend": Column(
            "double",
            "Orders of the last 4 weeks / those of 4 average weeks of the last 26, or of the weeks since the first "
            "order where these are fewer (at least 4); none without an order in them. Below 1 they order less.",
        ),
        "campaigns_sent_52w": Column("bigint", "Different campaigns that were sent in the last 52 weeks."),
        "redemptions_52w": Column("bigint", "Coupons redeemed in the last 52 weeks."),
        "campaign_response_rate_52w": Column(
            "double", "Of these campaigns, the share redeemed from so far; none if none was sent."
        ),
        "days_since_redemption": Column("int", "Days since a coupon was redeemed; none without one."),
    },
    rules=(
        Between(column="recency_days", low=0),
        Between(column="orders_total", low=0),
        Holds(condition="recency_days <= tenure_days", otherwise="the last order is before the first"),
    ),
    cluster_by=("as_of", "shard"),
)

# No order is 0 orders; but a mean, a share or a number of days of nothing is unknown.
COUNTS = tuple(name for name, column in CUSTOMER_FEATURES.columns.items() if column.type in ("bigint", MONEY))


def build(
    order_lines: DataFrame,
    interactions: DataFrame,
    products: DataFrame,
    core_ids: DataFrame,
    revisions: DataFrame,
    *,
    days: Sequence[date],
    shards: int,
) -> DataFrame:
    """Every customer of whom any identity record was known at the end of each of `days`."""
    lines = customer_lines(order_lines, core_ids, revisions)
    purchases = known_orders(lines, days).transform(with_gaps).transform(purchases_per_customer)
    breadth = (
        known_products(lines, days)
        .transform(newest_per_product)
        .transform(with_category, products, revisions)
        .transform(breadth_per_customer)
    )
    touches = known_touches(interactions, core_ids, revisions, days)
    response = touches.transform(response_per_campaign).transform(response_per_customer)
    return (
        known_customers(core_ids, days)
        .join(purchases, on=list(CUSTOMER), how="left")
        .join(breadth, on=list(CUSTOMER), how="left")
        .join(response, on=list(CUSTOMER), how="left")
        .fillna(0, subset=list(COUNTS))
        .transform(compare_with_the_usual)
        .withColumn("shard", shard_of("core_id", shards))
        .transform(conform, CUSTOMER_FEATURES)
    )


def within(weeks: int) -> SparkColumn:
    return F.col("days_ago") < 7 * weeks


def with_gaps(orders: DataFrame) -> DataFrame:
    """Adds to the last order of each day the days since the order day before, and counts these gaps, newest first."""
    newest_first = Window.partitionBy(*CUSTOMER).orderBy("days_ago")
    days_to_next = F.lead("days_ago").over(newest_first) - F.col("days_ago")
    return orders.withColumns(
        {
            "gap_days": F.when(days_to_next > 0, days_to_next),
            "gap_number": F.dense_rank().over(newest_first),
        }
    )


def purchases_per_customer(orders: DataFrame) -> DataFrame:
    """Recency, frequency, money, rhythm, discounts. Sums are of whole numbers and decimals, so that reruns agree."""
    return orders.groupBy(*CUSTOMER).agg(
        F.min("days_ago").alias("recency_days"),
        F.max("days_ago").alias("tenure_days"),
        F.count("*").alias("orders_total"),
        money(total("net_cents")).alias("net_amount_total"),
        ratio(total("net_cents").cast("double") / 100, F.count("*")).alias("average_order_amount"),
        ratio(total("units"), F.count("*")).alias("units_per_order"),
        count_different(F.when(within(52), F.col("store_id"))).alias("stores_52w"),
        *[column for weeks in WINDOWS for column in purchases_of_window(weeks)],
        *gaps(),
    )


def purchases_of_window(weeks: int) -> list[SparkColumn]:
    recent = within(weeks)
    # One bit per week with an order.
    weeks_with_order = F.bit_or(F.when(recent, F.call_function("shiftleft", F.lit(1).cast("bigint"), week())))
    return [
        F.count_if(recent).alias(f"orders_{weeks}w"),
        F.bit_count(weeks_with_order).cast("bigint").alias(f"active_weeks_{weeks}w"),
        money(total("net_cents", recent)).alias(f"net_amount_{weeks}w"),
        ratio(total("discount_cents", recent), total("gross_cents", recent)).alias(f"discount_share_{weeks}w"),
        ratio(total("coupon_lines", recent), total("lines", recent)).alias(f"coupon_share_{weeks}w"),
    ]


def gaps() -> list[SparkColumn]:
    """The standard deviation is that of a sample, from whole sums: exact whatever the order of the rows."""
    gap, one_of_last_4 = F.col("gap_days"), F.col("gap_number") <= 4
    count, sum_, squares = F.count(gap), F.sum(gap), F.sum(gap * gap)
    mean = ratio(sum_, count)
    mean_of_last_4 = ratio(F.sum(F.when(one_of_last_4, gap)), F.count(F.when(one_of_last_4, gap)))
    return [
        mean.alias("gap_days_mean"),
        F.sqrt(ratio(count * squares - sum_ * sum_, count * (count - 1))).alias("gap_days_std"),
        F.max(F.when(F.col("gap_number") == 1, gap)).alias("gap_days_last"),
        F.try_divide(mean_of_last_4, mean).alias("gap_trend"),
    ]


def total(column: str, condition: SparkColumn | None = None) -> SparkColumn:
    return F.sum(F.col(column) if condition is None else F.when(condition, F.col(column)))


def ratio(part: SparkColumn, whole: SparkColumn) -> SparkColumn:
    """Unknown where the whole is 0 or unknown."""
    return F.try_divide(part.cast("double"), whole.cast("double"))


def newest_per_product(bought: DataFrame) -> DataFrame:
    """How long ago each customer bought each product last: enough to count the products of every window."""
    return bought.groupBy(*CUSTOMER, "product_id").agg(F.min("days_ago").alias("days_ago"))


def breadth_per_customer(bought: DataFrame) -> DataFrame:
    """First per category, then per customer: each product and each category counts once in a window."""
    per_category = bought.groupBy(*CUSTOMER, "category").agg(
        F.min("days_ago").alias("days_ago"),
        *[F.count_if(within(weeks)).alias(f"products_{weeks}w") for weeks in WINDOWS],
    )
    return per_category.groupBy(*CUSTOMER).agg(
        *[F.sum(f"products_{weeks}w").alias(f"products_{weeks}w") for weeks in WINDOWS],
        *[F.count_if(within(weeks)).alias(f"categories_{weeks}w") for weeks in WINDOWS],
    )


def response_per_campaign(touches: DataFrame) -> DataFrame:
    sent, redeemed = F.col("kind") == "sent", F.col("kind") == "redeemed"
    return (
        touches.where(sent | redeemed)
        .groupBy(*CUSTOMER, "campaign_id")
        .agg(
            F.coalesce(F.max(sent & within(52) & F.col("campaign_id").isNotNull()), F.lit(False)).alias("is_sent"),
            F.max(redeemed).alias("is_redeemed"),
            F.count_if(redeemed & within(52)).alias("redemptions"),
            F.min(F.when(redeemed, F.col("days_ago"))).alias("days_since_redemption"),
        )
    )


def response_per_customer(campaigns: DataFrame) -> DataFrame:
    sent = F.count_if("is_sent")
    return campaigns.groupBy(*CUSTOMER).agg(
        sent.alias("campaigns_sent_52w"),
        F.sum("redemptions").alias("redemptions_52w"),
        ratio(F.count_if(F.col("is_sent") & F.col("is_redeemed")), sent).alias("campaign_response_rate_52w"),
        F.min("days_since_redemption").alias("days_since_redemption"),
    )


def compare_with_the_usual(customers: DataFrame) -> DataFrame:
    """Is the customer later than usual; do they order more or less than usual?"""
    weeks_watched = F.least(F.greatest(F.floor(F.col("tenure_days") / 7) + 1, F.lit(4)), F.lit(26))
    usual_orders = ratio(4 * F.col("orders_26w"), weeks_watched)
    return customers.withColumns(
        {
            "overdue_ratio": ratio(F.col("recency_days"), F.col("gap_days_mean")),
            "orders_trend": ratio(F.col("orders_4w"), usual_orders),
        }
    )
