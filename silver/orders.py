"""Orders: the lines of each order together."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.tables import conform
from silver.tables import MONEY, ORDERS


def build(order_lines: DataFrame) -> DataFrame:
    """One row per order; what its lines say of it is what the first of them (by line_id) says."""
    first = {name: F.min_by(name, "line_id").alias(name) for name in ("party_id", "store_id", "channel")}
    amounts = ("gross_amount", "discount_amount", "coupon_amount", "net_amount")
    return (
        order_lines.groupBy("order_id")
        .agg(
            *first.values(),
            F.min("ordered_at").alias("ordered_at"),
            F.min("ordered_at").cast("date").alias("ordered_on"),
            F.count("*").alias("lines"),
            F.sum("quantity").alias("units"),
            *(F.sum(amount).cast(MONEY).alias(amount) for amount in amounts),
            F.max("learned_at").alias("learned_at"),
        )
        .transform(conform, ORDERS)
    )
