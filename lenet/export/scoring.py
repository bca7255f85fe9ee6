"""What a network's answers on labelled images are worth: counts, mistakes, and a report in lines.

Letters: n images, C classes.
"""

from typing import Any, Dict, List, NamedTuple

import numpy as np

from lenet.export.network import Answers
from lenet.run import accuracy

SHOWN = 20  # mistakes that `lines` lists


class Mistake(NamedTuple):
    """An image taken for another class than its own."""

    index: int  # of the image in its split, from 0
    label: int
    predicted: int
    probability: float  # that the network gave the predicted class


def count(answers: Answers, labels: np.ndarray) -> accuracy.Counts:
    """Counts the answers, each image once.

    Args:
      answers: of n images, all finite.
      labels: int32 [n], each below C.
    """
    confusion = accuracy.confusion_matrix(labels, answers.classes, answers.logits.shape[1])
    return accuracy.Counts(confusion, float(cross_entropy(answers.logits, labels).mean()))


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Softmax cross-entropy of each image in nats, float64 [n], from logits [n, C] and labels [n]."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


def mistakes(answers: Answers, labels: np.ndarray) -> List[Mistake]:
    """All of them, in the order of the images."""
    return [Mistake(int(i), int(labels[i]), int(answers.classes[i]),
                    float(answers.probabilities[i, answers.classes[i]]))
            for i in np.flatnonzero(answers.classes != labels)]


def report(counts: accuracy.Counts, wrong: List[Mistake]) -> Dict[str, Any]:
    """As the "evaluation" of a run's results.json, and the mistakes; ready for JSON."""
    return dict(accuracy.report(counts), misclassified=[
        {'index': mistake.index, 'label': mistake.label, 'class': mistake.predicted,
         'probability': mistake.probability} for mistake in wrong])


def lines(counts: accuracy.Counts, wrong: List[Mistake]) -> List[str]:
    """The report for a terminal."""
    low, high = accuracy.wilson_interval(counts.correct, counts.images)
    text = ['correct: %d of %d, accuracy %.4f, 95 %% interval %.4f to %.4f' %
            (counts.correct, counts.images, counts.accuracy, low, high),
            'mean loss: %.4f' % counts.mean_loss, '']
    return text + _confusion_lines(counts) + [''] + _mistake_lines(wrong)


def _confusion_lines(counts: accuracy.Counts) -> List[str]:
    recall = accuracy.report(counts)['recall']
    width = max(len(str(counts.confusion.max())), len(str(len(recall) - 1))) + 1
    row = ('%5s' + '%{}s'.format(width) * len(recall) + '%9s').__mod__
    text = ['rows: true class, columns: predicted class', row(('', *range(len(recall)), 'recall'))]
    for label, cells in enumerate(counts.confusion):
        text.append(row((label, *cells, '-' if recall[label] is None else '%.4f' % recall[label])))
    return text


def _mistake_lines(wrong: List[Mistake]) -> List[str]:
    if not wrong:
        return ['misclassified: none']
    shown = '' if len(wrong) <= SHOWN else ', the first %d' % SHOWN
    text = ['misclassified: %d%s' % (len(wrong), shown), '%7s %6s %10s %12s' % ('image', 'true', 'predicted',
                                                                              'probability')]
    return text + ['%7d %6d %10d %12.4f' % mistake for mistake in wrong[:SHOWN]]
