"""One training run, in a folder of its own: train, evaluate, and leave what the tables and the scoring need."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gold.customer_sequences import SEQUENCE_FEATURES
from ml.checkpoints import Checkpoints, write_whole
from ml.churn import dataset
from ml.churn.dataset import FEATURES, Rows
from ml.churn.parameters import Parameters
from ml.workers import Workers, together

if TYPE_CHECKING:
    from ml.churn.evaluate import Predictions

OURS = "lstm"


@dataclass(frozen=True)
class Outcome:
    """What a run left in its folder. `metrics` and `thresholds` are by contender; `history` is by epoch."""

    run_dir: Path
    parameters: Parameters
    workers: int
    history: list[dict[str, float]]
    best_epoch: int
    metrics: Mapping[str, Mapping[str, float]]
    thresholds: Mapping[str, float]

    @property
    def model_dir(self) -> Path:
        """model.keras and card.json: all that scoring needs besides the customers' vectors."""
        return self.run_dir / "model"

    @property
    def embeddings_dir(self) -> Path:
        return self.run_dir / "embeddings"

    @property
    def test_predictions(self) -> pa.Table:
        return pq.read_table(self.run_dir / "test_predictions.parquet")


def run(rows_dir: str, run_dir: str, parameters: Parameters, *, workers: int) -> Outcome:
    """Train on the rows in `rows_dir` (see dataset.write) and evaluate; the same bits however often it was killed.

    `run_dir` belongs to one set of rows, parameters and number of workers: what an earlier run finished there is not
    done again. With several workers, they are tasks of the active Spark session, which must have a core for each.
    """
    folder = Path(run_dir)
    if not (folder / "outcome.json").exists():
        history = together(train, rows_dir, run_dir, parameters, workers=workers)
        evaluate(rows_dir, folder, parameters, workers, history)
    return Outcome(run_dir=folder, parameters=parameters, workers=workers, **read_json(folder / "outcome.json"))


def train(workers: Workers, rows_dir: str, run_dir: str, parameters: Parameters) -> list[dict[str, float]]:
    """What each worker does: train on its shards, then leave the vectors of its customers and its predictions."""
    from ml.churn import model as network
    from ml.churn.train import fit, probabilities, scaling_of
    from ml.embedding import CustomerEmbedding

    network.fix_arithmetic(parameters.seed)
    folder = Path(run_dir)
    shards = dataset.shards_in(rows_dir)
    own = shards[workers.owns(shards)]
    rows, validation, test = (dataset.read(rows_dir, part, shards=own) for part in ("train", "validation", "test"))
    if workers.smallest(len(rows)) == 0:
        raise ValueError(
            f"Cannot train with {workers.size} workers on {rows_dir}:\n"
            f"  shards with rows: expected at least one for each, found {shards.tolist()}\n"
            "Give fewer workers, or divide customers into more shards."
        )
    model = network.build_model(
        scaling_of(rows, workers),
        weeks=parameters.weeks,
        units=parameters.units,
        hidden=parameters.hidden,
        embedding_size=parameters.embedding_size,
        dropout=parameters.dropout,
    )
    embedding = CustomerEmbedding.of(rows.core_ids, parameters.embedding_size)
    history = fit(
        model,
        embedding,
        rows,
        validation,
        workers=workers,
        parameters=parameters,
        checkpoints=Checkpoints(folder / "checkpoints", workers),
    )
    write_parquet(embedding_table(embedding, rows), folder / "embeddings" / f"rank-{workers.rank:04}.parquet")
    for part, each in (("validation", validation), ("test", test)):
        write_parquet(
            prediction_table(each, probabilities(model, embedding, each)),
            folder / part / f"rank-{workers.rank:04}.parquet",
        )
    if workers.rank == 0:
        write_model(model, folder / "model" / "model.keras")
    return [asdict(epoch) for epoch in history.epochs]


def evaluate(
    rows_dir: str, folder: Path, parameters: Parameters, workers: int, history: list[dict[str, float]]
) -> None:
    """Let the baselines learn from the same rows, and measure all on the same test customers."""
    from ml.churn import baselines  # scikit-learn takes seconds to import, and workers that train have no use of it
    from ml.churn.evaluate import Predictions, compare

    contenders = baselines.fitted(dataset.read(rows_dir, "train", with_steps=False))
    parts: dict[str, dict[str, Predictions]] = {}
    for part in ("validation", "test"):
        rows = dataset.read(rows_dir, part, with_steps=False)
        of_model = pq.read_table(folder / part).sort_by("core_id")
        if of_model["core_id"].to_pylist() != rows.core_ids.tolist():
            raise ValueError(f"The predictions in {folder / part} are not of the customers in {rows_dir}. Delete them.")
        found = {OURS: of_model["probability"].to_numpy()}
        found |= {name: each.probabilities(rows.rfmt) for name, each in contenders.items()}
        parts[part] = {name: Predictions(rows.core_ids, rows.labels, each) for name, each in found.items()}
    metrics, thresholds = compare(parts["validation"], parts["test"], OURS)
    write_parquet(contender_table(parts["test"], thresholds), folder / "test_predictions.parquet")
    card = {
        "parameters": parameters.to_json(),
        "features": list(FEATURES),
        "sequence_features": list(SEQUENCE_FEATURES),
        "threshold": thresholds[OURS],
    }
    write_json(card, folder / "model" / "card.json")
    best = min(history, key=lambda epoch: (epoch["validation_loss"], epoch["epoch"]))
    outcome = {"history": history, "best_epoch": best["epoch"], "metrics": metrics, "thresholds": thresholds}
    write_json(outcome, folder / "outcome.json")


def embedding_table(embedding: Any, rows: Rows) -> pa.Table:
    core_ids, first = np.unique(rows.core_ids, return_index=True)
    vectors = pa.array(list(embedding.look_up(embedding.rows_of(core_ids))), pa.list_(pa.float32()))
    return pa.table({"core_id": core_ids, "shard": pa.array(rows.shards[first], pa.int32()), "vector": vectors})


def prediction_table(rows: Rows, probabilities: np.ndarray) -> pa.Table:
    return pa.table({"core_id": rows.core_ids, "probability": pa.array(probabilities, pa.float64())})


def contender_table(test: "Mapping[str, Predictions]", thresholds: Mapping[str, float]) -> pa.Table:
    return pa.concat_tables(
        pa.table(
            {
                "contender": [name] * len(each.churned),
                "core_id": each.core_ids,
                "probability": pa.array(each.probabilities, pa.float64()),
                "is_predicted": each.probabilities >= thresholds[name],
                "has_churned": each.churned > 0,
            }
        )
        for name, each in test.items()
    )


def write_parquet(table: pa.Table, path: Path) -> None:
    write_whole(path, lambda file: pq.write_table(table, file))


def write_json(value: Any, path: Path) -> None:
    write_whole(path, lambda file: file.write(json.dumps(value, indent=1, sort_keys=True).encode()))


def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def write_model(model: Any, path: Path) -> None:
    """Keras writes only to a path that ends in .keras."""
    with TemporaryDirectory() as folder:
        saved = Path(folder) / path.name
        model.save(saved)
        write_whole(path, lambda file: file.write(saved.read_bytes()))
