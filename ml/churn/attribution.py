"""How much each input of the network moved a customer's score away from the average customer's."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ml.churn.model import batches, logits_of, signature

# Where on the way from the average customer to this one the slope is taken (Gauss-Legendre, two points).
POINTS = (0.5 - 3**-0.5 / 2, 0.5 + 3**-0.5 / 2)


def attributions_of(model: keras.Model) -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Integrated gradients of the logit, for a model of two classes: of the steps, the features and the embedding.

    They sum to the customer's logit less that of one with average values in the same weeks and an unknown embedding.
    """
    network = logits_of(model)
    by_week, by_feature = (tf.reshape(each.mean, [-1]) for each in normalizations(model))

    def attribute(steps: tf.Tensor, known: tf.Tensor, features: tf.Tensor, embedding: tf.Tensor) -> list[tf.Tensor]:
        average = [tf.zeros_like(steps) + by_week, tf.zeros_like(features) + by_feature, tf.zeros_like(embedding)]
        ways = [here - start for here, start in zip((steps, features, embedding), average, strict=True)]
        slopes = [tf.zeros_like(way) for way in ways]
        for point in POINTS:
            at = [start + point * way for start, way in zip(average, ways, strict=True)]
            with tf.GradientTape() as tape:
                tape.watch(at)
                logit = tf.reduce_sum(network([at[0], known, at[1], at[2]], training=False))
            found = tape.gradient(logit, at)
            slopes = [slope + each / len(POINTS) for slope, each in zip(slopes, found, strict=True)]
        return [slope * way for slope, way in zip(slopes, ways, strict=True)]

    function = tf.function(attribute, input_signature=signature(model))

    def attributions(*inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = [[part.numpy()[:rows] for part in function(*batch)] for batch, rows in batches(inputs)]
        steps, features, embedding = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return steps, features, embedding

    return attributions


def normalizations(model: keras.Model) -> list[keras.layers.Normalization]:
    """That of the steps, then that of the features."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Normalization)]
    return sorted(layers, key=lambda layer: -len(layer.input.shape))
