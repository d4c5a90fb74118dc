"""Bring silver up to what has landed."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from time import monotonic

from pyspark.sql import DataFrame

from bronze.source import Source
from jobs.console import did, stage
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
        with ThreadPoolExecutor() as pool:
            side_by_side = (
                pool.submit(build, lake, ORDERS, lambda: orders.build(lines), ORDER_LINES),
                pool.submit(build, lake, CORE_IDS, lambda: plain.resolve(parties, revisions), PARTIES, REVISIONS),
            )
        for each in side_by_side:
            each.result()
        build(lake, CUSTOMERS, lambda: customers.build(parties, lake.read(CORE_IDS)), PARTIES, CORE_IDS)


def conform_all(lake: Lakehouse, sources: Sequence[Source], landed: dict[str, int]) -> None:
    """The tables side by side, those of most feeds first."""
    feeding = {table.name: {source.name for source, _ in conformed.feeds_of(table, sources)} for table in CONFORMED}

    def refreshed(table: Table) -> tuple[str, float]:
        started = monotonic()
        how = conformed.refresh(tuned_for(lake, feeding[table.name], landed), table, sources).how
        return how, monotonic() - started

    of_most_feeds = sorted(CONFORMED, key=lambda table: -len(feeding[table.name]))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        tables = {pool.submit(refreshed, table): table.name for table in of_most_feeds}
        try:
            for each in as_completed(tables):
                did(tables[each], *each.result())
        except Exception as error:
            pool.shutdown(cancel_futures=True)
            error.add_note(f"It came from {tables[each]}.")
            raise


def build(lake: Lakehouse, table: Table, rows: Callable[[], DataFrame], *inputs: Table) -> None:
    started = monotonic()
    how = "rebuilt" if lake.refresh(table, rows, inputs=inputs) else "unchanged"
    did(table.name, how, monotonic() - started)
