"""The network: an LSTM over the weeks, what is known besides, and the customer's embedding."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Scaling:
    """Means and variances of the weekly and of the other features. They are saved inside the model."""

    steps_mean: tuple[float, ...]
    steps_variance: tuple[float, ...]
    features_mean: tuple[float, ...]
    features_variance: tuple[float, ...]


def build_model(
    scaling: Scaling,
    *,
    weeks: int,
    units: int = 64,
    hidden: tuple[int, ...] = (32,),
    embedding_size: int = 8,
    dropout: float = 0.2,
    classes: int = 2,
) -> keras.Model:
    """The embedding is an input, so that scoring needs the weights of the network and a vector per customer.

    Weeks that are not `known` (padding, in front) change nothing. The output is a probability of the second of two
    classes, or one of each of several.
    """
    steps = keras.Input((weeks, len(scaling.steps_mean)), name="steps")
    known = keras.Input((weeks,), dtype="bool", name="known")
    features = keras.Input((len(scaling.features_mean),), name="features")
    embedding = keras.Input((embedding_size,), name="embedding")

    by_week = keras.layers.Normalization(mean=scaling.steps_mean, variance=scaling.steps_variance)(steps)
    standardised = keras.layers.Normalization(mean=scaling.features_mean, variance=scaling.features_variance)(features)
    habit = keras.layers.LSTM(units, name="lstm")(by_week, mask=known)
    x = keras.layers.Concatenate()([habit, standardised, embedding])
    for size in hidden:
        x = keras.layers.Dropout(dropout)(x)
        x = keras.layers.Dense(size, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(1 if classes == 2 else classes, name="logits")(x)
    output = keras.layers.Activation("sigmoid" if classes == 2 else "softmax", name="probability")(logits)
    return keras.Model([steps, known, features, embedding], output, name="churn")


def logits_of(model: keras.Model) -> keras.Model:
    """The same network, sharing its weights, before the sigmoid or softmax."""
    return keras.Model(model.inputs, model.get_layer("logits").output)


def signature(model: keras.Model) -> list[tf.TensorSpec]:
    """The inputs of any number of rows: a tf.function that is given it is traced once."""
    return [tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in model.inputs]


def in_batches(model: keras.Model) -> Callable[..., np.ndarray]:
    """The model as a function of whole arrays, its inputs in their order."""
    function = tf.function(lambda *inputs: model(list(inputs), training=False), input_signature=signature(model))

    def outputs(*inputs: np.ndarray) -> np.ndarray:
        found = [np.zeros((0, *model.output_shape[1:]), np.float32)]
        found += [function(*batch).numpy()[:rows] for batch, rows in batches(inputs)]
        return np.concatenate(found)

    return outputs


def batches(inputs: Sequence[np.ndarray], size: int = 512) -> Iterator[tuple[list[np.ndarray], int]]:
    """Small enough for the processor's caches, and with how many rows are real.

    Rows of zeros are added up to a multiple of 16: then a row's result has the same bits in whatever batch it is, since
    matrix products treat the rows that fill no vector register otherwise.
    """
    for start in range(0, len(inputs[0]), size):
        batch = [each[start : start + size] for each in inputs]
        rows = len(batch[0])
        missing = -rows % 16
        yield [np.concatenate([each, np.zeros((missing, *each.shape[1:]), each.dtype)]) for each in batch], rows


def known_weeks(weeks_known: np.ndarray, weeks: int) -> np.ndarray:
    """The mask: the newest `weeks_known` of `weeks`, which are last.

    >>> known_weeks(np.array([1, 3]), 3).tolist()
    [[False, False, True], [True, True, True]]
    """
    return np.arange(weeks) >= weeks - weeks_known[:, None]


def losses(labels: Any, logits: Any) -> Any:
    """The log loss of each row."""
    if logits.shape[-1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(labels, tf.float32), logits[:, 0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def undo_class_weights(model: keras.Model, class_weights: np.ndarray) -> None:
    """Training with class weights learns the odds of a population that has them; this gives back the true odds."""
    layer = model.get_layer("logits")
    kernel, bias = layer.get_weights()
    shift = np.log(class_weights)
    layer.set_weights([kernel, bias - (shift[1:] - shift[0] if len(bias) == 1 else shift)])


def reseed(model: keras.Model, *seed: int) -> None:
    """Start the dropout of all layers anew, so that an epoch does not depend on the epochs before it."""
    for number, layer in enumerate(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)):
        state = np.random.default_rng([*seed, number]).integers(0, 2**31, 2)
        layer.seed_generator.state.assign(state.astype("uint32"))


def load(path: Path) -> keras.Model:
    return keras.models.load_model(path, compile=False)


def fix_arithmetic(seed: int | None = None) -> None:
    """One thread per process, only operations that give the same bits each time, and the seed of first weights."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    if seed is not None:
        keras.utils.set_random_seed(seed)
