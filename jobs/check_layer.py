"""Check a layer against its declared rules, before the next layer is built on it."""

from collections.abc import Sequence
from datetime import date

from bronze.source import Source
from jobs.console import did, stage, step
from jobs.dbt_sources import declared_tables
from lakehouse.delta import Lakehouse
from lakehouse.tables import Table


def check_layer(lake: Lakehouse, layer: str, sources: Sequence[Source], as_of: date) -> None:
    """Great Expectations over every table of the layer; a broken rule of severity error stops the run here."""
    from lakehouse.quality import check  # Great Expectations takes seconds to import

    tables = tables_of(layer, sources)
    with stage(f"Quality: {layer}"), step(f"{len(tables)} tables") as came_of_it:
        results = check(lake, tables, layer=layer, as_of=as_of, loads="_load_id")
        broken = [result for result in results if not result.is_met]
        came_of_it(f"{len(results) - len(broken)} rules hold, {len(broken)} broken")
    for result in broken:
        did(
            f"{result.table_name}: {result.rule}",
            f"warning: {result.rows_unexpected:,} of {result.rows_checked:,} rows",
        )


def tables_of(layer: str, sources: Sequence[Source]) -> list[Table]:
    mine = [table for table in declared_tables().values() if table.layer == layer]
    return [*(source.table for source in sources), *mine] if layer == "bronze" else mine
