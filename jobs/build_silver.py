"""Bring silver up to what has landed."""

from collections.abc import Sequence

from bronze.source import Source
from jobs.console import stage, step
from lakehouse.delta import Lakehouse
from silver import conformed, customers, orders
from silver.identity import household
from silver.tables import CONFORMED, CORE_IDS, CUSTOMERS, ORDER_LINES, ORDERS, PARTIES, REVISIONS


def build_silver(lake: Lakehouse, sources: Sequence[Source]) -> None:
    """Every canonical table, then who is who, then the golden record."""
    conformed.check_feeds(sources)
    with stage("Silver: conforming"):
        for table in CONFORMED:
            with step(table.name) as came_of_it:
                came_of_it(conformed.refresh(lake, table, sources).how)
        with step(ORDERS.name) as came_of_it:
            lines = lake.read(ORDER_LINES)
            came_of_it(written(lake.refresh(ORDERS, lambda: orders.build(lines), inputs=[ORDER_LINES])))
        with step(CORE_IDS.name) as came_of_it:
            parties, revisions = lake.read(PARTIES), lake.read(REVISIONS)
            resolved = lake.refresh(
                CORE_IDS, lambda: household.resolve(parties, revisions), inputs=[PARTIES, REVISIONS]
            )
            came_of_it(written(resolved))
        with step(CUSTOMERS.name) as came_of_it:
            came_of_it(
                written(
                    lake.refresh(
                        CUSTOMERS,
                        lambda: customers.build(lake.read(PARTIES), lake.read(CORE_IDS)),
                        inputs=[PARTIES, CORE_IDS],
                    )
                )
            )


def written(is_written: bool) -> str:
    return "rebuilt" if is_written else "unchanged"
