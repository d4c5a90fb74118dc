import keras
import numpy as np
import pytest

from ml.churn.attribution import attributions_of
from ml.churn.model import Scaling, build_model, in_batches, known_weeks, logits_of

SCALING = Scaling((1.0, 2.0), (4.0, 1.0), (3.0,), (9.0,))


@pytest.mark.parametrize("seed", range(5))
def test_attributions_sum_to_what_sets_the_customer_apart_from_the_average_one(seed):
    """Nearly: the slope is taken at two points of the way, which is exact for a cubic only."""
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = build_model(SCALING, weeks=5, units=4, hidden=(), embedding_size=2)
    known = known_weeks(random.integers(1, 6, 30), 5)
    customers = [random.random((30, 5, 2), np.float32), known, random.random((30, 1), np.float32)]
    embedding = random.random((30, 2), np.float32)
    average = [np.broadcast_to(np.float32([1, 2]), (30, 5, 2)), known, np.full((30, 1), 3, np.float32)]

    logits = in_batches(logits_of(model))
    apart = logits(*customers, embedding) - logits(*average, np.zeros_like(embedding))
    parts = attributions_of(model)(*customers, embedding)

    assert [part.shape for part in parts] == [(30, 5, 2), (30, 1), (30, 2)]
    assert sum(part.reshape(30, -1).sum(axis=1) for part in parts) == pytest.approx(
        apart[:, 0], abs=0.02 * float(np.ptp(apart))
    )


def test_padding_is_no_reason():
    steps = np.random.default_rng(0).random((4, 5, 2), np.float32)
    model = build_model(SCALING, weeks=5, units=4, hidden=(4,), embedding_size=2)

    of_steps, _, _ = attributions_of(model)(steps, known_weeks(np.full(4, 2), 5), np.ones((4, 1)), np.zeros((4, 2)))

    assert not of_steps[:, :3].any()
    assert of_steps[:, 3:].any()
