from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.checkpoints import Checkpoints
from ml.churn.model import build_model, fix_arithmetic
from ml.churn.parameters import Parameters
from ml.churn.train import Epoch, History, Trainer, class_weights, fit, moments, scaling_of
from ml.embedding import CustomerEmbedding
from ml.workers import Workers
from tests.ml.churn.small import DAYS, PARAMETERS, small_rows

ALONE = Workers()


def trained(folder: Path, parameters: Parameters = PARAMETERS):
    """A network, its embedding and its history."""
    fix_arithmetic(parameters.seed)
    rows = small_rows(60)
    model = build_model(
        scaling_of(rows, ALONE),
        weeks=parameters.weeks,
        units=parameters.units,
        hidden=parameters.hidden,
        embedding_size=parameters.embedding_size,
    )
    embedding = CustomerEmbedding.of(rows.core_ids, parameters.embedding_size)
    checkpoints = Checkpoints(folder, ALONE)
    validation = small_rows(60, day=DAYS[2])
    history = fit(model, embedding, rows, validation, workers=ALONE, parameters=parameters, checkpoints=checkpoints)
    return model, embedding, history


def bits(model, embedding) -> bytes:
    return b"".join(np.asarray(each).tobytes() for each in [*model.get_weights(), embedding.vectors])


class KilledError(Exception):
    pass


def test_training_learns(tmp_path):
    _, embedding, history = trained(tmp_path, replace(PARAMETERS, epochs=10, patience=10))

    assert history.epochs[-1].loss < history.epochs[0].loss
    assert history.best.validation_auroc > 0.8
    # Half of the rows are trained as if their customer had no vector: who has few rows may end without one.
    assert embedding.vectors.any(axis=1).mean() > 0.5


@pytest.mark.parametrize(("method", "call"), [("validate", 1), ("validate", 3), ("save", 2)])
def test_a_resumed_training_ends_with_the_bits_of_an_undisturbed_one(tmp_path, monkeypatch, method, call):
    model, embedding, history = trained(tmp_path / "undisturbed")
    calls = iter(range(1, 100))
    original = getattr(Trainer, method)

    def killed_at_call(self, *arguments):
        if next(calls) == call:
            raise KilledError
        return original(self, *arguments)

    monkeypatch.setattr(Trainer, method, killed_at_call)
    with pytest.raises(KilledError):
        trained(tmp_path / "killed")
    monkeypatch.undo()
    resumed, vectors, epochs = trained(tmp_path / "killed")

    assert bits(resumed, vectors) == bits(model, embedding)
    assert epochs == history


def test_the_weights_are_those_of_the_best_epoch(tmp_path, monkeypatch):
    scripted = iter([(0.5, 0.7), (0.3, 0.8), (0.4, 0.9), (0.35, 0.9)])
    monkeypatch.setattr(Trainer, "validate", lambda self, rows: next(scripted))
    model, embedding, history = trained(tmp_path / "whole", replace(PARAMETERS, patience=2))

    state, _ = Checkpoints(tmp_path / "whole", ALONE).load(2)

    assert [epoch.epoch for epoch in history.epochs] == [1, 2, 3, 4]
    assert history.best.epoch == 2
    of_lstm = [number for number, each in enumerate(model.weights) if "lstm" in each.path]
    assert all((model.get_weights()[number] == state[f"network_{number}"]).all() for number in of_lstm)
    assert (embedding.vectors == state["vectors"]).all()


def test_training_ends_when_none_of_the_last_epochs_was_the_best():
    losses = [0.5, 0.4, 0.45, 0.41]
    history = History(tuple(Epoch(number, 0.0, loss, 0.0) for number, loss in enumerate(losses, 1)))

    assert not history.has_ended(replace(PARAMETERS, epochs=9, patience=3))
    assert history.has_ended(replace(PARAMETERS, epochs=9, patience=2))
    assert history.has_ended(replace(PARAMETERS, epochs=4, patience=3))


def test_balanced_classes_weigh_the_same_in_sum_and_unbalanced_ones_as_many_as_they_are():
    labels = np.array([0] * 90 + [1] * 10)

    balanced = class_weights(labels, ALONE, 1, 1.0)

    assert balanced * [90, 10] == pytest.approx([50, 50])
    assert class_weights(labels, ALONE, 1, 0.0).tolist() == [1, 1]


def test_the_odds_that_class_weights_added_are_taken_back_at_the_end(tmp_path):
    model, _, history = trained(tmp_path, replace(PARAMETERS, class_balance=1.0))
    labels = small_rows(60).labels

    state, _ = Checkpoints(tmp_path, ALONE).load(history.best.epoch)

    as_trained = state[f"network_{[each.path for each in model.weights].index('logits/bias')}"]
    added = np.log((labels == 0).sum() / (labels == 1).sum())
    assert model.get_layer("logits").get_weights()[1] == pytest.approx(as_trained - added)


def test_the_embedding_of_a_row_has_not_learned_from_that_row(tmp_path, monkeypatch):
    shown = []
    original = CustomerEmbedding.look_up
    monkeypatch.setattr(
        CustomerEmbedding, "look_up", lambda self, rows: shown.append(original(self, rows)) or shown[-1]
    )

    trained(tmp_path, replace(PARAMETERS, epochs=1, batch_size=60, unseen_share=0.0))

    assert not shown[0].any()  # the first day: nothing was known of anyone
    assert shown[1].any()  # validation, after it


def test_weeks_that_are_not_known_do_not_count_in_the_scaling():
    rows = small_rows(30)
    rows.steps[:] = 5.0
    rows.steps[np.arange(6) < 6 - rows.weeks_known[:, None]] = 0.0

    scaling = scaling_of(rows, ALONE)

    assert scaling.steps_mean == (5.0,) * 10
    assert scaling.steps_variance == (1.0,) * 10  # never varies: left as it is


def test_moments_are_those_of_numpy():
    values = np.random.default_rng(0).random((50, 3))

    mean, variance = moments(values, ALONE)

    assert mean == pytest.approx(values.mean(axis=0))
    assert variance == pytest.approx(values.var(axis=0))
