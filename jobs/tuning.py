"""Few rows, or many: what the session should be set to for a step of the job."""

from contextlib import AbstractContextManager, nullcontext

from pyspark.sql import functions as F

from bronze.ledger import LOADS
from lakehouse.delta import Lakehouse
from lakehouse.session import for_few_rows

FEW_ROWS = 5_000_000  # that have landed in all


def tuned(lake: Lakehouse) -> AbstractContextManager[None]:
    """Around steps over dozens of tables: where few rows have landed in them, most of the time would go into plans and
    their compilation."""
    if lake.settings.target != "local":
        return nullcontext()
    landed = lake.read(LOADS).agg(F.coalesce(F.sum("rows"), F.lit(0))).collect()[0][0]
    return for_few_rows(lake.spark) if landed <= FEW_ROWS else nullcontext()
