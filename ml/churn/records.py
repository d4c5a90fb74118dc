"""What a training run leaves in the tables of ml."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.tables import Table, conform
from ml.churn.dataset import FEATURES, RFMT, TrainingDays
from ml.churn.run import Outcome
from ml.registry import Version
from ml.tables import CUSTOMER_EMBEDDINGS, MODEL_METRICS, MODELS, TEST_PREDICTIONS, TRAINING_HISTORY


def models(spark: SparkSession, outcome: Outcome, version: Version, *, as_of: date, days: TrainingDays) -> DataFrame:
    parameters = outcome.parameters.to_json(
        training_days=[str(day) for day in days.train],
        validation_day=str(days.validation),
        features=list(FEATURES),
        baseline_features=list(RFMT),
        best_epoch=outcome.best_epoch,
    )
    row = {
        "run_id": version.run_id,
        "trained_as_of": as_of,
        "test_as_of": days.test,
        "workers": outcome.workers,
        "parameters": parameters,
        "threshold": outcome.thresholds["lstm"],
    }
    return rows(spark, MODELS, version, [row])


def training_history(spark: SparkSession, outcome: Outcome, version: Version) -> DataFrame:
    return rows(spark, TRAINING_HISTORY, version, outcome.history)


def model_metrics(spark: SparkSession, outcome: Outcome, version: Version) -> DataFrame:
    measured = [
        {"contender": contender, "metric": metric, "value": value}
        for contender, metrics in outcome.metrics.items()
        for metric, value in metrics.items()
    ]
    return rows(spark, MODEL_METRICS, version, measured)


def test_predictions(spark: SparkSession, outcome: Outcome, version: Version) -> DataFrame:
    return of_files(spark, TEST_PREDICTIONS, version, str(outcome.run_dir / "test_predictions.parquet"))


def customer_embeddings(spark: SparkSession, outcome: Outcome, version: Version) -> DataFrame:
    return of_files(spark, CUSTOMER_EMBEDDINGS, version, str(outcome.embeddings_dir))


def rows(spark: SparkSession, table: Table, version: Version, found: Iterable[dict[str, Any]]) -> DataFrame:
    whole = [{**row, "model": version.model, "model_version": version.version} for row in found]
    return spark.createDataFrame([tuple(row[name] for name in table.columns) for row in whole], table.schema)


def of_files(spark: SparkSession, table: Table, version: Version, path: str) -> DataFrame:
    found = spark.read.parquet(path)
    names = {"model": F.lit(version.model), "model_version": F.lit(version.version)}
    return found.withColumns(names).transform(conform, table)
