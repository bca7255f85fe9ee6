"""Counting right answers: an evaluation in a session, and the statistics of its counts.

Letters: C classes, n images.
"""

import math
from typing import Any, Dict, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.graph.evaluation import Evaluation

_Z_95 = 1.959963984540054  # the standard normal's 97.5 % quantile


class Counts(NamedTuple):
    """What an evaluation found; every image counts once."""

    confusion: np.ndarray  # int64 [C, C], rows the true class, columns the predicted
    mean_loss: float  # nats

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        return self.correct / self.images


def run(session: tf.Session, graph: Evaluation) -> Tuple[Counts, np.ndarray]:
    """Evaluates once over the whole split.

    Returns:
      The counts, and the logits of all images, float32 [n, C].
    """
    session.run(graph.iterator.initializer)
    n = len(graph.labels)
    batches = [session.run(graph.answers) for _ in range(-(-n // graph.batch_size))]
    predicted, losses, logits = (np.concatenate(parts)[:n] for parts in zip(*batches))  # the rest is padding
    confusion = confusion_matrix(graph.labels, predicted, graph.classes)
    return Counts(confusion, float(np.mean(losses, dtype=np.float64))), logits


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """int64 [C, C]: row i, column j counts the images of class i taken for class j."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def wilson_interval(correct: int, images: int) -> Tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
    p, z2 = correct / images, _Z_95 ** 2
    centre = (p + z2 / (2 * images)) / (1 + z2 / images)
    half = _Z_95 * math.sqrt(p * (1 - p) / images + z2 / (4 * images ** 2)) / (1 + z2 / images)
    return centre - half, centre + half


def report(counts: Counts) -> Dict[str, Any]:
    """The counts and their statistics, ready for JSON."""
    with np.errstate(invalid='ignore'):  # a class without images has no recall
        recall = np.diag(counts.confusion) / counts.confusion.sum(axis=1)
    return {'images': counts.images, 'correct': counts.correct, 'accuracy': counts.accuracy,
            'wilson_95': list(wilson_interval(counts.correct, counts.images)), 'mean_loss': counts.mean_loss,
            'recall': [None if math.isnan(r) else float(r) for r in recall],
            'confusion': counts.confusion.tolist()}
