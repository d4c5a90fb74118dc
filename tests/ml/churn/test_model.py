import keras
import numpy as np
import pytest

from ml.churn.model import Scaling, build_model, in_batches, known_weeks, load, losses, reseed, undo_class_weights
from ml.churn.run import write_model


def small_model(classes: int = 2):
    scaling = Scaling((1.0, 2.0), (4.0, 1.0), (3.0,), (9.0,))
    return build_model(scaling, weeks=5, units=4, hidden=(4,), embedding_size=2, classes=classes)


def inputs_of(rows: int, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    steps, features, embedding = (random.random((rows, *shape), np.float32) for shape in ((5, 2), (1,), (2,)))
    return [steps, known_weeks(random.integers(1, 6, rows), 5), features, embedding]


def test_padding_changes_nothing():
    steps, _, features, embedding = inputs_of(20)
    outputs, known = in_batches(small_model()), known_weeks(np.full(20, 2), 5)
    other = steps.copy()
    other[:, :3] = 99

    assert (outputs(steps, known, features, embedding) == outputs(other, known, features, embedding)).all()


def test_a_known_week_does_change_the_output():
    keras.utils.set_random_seed(0)  # of some weights no unit lives
    steps, _, features, embedding = inputs_of(20)
    outputs, known = in_batches(small_model()), known_weeks(np.full(20, 2), 5)
    other = steps.copy()
    other[:, 3] = 99

    assert (outputs(steps, known, features, embedding) != outputs(other, known, features, embedding)).all()


def test_a_customer_gets_the_same_bits_in_any_batch():
    inputs = inputs_of(600)
    outputs = in_batches(small_model())
    together = outputs(*inputs)

    alone = np.concatenate([outputs(*[each[row : row + 1] for each in inputs]) for row in range(600)])
    shuffled = np.random.default_rng(0).permutation(600)

    assert alone.tobytes() == together.tobytes()
    assert outputs(*[each[shuffled] for each in inputs]).tobytes() == together[shuffled].tobytes()
    assert outputs(*[each[:0] for each in inputs]).shape == (0, 1)


def test_the_scaling_is_saved_inside_the_model(tmp_path):
    model = small_model()
    write_model(model, tmp_path / "model.keras")
    inputs = inputs_of(10)

    assert in_batches(load(tmp_path / "model.keras"))(*inputs).tobytes() == in_batches(model)(*inputs).tobytes()


def test_several_classes_get_a_probability_each():
    probabilities = in_batches(small_model(classes=3))(*inputs_of(10))

    assert probabilities.shape == (10, 3)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(10), abs=1e-5)


def test_the_loss_of_two_classes_is_the_same_from_one_logit_and_from_two():
    logits, labels = np.array([[-1.0], [0.5], [2.0]], np.float32), np.array([0, 1, 0])

    one = losses(labels, logits).numpy()
    two = losses(labels, np.concatenate([np.zeros_like(logits), logits], axis=1)).numpy()

    assert one == pytest.approx(two)


@pytest.mark.parametrize("classes", [2, 3])
def test_undoing_class_weights_divides_the_odds_by_them(classes):
    model, inputs = small_model(classes), inputs_of(10)
    weights = np.array([0.5, 2.0, 4.0])[:classes]
    before = in_batches(model)(*inputs)
    undo_class_weights(model, weights)
    after = in_batches(model)(*inputs)

    if classes == 2:
        assert after / (1 - after) == pytest.approx(before / (1 - before) / 4, rel=1e-4)
    else:
        assert after == pytest.approx((before / weights) / (before / weights).sum(axis=1, keepdims=True), rel=1e-4)


def test_an_epoch_drops_the_same_whatever_came_before():
    model, inputs = small_model(), inputs_of(10)

    def dropped(epoch: int) -> bytes:
        reseed(model, 7, epoch)
        return model(inputs, training=True).numpy().tobytes()

    first, second, first_again = dropped(1), dropped(2), dropped(1)

    assert first == first_again != second
