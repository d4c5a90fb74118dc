"""Training: the same for one worker and for many."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from math import cos, pi

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from ml.checkpoints import Checkpoints
from ml.churn.dataset import Rows
from ml.churn.model import (
    Scaling,
    in_batches,
    known_weeks,
    logits_of,
    losses,
    reseed,
    signature,
    undo_class_weights,
)
from ml.churn.parameters import Parameters
from ml.embedding import CustomerEmbedding
from ml.workers import Workers


@dataclass(frozen=True)
class Epoch:
    """Losses weigh the classes as training does."""

    epoch: int
    loss: float
    validation_loss: float
    validation_auroc: float


@dataclass(frozen=True)
class History:
    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> Epoch:
        """The epoch whose weights are kept: the first of the lowest loss on validation."""
        return min(self.epochs, key=lambda epoch: (epoch.validation_loss, epoch.epoch))

    def has_ended(self, parameters: Parameters) -> bool:
        """After all epochs, or when none of the last `patience` was the best."""
        done = len(self.epochs)
        return done >= parameters.epochs or (done > 0 and done - self.best.epoch >= parameters.patience)


def fit(
    model: keras.Model,
    embedding: CustomerEmbedding,
    rows: Rows,
    validation: Rows,
    *,
    workers: Workers,
    parameters: Parameters,
    checkpoints: Checkpoints,
) -> History:
    """Train on this worker's rows; all workers end with the same network, and each with its customers' embedding.

    The weights are those of the best epoch on validation. A run that was killed goes on after the last epoch that all
    workers had finished, and ends with the same bits as one that was not.
    """
    weights = class_weights(rows.labels, workers, model.output_shape[-1], parameters.class_balance)
    trainer = Trainer(model, embedding, workers, parameters, weights)
    history = History()
    if done := checkpoints.newest():
        history = trainer.restore(checkpoints, done)
    while not history.has_ended(parameters):
        epoch = len(history.epochs) + 1
        loss = trainer.train(rows, epoch)
        validation_loss, auroc = trainer.validate(validation)
        history = replace(history, epochs=(*history.epochs, Epoch(epoch, loss, validation_loss, auroc)))
        trainer.save(checkpoints, epoch, history)
        checkpoints.keep({history.best.epoch, epoch - 1, epoch})
    trainer.restore(checkpoints, history.best.epoch)
    undo_class_weights(model, weights)
    return history


class Trainer:
    """One worker's part in training: what changes from step to step, and how."""

    def __init__(
        self,
        model: keras.Model,
        embedding: CustomerEmbedding,
        workers: Workers,
        parameters: Parameters,
        class_weights: np.ndarray,
    ) -> None:
        self.model, self.embedding, self.workers, self.parameters = model, embedding, workers, parameters
        self.class_weights = class_weights.astype(np.float32)
        self.network = logits_of(model)
        self.optimizer = keras.optimizers.Adam(parameters.learning_rate)
        self.optimizer.build(model.trainable_variables)
        labels = tf.TensorSpec((None,), tf.int32)
        self.step = tf.function(self.one_step, input_signature=[*signature(model), labels])
        self.logits = in_batches(self.network)

    def train(self, rows: Rows, epoch: int) -> float:
        """One pass over all rows, in an order that only the seed and the epoch decide. Returns the mean loss.

        The days follow each other, and the embedding starts from zero: what it says of a customer at a day was learned
        from that customer's outcomes before, as it will be in use. Shuffled, each row would find its own outcome in it.
        """
        parameters = self.parameters
        self.optimizer.learning_rate.assign(cosine(parameters.learning_rate, epoch, parameters.epochs))
        reseed(self.model, parameters.seed, epoch, self.workers.rank)
        random = np.random.default_rng([parameters.seed, epoch, self.workers.rank])
        customers = self.embedding.rows_of(rows.core_ids)
        self.embedding.forget()
        loss = weight = 0.0
        for batch in self.batches(rows, random):
            shown = np.where(random.random(len(batch)) < parameters.unseen_share, -1, customers[batch])
            vectors = self.embedding.look_up(shown)
            batch_loss, batch_weight, gradients = self.step(*network_inputs(rows, batch, vectors), rows.labels[batch])
            rate, pull = parameters.embedding_rate, parameters.embedding_pull
            self.embedding.update(customers[batch], gradients.numpy(), rate=rate, pull=pull)
            loss, weight = loss + float(batch_loss), weight + float(batch_weight)
        return loss / weight

    def batches(self, rows: Rows, random: np.random.Generator) -> Iterator[np.ndarray]:
        """Day after day, shuffled within each; as many batches as the worker with most rows of a day needs."""
        share = -(-self.parameters.batch_size // self.workers.size)
        days = rows.as_of.astype("datetime64[D]").astype(np.int64)
        for day in np.unique(self.workers.gather(np.unique(days))):
            of_day = random.permutation(np.flatnonzero(days == day))
            yield from np.array_split(of_day, self.workers.largest(-(-len(of_day) // share)))

    def one_step(
        self, steps: tf.Tensor, known: tf.Tensor, features: tf.Tensor, vectors: tf.Tensor, labels: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The network learns from the rows of all workers, each weighing the same wherever it is.

        Returns their loss and weight, and what this worker's customers learn: the gradient of each row's loss.
        """
        weights = tf.gather(self.class_weights, labels)
        variables = [variable.value for variable in self.model.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            logits = self.network([steps, known, features, vectors], training=True)
            loss = tf.reduce_sum(weights * losses(labels, logits))
        *gradients, of_vectors = tape.gradient(loss, [*variables, vectors])
        loss, weight, *gradients = self.workers.sum([loss, tf.reduce_sum(weights), *gradients])
        self.optimizer.apply([gradient / weight for gradient in gradients], self.model.trainable_variables)
        return loss, weight, of_vectors

    def validate(self, rows: Rows) -> tuple[float, float]:
        """Mean loss and AUROC over the rows of all workers (with several classes: of the first against the others)."""
        logits = self.logits(*all_inputs(rows, self.embedding))
        weights = self.class_weights[rows.labels]
        loss, weight = self.workers.gather(
            np.array([[np.sum(weights * losses(rows.labels, logits).numpy()), np.sum(weights)]])
        ).sum(axis=0)
        margin = logits[:, 0] if logits.shape[1] == 1 else -logits[:, 0]
        everything = self.workers.gather(np.stack([margin, rows.labels > 0], axis=1).astype(np.float64))
        return float(loss / weight), float(roc_auc_score(everything[:, 1], everything[:, 0]))

    def save(self, checkpoints: Checkpoints, epoch: int, history: History) -> None:
        state = {f"network_{number}": value for number, value in enumerate(self.model.get_weights())}
        state |= {f"optimizer_{number}": np.array(value) for number, value in enumerate(self.optimizer.variables)}
        state |= {"vectors": self.embedding.vectors}
        checkpoints.save(epoch, state, [asdict(each) for each in history.epochs])

    def restore(self, checkpoints: Checkpoints, epoch: int) -> History:
        state, notes = checkpoints.load(epoch)
        self.model.set_weights([state[f"network_{number}"] for number in range(len(self.model.weights))])
        for number, variable in enumerate(self.optimizer.variables):
            variable.assign(state[f"optimizer_{number}"])
        self.embedding.vectors = state["vectors"]
        return History(tuple(Epoch(**each) for each in notes))


def probabilities(model: keras.Model, embedding: CustomerEmbedding, rows: Rows) -> np.ndarray:
    """Of churn, for each row."""
    return in_batches(model)(*all_inputs(rows, embedding))[:, 0].astype(np.float64)


def all_inputs(rows: Rows, embedding: CustomerEmbedding) -> tuple[np.ndarray, ...]:
    everyone = np.arange(len(rows))
    return network_inputs(rows, everyone, embedding.look_up(embedding.rows_of(rows.core_ids)))


def network_inputs(rows: Rows, batch: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, ...]:
    steps = rows.steps[batch]
    return steps, known_weeks(rows.weeks_known[batch], steps.shape[1]), rows.features[batch], vectors


def cosine(rate: float, epoch: int, epochs: int) -> float:
    """From the whole rate at the first epoch down towards none after the last."""
    return rate * (1 + cos(pi * (epoch - 1) / epochs)) / 2


def class_weights(labels: np.ndarray, workers: Workers, outputs: int, balance: float) -> np.ndarray:
    """The weight of each class over the rows of all workers: from 1 for all to as if all classes had as many rows."""
    classes = max(2, outputs)
    counts = workers.gather(np.bincount(labels, minlength=classes)[None]).sum(axis=0)
    weights: np.ndarray = (counts.sum() / (classes * np.maximum(counts, 1))) ** balance
    return weights


def scaling_of(rows: Rows, workers: Workers) -> Scaling:
    """Means and variances over the rows of all workers; of the weeks, over those that are known."""
    weeks = rows.steps[known_weeks(rows.weeks_known, rows.steps.shape[1])] if len(rows) else rows.steps.reshape(0, 1)
    (steps_mean, steps_variance), (mean, variance) = (moments(each, workers) for each in (weeks, rows.features))
    return Scaling(tuple(steps_mean), tuple(steps_variance), tuple(mean), tuple(variance))


def moments(values: np.ndarray, workers: Workers) -> tuple[list[float], list[float]]:
    """Mean and variance of each column; a column that never varies is left as it is."""
    values = values.astype(np.float64)
    parts = np.stack([np.full(values.shape[1], len(values)), values.sum(axis=0), np.square(values).sum(axis=0)])
    count, sums, squares = workers.gather(parts[None]).sum(axis=0)
    mean = sums / count
    variance = np.maximum(squares / count - mean**2, 0)
    return mean.tolist(), np.where(variance < 1e-9, 1.0, variance).tolist()
