"""The evaluation graph: the network's answers to every image of a split, each counted once.

Letters: B evaluation batch, C classes, n images.
"""

from typing import NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.data.splits import Split
from lenet.graph import model
from lenet.graph import pipeline
from lenet.graph import step
from lenet.ranks.alone import Alone
from lenet.ranks.base import Ranks


class Evaluation(NamedTuple):
    """An evaluation over all of one split."""

    iterator: tf.data.Iterator
    # Of all ranks: predicted class int64 [B], loss float32 [B], logits float32 [B, C].
    answers: Tuple[tf.Tensor, tf.Tensor, tf.Tensor]
    labels: np.ndarray  # int32 [n]
    batch_size: int
    classes: int  # C


def build(split: Split, variables: model.Variables, form: model.Form, batch_size: int, replicas: int = 1,
          ranks: Ranks = Alone(), is_resident: bool = False) -> Evaluation:
    """Builds the evaluation beside the training step: variables shared, an iterator of its own.

    Args:
      split: images uint8 [n, 28, 28, 1]; they are laid out here as `form` wants them.
      batch_size: images of one session.run, on each rank.
      replicas: towers that a batch is split into, one thread each.
      is_resident: the images stay on the device.
      ranks: of the platform; where they gather, each evaluates its stripe and gets the answers of all.
    """
    size = ranks.size if ranks.gathers else 1
    batch_size = min(batch_size, -(-len(split.labels) // size))
    sizes = [len(part) for part in np.array_split(np.arange(batch_size), min(replicas, batch_size))]
    with tf.name_scope('evaluation'):
        form = form._replace(is_trained=False)
        arranged = split._replace(images=model.lay_out(split.images, form.convolution))
        source = pipeline.evaluation(arranged, batch_size, ranks.rank if size > 1 else 0, size, is_resident)
        images, labels = source.next_batch()
        weights = model.prepare_weights(variables, form)
        logits = tf.concat([model.forward(step.normalize(part), weights, form) for part in tf.split(images, sizes)], 0)
        answers = tf.argmax(logits, axis=1), step.cross_entropy(logits, labels), logits
        if size > 1:
            answers = tuple(ranks.gather(tensor) for tensor in answers)
    return Evaluation(source.iterator, answers, split.labels, size * batch_size, logits.shape.as_list()[1])
