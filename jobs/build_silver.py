"""Bring silver up to what has landed."""

from collections.abc import Callable, Sequence
from functools import partial

from pyspark.sql import DataFrame

from bronze.source import Source
from jobs.console import side_by_side, stage, step
from jobs.tuning import rows_landed, tuned_for
from lakehouse.delta import Lakehouse
from lakehouse.tables import Table
from silver import conformed, customers, orders
from silver.identity import plain
from silver.tables import CONFORMED, CORE_IDS, CUSTOMERS, ORDER_LINES, ORDERS, PARTIES, REVISIONS

SIDE_BY_SIDE = 3  # the driver plans one table while the tasks of another run


def build_silver(lake: Lakehouse, sources: Sequence[Source]) -> None:
    """Every canonical table, then who is who, then the golden record."""
    conformed.check_feeds(sources)
    with stage("Silver: conforming"):
        landed = rows_landed(lake)
        conform_all(lake, sources, landed)
        lake = tuned_for(lake, landed=landed)
        lines, parties, revisions = (lake.read(table) for table in (ORDER_LINES, PARTIES, REVISIONS))
        of_lake = partial(refreshed, lake)
        side_by_side(
            {
                ORDERS.name: partial(of_lake, ORDERS, lambda: orders.build(lines), ORDER_LINES),
                CORE_IDS.name: partial(
                    of_lake, CORE_IDS, lambda: plain.resolve(parties, revisions), PARTIES, REVISIONS
                ),
            },
            at_a_time=2,
        )
        with step(CUSTOMERS.name) as came_of_it:
            came_of_it(of_lake(CUSTOMERS, lambda: customers.build(parties, lake.read(CORE_IDS)), PARTIES, CORE_IDS))


def conform_all(lake: Lakehouse, sources: Sequence[Source], landed: dict[str, int]) -> None:
    """The tables side by side, those of most rows first, so that none is left alone at the end."""
    feeding = {table.name: {source.name for source, _ in conformed.feeds_of(table, sources)} for table in CONFORMED}
    loads = conformed.landed_loads(lake.for_few_rows)
    conformed.check_declared(loads, sources)

    def conform(table: Table) -> str:
        return conformed.refresh(tuned_for(lake, feeding[table.name], landed), table, sources, loads).how

    rows = {name: sum(landed.get(source, 0) for source in names) for name, names in feeding.items()}
    of_most_rows = sorted(CONFORMED, key=lambda table: -rows[table.name])
    side_by_side({table.name: partial(conform, table) for table in of_most_rows}, at_a_time=SIDE_BY_SIDE)


def refreshed(lake: Lakehouse, table: Table, rows: Callable[[], DataFrame], *inputs: Table) -> str:
    return "rebuilt" if lake.refresh(table, rows, inputs=inputs) else "unchanged"
