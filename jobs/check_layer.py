"""Check a layer against its declared rules, before the next layer is built on it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from pyspark.sql import functions as F

from bronze.ledger import FILES
from bronze.source import Source
from jobs.console import did, stage, step
from jobs.dbt_sources import declared_tables
from jobs.tuning import tuned, tuned_for
from lakehouse.delta import Lakehouse
from lakehouse.tables import Table
from silver.conformed import landed_loads


def check_layer(lake: Lakehouse, layer: str, sources: Sequence[Source], *days: date) -> None:
    """Great Expectations over every table of the layer; a broken rule of severity error stops the run here.

    Of tables of days, only these `days` are checked.
    """
    from lakehouse.quality import check  # Great Expectations takes seconds to import

    tables = tables_of(layer, sources)
    with stage(f"Quality: {layer}"), step(f"{len(tables)} tables") as came_of_it:
        landed = landed_loads(lake.for_few_rows) if layer == "bronze" else {}
        newest = {source.table.name: landed[source.name] for source in sources if source.name in landed}
        of_size = tuned(lake) if layer == "bronze" else tuned_for(lake)  # dozens of small tables, or a few larger
        results = check(of_size, tables, layer=layer, days=days, loads=newest)
        broken = [result for result in results if not result.is_met]
        came_of_it(f"{len(results) - len(broken)} rules hold, {len(broken)} broken")
    for result in broken:
        did(
            f"{result.table_name}: {result.rule}",
            f"warning: {result.rows_unexpected:,} of {result.rows_checked:,} rows",
        )
    if layer == "bronze":
        for source, last in stale(of_size, sources, max(days)):
            did(
                f"bronze.{source.name}",
                f"warning: last file {last}, expected one in {str(source.fresh_within).removesuffix(', 0:00:00')}",
            )


def stale(lake: Lakehouse, sources: Sequence[Source], as_of: date) -> list[tuple[Source, str]]:
    """Sources of which nothing has arrived for longer than they say, at the end of the day."""
    arrived = lake.read(FILES).groupBy("source").agg(F.max("arrived_at").cast("double").alias("last"))
    last = {row.source: datetime.fromtimestamp(row["last"], UTC) for row in arrived.collect()}
    end = datetime.combine(as_of, time.max, tzinfo=UTC)
    return [
        (source, f"{last[source.name]:%Y-%m-%d %H:%M}")
        for source in sources
        if source.fresh_within and source.name in last and end - last[source.name] > source.fresh_within
    ]


def tables_of(layer: str, sources: Sequence[Source]) -> list[Table]:
    mine = [table for table in declared_tables().values() if table.layer == layer]
    return [*(source.table for source in sources), *mine] if layer == "bronze" else mine
