"""Dropout: of each image a share of the features is left out, others each time (Srivastava et al. 2014, "Dropout: a
simple way to prevent neural networks from overfitting").

Letters: B batch, F features of an image. Draws are a pure function of (seed, step), for the batch of all ranks.
"""

from typing import Tuple

import tensorflow.compat.v1 as tf

from lenet.graph import streams

_LEVELS = 256  # a feature's fate is one byte: a draw gives four


def masks(seed: int, step: tf.Tensor, rate: float, batch_size: int, features: int,
          stripe: Tuple[int, int]) -> tf.Tensor:
    """What features are multiplied by: 0, or what keeps their mean.

    Args:
      seed, step: as in streams.seed_of.
      rate: the share of zeros, 0 <= rate < 1, to the nearest 1/256.
      batch_size: B, of all ranks together.
      features: F, a multiple of 4.
      stripe: the first of this rank's images, and one behind its last.

    Returns:
      float32 [images of the stripe, F].
    """
    dropped = round(_LEVELS * rate)
    drawn = tf.random.stateless_uniform([batch_size, features // 4], streams.seed_of(seed, streams.DROPOUT, step),
                                        -2 ** 31, 2 ** 31 - 1, tf.int32)
    fates = tf.reshape(tf.bitcast(drawn[slice(*stripe)], tf.uint8), [stripe[1] - stripe[0], features])
    kept = tf.cast(tf.greater_equal(fates, tf.constant(dropped, tf.uint8)), tf.float32)
    return kept * (_LEVELS / (_LEVELS - dropped))
