"""Score the customers of a day with the newest model of that day."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES
from jobs.build_gold import rebuilt
from jobs.console import stage, step
from jobs.train_churn import NAME
from jobs.tuning import tuned_for
from lakehouse.delta import Lakehouse
from lakehouse.tables import ContractError
from ml.churn import serving
from ml.churn.score import ChurnModel, score
from ml.registry import Registry, Version
from ml.tables import CHURN_SCORES, CUSTOMER_EMBEDDINGS, MODELS


def score_churn(lake: Lakehouse, as_of: date) -> None:
    """Every customer who was known at the end of `as_of`; a score says which model and version made it."""
    lake = tuned_for(lake)
    version = newest_model(lake, as_of)
    gold = {table.name: lake.built_from(table, as_of) for table in (CUSTOMER_FEATURES, CUSTOMER_SEQUENCES)}
    if None in gold.values():
        raise ContractError(
            f"Cannot score {as_of}: expected that day in {' and '.join(gold)}, found none.\n"
            f"Run `orrery gold --as-of {as_of}` first."
        )

    def scores(days: object) -> DataFrame:
        folder = Registry.of(lake.settings).folder(version)
        model = ChurnModel.load(serving.files(folder), name=version.model, version=version.version)
        sequences, features, embeddings = (
            lake.read(each) for each in (CUSTOMER_SEQUENCES, CUSTOMER_FEATURES, CUSTOMER_EMBEDDINGS)
        )
        return score(sequences, features, embeddings, model, as_of=as_of)

    with stage(f"Scoring {as_of} with {version.model} {version.version}"), step(CHURN_SCORES.name) as came_of_it:
        made_of = {"gold": sorted(gold.items()), "model": version}
        came_of_it(rebuilt(lake.refresh_days(CHURN_SCORES, scores, [as_of], inputs=[MODELS], **made_of)))
        lake.spark.catalog.clearCache()  # `score` keeps what its ranking reads twice


def newest_model(lake: Lakehouse, as_of: date) -> Version:
    """Of the models that were trained on no later day, the one of the latest; of these the last."""
    models = lake.read(MODELS).where((F.col("model") == NAME) & (F.col("trained_as_of") <= F.lit(as_of)))
    row = models.orderBy(F.desc("trained_as_of"), F.desc(F.col("model_version").cast("int"))).first()
    if row is None:
        raise ContractError(
            f"Cannot score {as_of}: expected a model in ml.models that was trained by then, found none.\n"
            f"Run `orrery train --as-of {as_of}` first."
        )
    return Version(row.model, row.model_version, row.run_id)
