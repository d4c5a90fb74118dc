"""What deliveries tell and what silver says of it, in days of a calendar of their own."""

import json
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.delta import Lakehouse
from silver.tables import PRODUCTS, REVISIONS

SAID = ("product_id", "department", "category")


def day(number: int) -> datetime:
    """The day of this number, in UTC."""
    return datetime(2024, 7, 1, tzinfo=UTC) + timedelta(days=number)


def days(*columns: str) -> list[Column]:
    return [F.datediff(column, F.lit(day(0).date())).alias(column) for column in columns]


def edited(number: int) -> date:
    return day(number).date()


def products(lake: Lakehouse) -> list[tuple]:
    rows = lake.read(PRODUCTS).select(*SAID, *days("learned_at")).collect()
    return sorted(tuple(row) for row in rows)


def revised(lake: Lakehouse) -> list[tuple]:
    rows = lake.read(REVISIONS).select("row_key", "row", *days("learned_at", "superseded_at")).collect()
    told = (
        (json.loads(r.row_key)["product_id"], json.loads(r.row).get("department"), r.learned_at, r.superseded_at)
        for r in rows
    )
    return sorted(told, key=str)
