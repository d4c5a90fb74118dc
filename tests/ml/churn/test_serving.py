import numpy as np
import pandas as pd
import pytest

from ml.churn import serving
from ml.churn.model import Scaling, build_model, in_batches, known_weeks
from ml.churn.run import write_model


def test_the_registered_model_predicts_what_the_network_does_with_and_without_an_embedding(tmp_path):
    from mlflow.pyfunc import load_model

    ones = (1.0,) * 10
    network = build_model(Scaling(ones, ones, ones[:2], ones[:2]), weeks=3, units=4, hidden=(), embedding_size=2)
    write_model(network, tmp_path / "model" / "model.keras")
    serving.save(tmp_path / "model", tmp_path / "served")
    random = np.random.default_rng(0)
    steps, features, vectors = (random.random((5, size)).astype(np.float32) for size in (30, 2, 2))
    rows = pd.DataFrame({"steps": list(steps), "weeks_known": np.int32([1, 2, 3, 3, 3]), "features": list(features)})

    served = load_model(str(tmp_path / "served"))
    expected = [
        in_batches(network)(steps.reshape(5, 3, 10), known_weeks(rows["weeks_known"].to_numpy(), 3), features, each)
        for each in (np.zeros_like(vectors), vectors)
    ]

    assert served.predict(rows) == pytest.approx(expected[0][:, 0])
    assert served.predict(rows.assign(vector=list(vectors))) == pytest.approx(expected[1][:, 0])
