"""What gold reads of silver: what each customer had done by the end of a day, as far as it was known then.

A row of silver counts at `as_of` when it had happened and had arrived by the end of that day (sessions run in UTC).
Where a later delivery changed it, silver.revisions still has what it said before.
"""

from datetime import date, timedelta

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.tables import Column, Table
from silver.tables import CORE_IDS, INTERACTIONS, ORDER_LINES, PRODUCTS

AS_OF = Column("date", "The last day that the row knows of.")
CORE_ID = Column("string", "The customer.", "pseudonymous")
SHARD = Column("int", "The shard of the customer: pmod(xxhash64(core_id), shards).")
WINDOWS = (4, 13, 26, 52)  # weeks
MONEY = "decimal(18,2)"

# Fuel and weighed goods come in the source's own measure, with quantities of up to 89,638.
MOST_UNITS_OF_A_LINE = 99


def known_by(rows: DataFrame, revisions: DataFrame, table: Table, as_of: date) -> DataFrame:
    """The rows of a silver table as they were known at the end of `as_of`, whatever has arrived since."""
    had_arrived = F.col("learned_at") < after(as_of)
    was_current = had_arrived & (F.col("superseded_at") >= after(as_of))
    changed_since = (
        revisions.where((F.col("table_name") == table.name) & was_current)
        .select(F.from_json("row", table.schema, {"mode": "FAILFAST"}).alias("row"))
        .select("row.*")
    )
    return rows.select(*table.columns).where(had_arrived).unionByName(changed_since)


def after(day: date) -> SparkColumn:
    """The first moment that is no longer `day`."""
    return F.lit(day + timedelta(days=1)).cast("timestamp")


def days_ago(happened_at: str, as_of: date) -> SparkColumn:
    """Whole days before `as_of`: 0 for all of that day, from its first moment to its last."""
    return F.date_diff(F.lit(as_of), F.to_date(happened_at))


def week() -> SparkColumn:
    """The seven days that end with `as_of` are week 0."""
    return F.floor(F.col("days_ago") / 7).cast("int")


def shard_of(core_id: str, shards: int) -> SparkColumn:
    return F.pmod(F.xxhash64(core_id), F.lit(shards)).cast("int")


def known_parties(core_ids: DataFrame, as_of: date) -> DataFrame:
    """The identity records that had been met by the end of `as_of`, and whose they are."""
    return core_ids.select(*CORE_IDS.columns).where(F.col("learned_at") < after(as_of)).select("party_id", "core_id")


def customer_lines(order_lines: DataFrame, core_ids: DataFrame, revisions: DataFrame, as_of: date) -> DataFrame:
    """What each customer had bought by the end of `as_of`: one row per line of an order."""
    return (
        order_lines.transform(known_by, revisions, ORDER_LINES, as_of)
        .where(F.col("ordered_at") < after(as_of))
        .join(known_parties(core_ids, as_of), on="party_id", how="inner")
        .select(
            "core_id",
            days_ago("ordered_at", as_of).alias("days_ago"),
            "order_id",
            "store_id",
            "product_id",
            "gross_amount",
            "discount_amount",
            "net_amount",
            capped("quantity", MOST_UNITS_OF_A_LINE).alias("units"),
            (F.col("coupon_amount") > 0).alias("has_coupon"),
        )
    )


def capped(column: str, most: int) -> SparkColumn:
    """`least` would make `most` of a missing value."""
    return F.when(F.col(column) > most, most).otherwise(F.col(column))


def customer_orders(lines: DataFrame, *others: str) -> DataFrame:
    """The lines of each order in one row. An order of several days or stores would be an order of each of them."""
    return lines.groupBy("core_id", *others, "days_ago", "order_id", "store_id").agg(
        F.count("*").alias("lines"),
        F.count_if("has_coupon").alias("coupon_lines"),
        F.sum("units").alias("units"),
        F.sum("gross_amount").alias("gross_amount"),
        F.sum("discount_amount").alias("discount_amount"),
        F.sum("net_amount").alias("net_amount"),
    )


def with_category(bought: DataFrame, products: DataFrame, revisions: DataFrame, as_of: date) -> DataFrame:
    """Adds the category that each product had at the end of `as_of`; 'unknown' where nobody had said."""
    categories = products.transform(known_by, revisions, PRODUCTS, as_of).select("product_id", "category")
    return bought.join(categories, on="product_id", how="left").fillna("unknown", subset=["category"])


def customer_touches(interactions: DataFrame, core_ids: DataFrame, revisions: DataFrame, as_of: date) -> DataFrame:
    """What had been sent to each customer, and what they had redeemed, by the end of `as_of`: one row per touch."""
    return (
        interactions.transform(known_by, revisions, INTERACTIONS, as_of)
        .where(F.col("happened_at") < after(as_of))
        .join(known_parties(core_ids, as_of), on="party_id", how="inner")
        .select("core_id", days_ago("happened_at", as_of).alias("days_ago"), "kind", "campaign_id")
    )
