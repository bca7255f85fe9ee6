"""Strokes made thicker or thinner: an image's grey edges are steepened towards ink or towards the ground, anew in every
step. No network that reads a digit should care what pen wrote it.

Letters: B batch. Draws are a pure function of (seed, step), for the batch of all ranks; every value is a whole number
of 1/256 grey levels, which float32 holds, so results do not depend on how a batch is split.
"""

import math

import tensorflow.compat.v1 as tf

from lenet.graph import streams

_GAIN_BITS = 8  # of a gain behind the point


def draw(seed: int, step: tf.Tensor, batch_size: int, most: float) -> tf.Tensor:
    """What the grey levels of one step's images are multiplied by, and what is added then.

    Args:
      seed, step: as in streams.seed_of.
      batch_size: B, of all ranks together.
      most: the highest gain; its logarithm is drawn uniformly between 0 and that of `most`. Half of the images keep
        the level of the ground, so that their strokes grow; the others that of ink.

    Returns:
      float32 [B, 2]: gains, multiples of 1/256 from 1 on, and levels, with the half that rounds: 0.5 or less.
    """
    bound, unit = math.log(most), 2.0 ** _GAIN_BITS
    drawn = tf.random.stateless_uniform([batch_size], streams.seed_of(seed, streams.STROKES, step), -bound, bound)
    gains = tf.round(unit * tf.exp(tf.abs(drawn))) * (1 / unit)
    return tf.stack([gains, tf.where(drawn < 0, 255.5 - 255.0 * gains, tf.fill([batch_size], 0.5))], axis=1)


def change(images: tf.Tensor, strokes: tf.Tensor) -> tf.Tensor:
    """Images with other strokes.

    Args:
      images: uint8 [B, ...], 0 the ground.
      strokes: float32 [B, 2], of `draw`.

    Returns:
      uint8, of the same shape.
    """
    gains, levels = tf.unstack(tf.reshape(strokes, [-1, 2] + [1] * (len(images.shape) - 1)), axis=1)
    changed = tf.cast(images, tf.float32) * gains + levels
    # The cast cuts off what is behind the point.
    return tf.cast(tf.minimum(tf.maximum(changed, 0.0), 255.0), images.dtype)
