"""Scoring in Spark: each worker gets the network's weights and builds it once; customers' vectors come from a table."""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gold.customer_sequences import SEQUENCE_FEATURES
from lakehouse.tables import conform
from ml.churn.dataset import FEATURES, matrix, model_inputs
from ml.churn.parameters import Parameters
from ml.churn.reasons import FACTS, by_theme, reasons
from ml.tables import CHURN_SCORES

# Customers whom one process scores alone: to import TensorFlow and to build the network takes as long as so many do.
FEW = 50_000

SCORED = "core_id string, shard int, is_active boolean, churn_probability double, reasons array<string>"


@dataclass(frozen=True)
class ChurnModel:
    """A registered model: `keras_file` is the whole network with its scaling, a few hundred kilobytes."""

    name: str
    version: str
    keras_file: bytes
    parameters: Parameters
    threshold: float

    @classmethod
    def load(cls, model_dir: Path, *, name: str, version: str) -> "ChurnModel":
        card = json.loads((model_dir / "card.json").read_bytes())
        expected = {"features": list(FEATURES), "sequence_features": list(SEQUENCE_FEATURES)}
        problems = [
            f"{each}: expected {card[each]}, found {found}" for each, found in expected.items() if card[each] != found
        ]
        if problems:
            raise ValueError(f"Cannot score with {name} {version}:\n  " + "\n  ".join(problems) + "\nTrain it again.")
        keras_file = (model_dir / "model.keras").read_bytes()
        return cls(name, version, keras_file, Parameters.from_json(card["parameters"]), card["threshold"])


def score(
    sequences: DataFrame, features: DataFrame, embeddings: DataFrame, model: ChurnModel, *, as_of: date
) -> DataFrame:
    """Every customer of `features` at `as_of`; only those whom the model's training would call active can be at risk.

    `embeddings` are those of any versions; a customer without one is scored by their behaviour alone.
    """
    return (
        scored(sequences, features, embeddings, model, as_of=as_of)
        .persist(StorageLevel.MEMORY_AND_DISK)  # ranking reads them twice, and they are costly
        .transform(with_deciles)
        .withColumns(
            {
                "as_of": F.lit(as_of),
                "model": F.lit(model.name),
                "model_version": F.lit(model.version),
                "is_at_risk": F.col("is_active") & (F.col("churn_probability") >= model.threshold),
            }
        )
        .transform(conform, CHURN_SCORES)
    )


def scored(
    sequences: DataFrame, features: DataFrame, embeddings: DataFrame, model: ChurnModel, *, as_of: date
) -> DataFrame:
    """The probability of each customer, whether they are active, and the reasons of those at risk."""
    of_day, parameters = F.col("as_of") == F.lit(as_of), model.parameters
    is_active = F.coalesce(F.col("recency_days") < 7 * parameters.active_weeks, F.lit(False)).alias("is_active")
    customers = features.where(of_day)
    facts = customers.select("core_id", is_active, *[F.col(name).cast("double").alias(name) for name in FACTS])
    of_version = (F.col("model") == model.name) & (F.col("model_version") == model.version)
    shared = sequences.sparkSession.sparkContext.broadcast((model.keras_file, model.threshold))

    def score_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        keras_file, threshold = shared.value
        for batch in batches:
            yield network(keras_file).score(batch, threshold)

    rows = (
        model_inputs(sequences.where(of_day), customers, parameters.weeks)
        .join(facts, on="core_id", how="inner")
        .join(embeddings.where(of_version).select("core_id", "vector"), on="core_id", how="left")
        .drop("as_of")
    )
    return (rows.coalesce(1) if customers.count() <= FEW else rows).mapInArrow(score_batches, SCORED)


def with_deciles(scores: DataFrame) -> DataFrame:
    """Rank the active, equal probabilities by core_id: within a thousandth by sorting, of these by their counts."""
    thousandth = F.floor(F.col("churn_probability") * 1000)
    highest_first = Window.partitionBy("_thousandth").orderBy(F.desc("churn_probability"), "core_id")
    all_before = Window.orderBy(F.desc("_thousandth")).rowsBetween(Window.unboundedPreceding, -1)
    placed = scores.where("is_active").withColumn("_thousandth", thousandth)
    before = (
        placed.groupBy("_thousandth")
        .agg(F.count("*").alias("_count"))
        .select(
            "_thousandth",
            F.coalesce(F.sum("_count").over(all_before), F.lit(0)).alias("_before"),
            F.sum("_count").over(Window.partitionBy()).alias("_all"),
        )
    )
    place = F.col("_before") + F.row_number().over(highest_first) - 1
    return (
        placed.join(F.broadcast(before), on="_thousandth", how="inner")
        .withColumn("risk_decile", (F.floor(place * 10 / F.col("_all")) + 1).cast("int"))
        .drop("_thousandth", "_before", "_all")
        .unionByName(scores.where("NOT is_active").withColumn("risk_decile", F.lit(None).cast("int")))
    )


@cache
def network(keras_file: bytes) -> "Network":
    """Once per Python process: building it again for each batch would take most of the time."""
    return Network(keras_file)


class Network:
    """The model, ready for batches of Arrow."""

    def __init__(self, keras_file: bytes) -> None:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        from ml.churn import attribution, model

        model.fix_arithmetic()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            path.write_bytes(keras_file)
            network = model.load(path)
        self.outputs = model.in_batches(network)
        self.attributions = attribution.attributions_of(network)
        self.known_weeks = model.known_weeks
        (_, self.weeks, _), *_, (_, self.embedding_size) = network.input_shape

    def probabilities(self, batch: pa.RecordBatch) -> np.ndarray:
        found: np.ndarray = self.outputs(*self.inputs(batch))[:, 0].astype(np.float64)
        return found

    def score(self, batch: pa.RecordBatch, threshold: float) -> pa.RecordBatch:
        """The rows that SCORED declares."""
        same = ("core_id", "shard", "is_active")
        probabilities = self.probabilities(batch)
        at_risk = (probabilities >= threshold) & batch["is_active"].to_numpy(zero_copy_only=False)
        found: list[list[str]] = [[] for _ in probabilities]
        if at_risk.any():
            those = batch.filter(pa.array(at_risk))
            steps, features, embedding = self.attributions(*self.inputs(those))
            weights = by_theme(features, steps, embedding)
            facts = those.select(list(FACTS)).to_pydict()
            for row, place in enumerate(np.flatnonzero(at_risk)):
                found[place] = reasons(weights[row], {name: known(facts[name][row]) for name in FACTS})
        return pa.RecordBatch.from_arrays(
            [*(batch[name] for name in same), pa.array(probabilities), pa.array(found, pa.list_(pa.string()))],
            names=[*same, "churn_probability", "reasons"],
        )

    def inputs(self, batch: pa.RecordBatch) -> list[np.ndarray]:
        rows = len(batch)
        vectors = np.zeros((rows, self.embedding_size), np.float32)
        has_vector = batch["vector"].is_valid().to_numpy(zero_copy_only=False)
        if has_vector.any():
            vectors[has_vector] = matrix(batch["vector"].drop_null())
        return [
            matrix(batch["steps"]).reshape(rows, self.weeks, -1),
            self.known_weeks(batch["weeks_known"].to_numpy(), self.weeks),
            matrix(batch["features"]),
            vectors,
        ]


def known(value: Any) -> float:
    return float("nan") if value is None else value
