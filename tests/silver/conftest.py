"""Loads of sources, as bronze has them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bronze.ledger import LOADS
from bronze.source import Source
from lakehouse.delta import Lakehouse
from tests.silver.told import day


@pytest.fixture
def deliver(lake: Lakehouse) -> Callable[..., None]:
    """Land rows of a source as one load: its columns, then the day of arrival."""

    def land(source: Source, load_id: int, *rows: tuple, file: str | None = None) -> None:
        file = file or f"{load_id}.csv"
        data = [
            (*said, None, file, position, day(arrived), load_id) for position, (*said, arrived) in enumerate(rows, 1)
        ]
        df = lake.spark.createDataFrame(data, source.table.schema)
        lake.append(df, source.table, writer=source.table.name, number=load_id)
        loads = [(source.name, load_id, "landed", 1, len(rows), 0, 0.0, None, datetime.now(UTC))]
        lake.append(lake.spark.createDataFrame(loads, LOADS.schema), LOADS, writer=source.name, number=load_id)

    return land
