"""Keep the tables small and quick to read."""

from collections.abc import Sequence

from bronze.source import Source
from jobs.console import stage, step
from jobs.dbt_sources import declared_tables
from lakehouse.delta import Lakehouse


def optimize_tables(lake: Lakehouse, sources: Sequence[Source]) -> None:
    """Compact, cluster and vacuum every table that exists."""
    with stage("Compacting and clustering"):
        for table in [*declared_tables().values(), *(source.table for source in sources)]:
            if lake.exists(table):
                with step(table.name):
                    lake.optimize(table)
                    lake.vacuum(table)
