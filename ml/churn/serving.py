"""The churn model as MLflow serves it: `mlflow.pyfunc.load_model("models:/orrery-churn/1").predict(rows)`.

Rows have the columns of ml.churn.dataset.model_inputs, and may have `vector`, the customer's embedding.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd

    from ml.churn.score import Network


class Served:
    """What MLflow calls."""

    def __init__(self, network: "Network") -> None:
        self.network = network

    def predict(self, rows: "pd.DataFrame") -> np.ndarray:
        """The probability of churn of each row."""
        columns = {name: pa.array(rows[name].tolist()) for name in ("steps", "weeks_known", "features")}
        vectors = rows["vector"].tolist() if "vector" in rows else [None] * len(rows)
        batch = pa.RecordBatch.from_pydict({**columns, "vector": pa.array(vectors, pa.list_(pa.float32()))})
        return self.network.probabilities(batch)


def _load_pyfunc(path: str) -> Served:
    from ml.churn.score import network

    return Served(network((Path(path) / "model.keras").read_bytes()))


def files(folder: Path) -> Path:
    """What `save` was given, in an MLflow model that it wrote: the network and its card."""
    return folder / "data" / "model"


def save(model_dir: Path, folder: Path) -> None:
    """`model_dir` (see Outcome) as an MLflow model, whole or not at all."""
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import Array, DataType

    numbers = Array(DataType.float)
    columns = [ColSpec(numbers, "steps"), ColSpec(DataType.integer, "weeks_known"), ColSpec(numbers, "features")]
    inputs = Schema([*columns, ColSpec(numbers, "vector", required=False)])
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    save_model(
        unfinished,
        loader_module="ml.churn.serving",
        data_path=str(model_dir),
        signature=ModelSignature(inputs, Schema([ColSpec(DataType.double)])),
        pip_requirements=["orrery"],
    )
    unfinished.replace(folder)
