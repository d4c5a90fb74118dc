"""What each customer did in each week. Weeks are blocks of seven days, counted back from `as_of`."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gold.activity import (
    AS_OF,
    CORE_ID,
    CUSTOMER,
    MONEY,
    MOST_UNITS_OF_A_LINE,
    SHARD,
    count_different,
    customer_lines,
    known_orders,
    known_products,
    known_touches,
    money,
    shard_of,
    week,
    with_category,
)
from lakehouse.rules import Between
from lakehouse.tables import Column, Table, conform

CUSTOMER_WEEKS = Table(
    name="gold.customer_weeks",
    doc="What each customer did in each week in which they did anything, as known at the end of a day.",
    grain="one row per customer, as_of and week with activity",
    key=("as_of", "core_id", "weeks_ago"),
    columns={
        "as_of": AS_OF,
        "core_id": CORE_ID,
        "shard": SHARD,
        "weeks_ago": Column("int", "0 is the seven days that end with as_of, 1 the seven before, ..."),
        "week_ends_on": Column("date", "The last day of those seven."),
        "tenure_weeks": Column(
            "int", "Weeks since the customer's first order ever, that week included; 0 without one. Same in all rows."
        ),
        "orders": Column("bigint", "Orders."),
        "order_days": Column("bigint", "Days with an order."),
        "net_amount": Column(MONEY, "Spent."),
        "discount_amount": Column(MONEY, "Discounts."),
        "coupon_lines": Column("bigint", "Lines with a coupon."),
        "units": Column(
            "bigint", f"Units, each line's counted up to {MOST_UNITS_OF_A_LINE}: weighed goods have odd measures."
        ),
        "products": Column("bigint", "Different products."),
        "categories": Column("bigint", "Different categories."),
        "stores": Column("bigint", "Different stores."),
        "campaigns_sent": Column("bigint", "Different campaigns sent."),
        "redemptions": Column("bigint", "Coupons redeemed."),
    },
    rules=(
        Between(column="weeks_ago", low=0),
        Between(column="tenure_weeks", low=0),
    ),
    cluster_by=("as_of", "shard"),
)

WEEK = (*CUSTOMER, "weeks_ago")
COUNTS = tuple(name for name, column in CUSTOMER_WEEKS.columns.items() if column.type in ("bigint", MONEY))


def build(
    order_lines: DataFrame,
    interactions: DataFrame,
    products: DataFrame,
    core_ids: DataFrame,
    revisions: DataFrame,
    *,
    days: Sequence[date],
    shards: int,
    weeks: int = 104,
) -> DataFrame:
    """The last `weeks` weeks of every customer, as they were known at the end of each of `days`."""
    is_recent = F.col("weeks_ago") < weeks
    lines = customer_lines(order_lines, core_ids, revisions)
    purchases = known_orders(lines, days).withColumn("weeks_ago", week()).transform(purchases_per_week)
    breadth = (
        known_products(lines, days)
        .withColumn("weeks_ago", week())
        .where(is_recent)
        .select(*WEEK, "product_id")
        .distinct()
        .transform(with_category, products, revisions)
        .transform(breadth_per_week)
    )
    touches = known_touches(interactions, core_ids, revisions, days).withColumn("weeks_ago", week())
    response = touches.where(is_recent).transform(response_per_week)
    return (
        purchases.join(breadth, on=list(WEEK), how="left")
        .join(response, on=list(WEEK), how="full")
        .fillna(0, subset=list(COUNTS))
        .transform(with_tenure)
        .where(is_recent)
        .withColumn("shard", shard_of("core_id", shards))
        .withColumn("week_ends_on", F.expr("date_sub(as_of, 7 * weeks_ago)"))
        .transform(conform, CUSTOMER_WEEKS)
    )


def purchases_per_week(orders: DataFrame) -> DataFrame:
    day_of_week = F.call_function("shiftleft", F.lit(1), F.col("days_ago") % 7)
    return orders.groupBy(*WEEK).agg(
        F.count("*").alias("orders"),
        F.bit_count(F.bit_or(day_of_week)).cast("bigint").alias("order_days"),
        count_different(F.col("store_id")).alias("stores"),
        money(F.sum("net_cents")).alias("net_amount"),
        money(F.sum("discount_cents")).alias("discount_amount"),
        F.sum("coupon_lines").alias("coupon_lines"),
        F.sum("units").alias("units"),
    )


def breadth_per_week(bought: DataFrame) -> DataFrame:
    """Of rows that name each product once per week."""
    per_category = bought.groupBy(*WEEK, "category").agg(F.count("*").alias("products"))
    return per_category.groupBy(*WEEK).agg(F.sum("products").alias("products"), F.count("*").alias("categories"))


def response_per_week(touches: DataFrame) -> DataFrame:
    """First per campaign, so that each counts once in a week."""
    is_sent, is_redeemed = F.col("kind") == "sent", F.col("kind") == "redeemed"
    per_campaign = (
        touches.where(is_sent | is_redeemed)
        .groupBy(*WEEK, "campaign_id")
        .agg(F.max(is_sent).alias("is_sent"), F.count_if(is_redeemed).alias("redemptions"))
    )
    return per_campaign.groupBy(*WEEK).agg(
        F.count_if(F.col("is_sent") & F.col("campaign_id").isNotNull()).alias("campaigns_sent"),
        F.sum("redemptions").alias("redemptions"),
    )


def with_tenure(customer_weeks: DataFrame) -> DataFrame:
    """Adds to every week of a customer how many weeks ago they began to order, however long ago that is."""
    week_with_order = F.when(F.col("orders") > 0, F.col("weeks_ago"))
    oldest = F.max(week_with_order).over(Window.partitionBy(*CUSTOMER))
    return customer_weeks.withColumn("tenure_weeks", F.coalesce(oldest + 1, F.lit(0)))
