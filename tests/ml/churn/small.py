"""A made-up business of few customers and weeks, small enough to train on in a second."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gold.customer_sequences import SEQUENCE_FEATURES
from ml.churn.dataset import FEATURES, RFMT, Rows
from ml.churn.parameters import Parameters

SHARDS = 4
PARAMETERS = Parameters(
    weeks=6, units=4, hidden=(4,), embedding_size=3, batch_size=16, epochs=4, patience=4, learning_rate=0.02, seed=3
)
DAYS = tuple(date(2024, 1, 7) + timedelta(weeks=4 * number) for number in range(4))
PARTS = ("train", "train", "validation", "test")


def small_rows(customers: int = 40, *, day: date = DAYS[0], seed: int = 0, **columns: Any) -> Rows:
    """Customers who order less stay away more; whatever else is asked of them is in `columns`."""
    random = np.random.default_rng([seed, day.toordinal()])
    weekly = random.random((customers, PARAMETERS.weeks, len(SEQUENCE_FEATURES)), dtype=np.float32)
    recency = random.integers(0, 60, customers)
    weekly[:, -2:] *= (recency < 30)[:, None, None]
    rfmt = random.random((customers, len(RFMT)), dtype=np.float32)
    rfmt[:, 0] = np.log1p(recency)
    rows = {
        "as_of": np.full(customers, day, dtype="datetime64[D]"),
        "core_ids": np.array([f"C{number:03}" for number in range(customers)]),
        "shards": np.arange(customers, dtype=np.int32) % SHARDS,
        "labels": (recency + random.integers(-15, 16, customers) > 40).astype(np.int32),
        "rfmt": rfmt,
        "features": rfmt[:, : len(FEATURES)],
        "weeks_known": random.integers(1, PARAMETERS.weeks + 1, customers),
        "steps": weekly,
    }
    return Rows(**{**rows, **columns})


def write_small(folder: Path, customers: int = 40) -> str:
    """The files that `dataset.write` leaves."""
    tables = []
    for day, part in zip(DAYS, PARTS, strict=True):
        rows = small_rows(customers, day=day)
        tables.append(
            pa.table(
                {
                    "as_of": rows.as_of,
                    "core_id": rows.core_ids,
                    "shard": rows.shards,
                    "has_churned": rows.labels,
                    "part": [part] * customers,
                    "rfmt": list(rows.rfmt),
                    "features": list(rows.features),
                    "weeks_known": pa.array(rows.weeks_known, pa.int32()),
                    "steps": list(rows.steps.reshape(customers, -1)),
                }
            )
        )
    pq.write_to_dataset(pa.concat_tables(tables), folder, partition_cols=["shard"])
    return str(folder)
