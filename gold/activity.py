"""What gold reads of silver: what each customer had done by the end of each of some days, as far as it was known then.

All days are read in one pass: to plan, compile and read anew for each of them would take most of the time.

A row of silver counts at `as_of` when it had happened and had arrived by the end of that day (sessions run in UTC).
Where a later delivery changed it, silver.revisions still has what it said before.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.tables import Column, Table
from silver.tables import INTERACTIONS, ORDER_LINES, PRODUCTS

AS_OF = Column("date", "The last day that the row knows of.")
CORE_ID = Column("string", "The customer.", "pseudonymous")
SHARD = Column("int", "The shard of the customer: pmod(xxhash64(core_id), shards).")
WINDOWS = (4, 13, 26, 52)  # weeks
MONEY = "decimal(18,2)"
CUSTOMER = ("as_of", "core_id")
AMOUNTS = ("gross", "discount", "net")

# Fuel and weighed goods come in the source's own measure, with quantities of up to 89,638.
MOST_UNITS_OF_A_LINE = 99


def versions(rows: DataFrame, revisions: DataFrame, table: Table) -> DataFrame:
    """Every version of a silver table's rows: known from `learned_at` on, until `superseded_at` (null: to this day)."""
    of_table = revisions.where(F.col("table_name") == table.name)
    superseded = of_table.select(F.from_json("row", table.schema, {"mode": "FAILFAST"}).alias("row"), "superseded_at")
    newest = rows.select(*table.columns, F.lit(None).cast("timestamp").alias("superseded_at"))
    return newest.unionByName(superseded.select("row.*", "superseded_at"))


def of_customers(rows: DataFrame, core_ids: DataFrame) -> DataFrame:
    """Adds whose the rows are. A row is known once its identity record has been met, too."""
    parties = core_ids.select("party_id", "core_id", F.col("learned_at").alias("met_at"))
    joined = rows.join(parties, on="party_id", how="inner")
    return joined.withColumn("learned_at", F.greatest("learned_at", "met_at")).drop("met_at")


def known_at(versions: DataFrame, days: Sequence[date], happened_on: str | None = None) -> DataFrame:
    """The versions that were known at the end of each day, once for each, with that day as `as_of`.

    With `happened_on`, a date, only what had happened by then, with `days_ago`: 0 for all of that day.
    """
    of_days = versions.withColumn("as_of", F.explode(F.lit(list(days)))).where(is_known_at("as_of"))
    if happened_on is not None:
        has_happened = F.col(happened_on) <= F.col("as_of")
        of_days = of_days.where(has_happened).withColumn("days_ago", F.date_diff("as_of", happened_on))
    return of_days.drop("learned_at", "superseded_at")


def is_known_at(as_of: str) -> SparkColumn:
    """Whether a version was the one known at the end of that day."""
    is_over = F.date_add(as_of, 1).cast("timestamp")  # the first moment that is no longer that day
    is_current = F.col("superseded_at").isNull() | (F.col("superseded_at") >= is_over)
    return (F.col("learned_at") < is_over) & is_current


def week() -> SparkColumn:
    """The seven days that end with `as_of` are week 0."""
    return F.floor(F.col("days_ago") / 7).cast("int")


def shard_of(core_id: str, shards: int) -> SparkColumn:
    return F.pmod(F.xxhash64(core_id), F.lit(shards)).cast("int")


def known_customers(core_ids: DataFrame, days: Sequence[date]) -> DataFrame:
    """Every customer of whom any identity record had been met by the end of each day."""
    met = core_ids.groupBy("core_id").agg(F.min("learned_at").alias("learned_at"))
    return met.withColumn("superseded_at", F.lit(None)).transform(known_at, days).select(*CUSTOMER)


