"""Few rows, or many: in which session a step works."""

from collections.abc import Iterable

from pyspark.sql import functions as F

from bronze.ledger import LOADS
from lakehouse.delta import Lakehouse

MANY_ROWS = 5_000_000  # that have landed in all
WORTH_COMPILING = 100_000  # rows that a step works on


def tuned(lake: Lakehouse) -> Lakehouse:
    """For a step over dozens of small tables: where few rows have landed in them, most of the time would go into plans
    and their compilation."""
    return lake.for_few_rows if sum(rows_landed(lake).values()) <= MANY_ROWS else lake


def tuned_for(lake: Lakehouse, sources: Iterable[str] | None = None, landed: dict[str, int] | None = None) -> Lakehouse:
    """For a step over what has landed of these sources, or of all of them."""
    landed = rows_landed(lake) if landed is None else landed
    if sum(landed.values()) > MANY_ROWS:
        return lake
    rows = sum(landed.get(each, 0) for each in (landed if sources is None else sources))
    return lake.for_some_rows if rows >= WORTH_COMPILING else lake.for_few_rows


def rows_landed(lake: Lakehouse) -> dict[str, int]:
    """How many rows have landed of each source."""
    by_source = lake.for_few_rows.read(LOADS).groupBy("source").agg(F.coalesce(F.sum("rows"), F.lit(0)).alias("rows"))
    return {row.source: row["rows"] for row in by_source.collect()}
