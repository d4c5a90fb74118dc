"""Score the customers of a day with the newest model."""

from datetime import date
from pathlib import Path

from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES
from jobs.build_gold import KNOWN
from jobs.build_silver import written
from jobs.console import stage, step
from lakehouse.delta import Lakehouse
from lakehouse.tables import ContractError
from ml.churn.score import ChurnModel, score
from ml.tables import CHURN_SCORES, CUSTOMER_EMBEDDINGS, MODELS


def score_churn(lake: Lakehouse, as_of: date) -> None:
    """Every customer with a history at the end of `as_of`; a score says which model and version made it."""
    newest = next(iter(lake.commits(MODELS)), None)
    if newest is None:
        raise ContractError("Cannot score: expected a model in ml.models, found none. Run `orrery train` first.")
    row = lake.read(MODELS).orderBy("trained_as_of", "model_version", ascending=False).first()
    assert row is not None
    model_dir = Path(newest.note["run_dir"]) / "model"
    with stage(f"Scoring {as_of} with {row.model} {row.model_version}"):
        model = ChurnModel.load(model_dir, name=row.model, version=row.model_version)
        with step(CHURN_SCORES.name) as came_of_it:
            sequences, features, embeddings = (
                lake.read(each) for each in (CUSTOMER_SEQUENCES, CUSTOMER_FEATURES, CUSTOMER_EMBEDDINGS)
            )
            came_of_it(
                written(
                    lake.refresh(
                        CHURN_SCORES,
                        lambda: score(sequences, features, embeddings, model, as_of=as_of),
                        inputs=[*KNOWN.values(), MODELS],
                        where=f"as_of = DATE'{as_of}'",
                        model=row.model_version,
                    )
                )
            )