def customer_lines(order_lines: DataFrame, core_ids: DataFrame, revisions: DataFrame) -> DataFrame:
    """What customers bought: every version of each line of an order."""
    return (
        versions(order_lines, revisions, ORDER_LINES)
        .transform(of_customers, core_ids)
        .select(
            "core_id",
            F.to_date("ordered_at").alias("ordered_on"),
            "order_id",
            "store_id",
            "product_id",
            "gross_amount",
            "discount_amount",
            "net_amount",
            capped("quantity", MOST_UNITS_OF_A_LINE).alias("units"),
            (F.col("coupon_amount") > 0).alias("has_coupon"),
            "learned_at",
            "superseded_at",
        )
    )


def capped(column: str, most: int) -> SparkColumn:
    """`least` would make `most` of a missing value."""
    return F.when(F.col(column) > most, most).otherwise(F.col(column))


def known_orders(lines: DataFrame, days: Sequence[date]) -> DataFrame:
    """The known lines of each order in one row. An order of several days or stores would be an order of each of them.

    Lines that became known together are summed first, for all days at once: a tenth of the rows goes on. From there on
    customers stay where they are: whatever is grouped by customer needs no shuffle.
    """
    sums = ("lines", "coupon_lines", "units", *(f"{name}_cents" for name in AMOUNTS))
    return (
        lines.groupBy("core_id", "order_id", "store_id", "ordered_on", "learned_at", "superseded_at")
        .agg(
            F.count("*").alias("lines"),
            F.count_if("has_coupon").alias("coupon_lines"),
            F.sum("units").alias("units"),
            *(cents(F.sum(f"{name}_amount")).alias(f"{name}_cents") for name in AMOUNTS),
        )
        .repartition("core_id")
        .transform(known_at, days, "ordered_on")
        .groupBy(*CUSTOMER, "days_ago", "order_id", "store_id")
        .agg(*(F.sum(name).alias(name) for name in sums))
    )


def cents(amount: SparkColumn) -> SparkColumn:
    """Whole cents: sums of decimals take several times as long."""
    return (amount * 100).cast("bigint")


def count_different(values: SparkColumn) -> SparkColumn:
    """As count_distinct, for the few values of a group: that would write each row once more for every such count."""
    return F.size(F.collect_set(values)).cast("bigint")


def money(cents: SparkColumn) -> SparkColumn:
    return (cents.cast("decimal(18,0)") / 100).cast(MONEY)


def known_products(lines: DataFrame, days: Sequence[date]) -> DataFrame:
    """What each customer had bought, and how long ago; customers stay where they are, as in known_orders."""
    bought = lines.select("core_id", "product_id", "ordered_on", "learned_at", "superseded_at")
    return bought.repartition("core_id").transform(known_at, days, "ordered_on")


def with_category(bought: DataFrame, products: DataFrame, revisions: DataFrame) -> DataFrame:
    """Adds the category that each product had at the end of `as_of`; 'unknown' where nobody had said."""
    categories = versions(products, revisions, PRODUCTS).select(
        F.col("product_id").alias("_product_id"), "category", "learned_at", "superseded_at"
    )
    then = (F.col("product_id") == F.col("_product_id")) & is_known_at("as_of")
    return (
        bought.join(F.broadcast(categories), on=then, how="left")
        .select(*bought.columns, "category")
        .fillna("unknown", subset=["category"])
    )


def known_touches(
    interactions: DataFrame, core_ids: DataFrame, revisions: DataFrame, days: Sequence[date]
) -> DataFrame:
    """What had been sent to each customer, and what they had redeemed, by the end of each day: one row per touch."""
    return (
        versions(interactions, revisions, INTERACTIONS)
        .where(F.col("kind").isin("sent", "redeemed"))
        .transform(of_customers, core_ids)
        .select(
            "core_id", F.to_date("happened_at").alias("happened_on"), "kind", "campaign_id", "learned_at",
            "superseded_at",
        )
        .repartition("core_id")
        .transform(known_at, days, "happened_on")
        .select(*CUSTOMER, "days_ago", "kind", "campaign_id")
    )  # fmt: skip
