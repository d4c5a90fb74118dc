"""Few rows, or many: in which session a step over dozens of tables works."""

from pyspark.sql import functions as F

from bronze.ledger import LOADS
from lakehouse.delta import Lakehouse

FEW_ROWS = 5_000_000  # that have landed in all


def tuned(lake: Lakehouse) -> Lakehouse:
    """Where few rows have landed in dozens of tables, most of the time would go into plans and their compilation."""
    landed = lake.read(LOADS).agg(F.coalesce(F.sum("rows"), F.lit(0))).collect()[0][0]
    return lake.for_few_rows if landed <= FEW_ROWS else lake
