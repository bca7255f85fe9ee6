"""Whether an exported network answers as its checkpoint does.

Letters: n images, C classes.
"""

from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from lenet import flags
from lenet.data.splits import Split
from lenet.errors import UserError, first_line
from lenet.export.trained import Trained
from lenet.graph import model
from lenet.graph import pipeline
from lenet.graph import step

BATCH = 500


class Parity(NamedTuple):
    """How far two networks' answers to the same images differ."""

    images: int
    largest_difference: float  # of a logit; NaN or infinity where one of them is not finite
    predictions_changed: int


def checkpoint_logits(trained_network: Trained, split: Split, config: tf.ConfigProto) -> np.ndarray:
    """What the checkpoint's own graph answers, computed as training evaluates on a CPU in float32.

    Nothing of the way to an export is used: TensorFlow restores variables from the checkpoint's files.

    Args:
      trained_network: its path, activation and number of classes count, not its weights.

    Returns:
      float32 [n, C].

    Raises:
      UserError: TensorFlow cannot restore the checkpoint.
    """
    form = model.Form(trained_network.activation, flags.PLATFORM_DEFAULTS['cpu']['conv'])
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        variables = model.create_variables(trained_network.activation, 0, trained_network.num_classes)
        arranged = split._replace(images=model.lay_out(split.images, form.convolution))
        images = pipeline.evaluation(arranged, BATCH)
        logits = model.forward(step.normalize(images.next_batch()[0]), model.prepare_weights(variables, form), form)
        try:
            tf.train.Saver(list(variables.values())).restore(session, trained_network.path)
        except (ValueError, tf.errors.OpError) as error:
            raise UserError('%s: cannot be restored (%s)' % (trained_network.path, first_line(error)))
        session.run(images.iterator.initializer)
        n = len(split.labels)
        return np.concatenate([session.run(logits) for _ in range(-(-n // BATCH))])[:n]


def compare(expected: np.ndarray, actual: np.ndarray) -> Parity:
    """Compares logits, float32 [n, C] each."""
    with np.errstate(invalid='ignore'):  # infinity - infinity is NaN, which no tolerance admits
        largest = float(np.abs(expected.astype(np.float64) - actual).max())
    return Parity(len(expected), largest, int((expected.argmax(axis=1) != actual.argmax(axis=1)).sum()))


def require(parity: Parity, tolerance: float, name: str) -> None:
    """
    Raises:
      UserError: the logits differ by more than `tolerance`, or are NaN.
    """
    if not parity.largest_difference <= tolerance:  # NaN is never <=
        raise UserError('%s: not written, its logits differ from those of the checkpoint by up to %.3g, more than '
                        '--tolerance=%g' % (name, parity.largest_difference, tolerance))


def require_accuracy(expected: float, actual: float, tolerance: float, name: str) -> None:
    """
    Raises:
      UserError: the accuracy is lower than the checkpoint's by more than `tolerance`.
    """
    if round(expected - actual, 9) > tolerance:  # counts of images, whose quotients are rounded
        raise UserError("%s: not written, its accuracy of %.4f is lower than the checkpoint's %.4f by more than "
                        '--tolerance_accuracy=%g' % (name, actual, expected, tolerance))
