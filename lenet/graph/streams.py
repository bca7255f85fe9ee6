"""Streams of random numbers: a draw is a pure function of (seed, step or epoch), and no stream meets another."""

import tensorflow.compat.v1 as tf

ORDER, AFFINE, FIELD, DROPOUT, STROKES = range(5)


def seed_of(seed: int, stream: int, number: tf.Tensor) -> tf.Tensor:
    """What tf.random.stateless_uniform and others take, int64 [2].

    Args:
      seed: 0 to 2**31 - 1.
      stream: one of the above.
      number: int64 [], steps run before this one; of ORDER the epoch.
    """
    return tf.stack([tf.constant(stream * 2 ** 32 + seed, tf.int64), number])
