"""Streams of random numbers: what a step draws is a pure function of (seed, step), and no stream meets another."""

import tensorflow.compat.v1 as tf

AFFINE, FIELD, DROPOUT = 1, 2, 3  # 0 has the permutations of pipeline.py


def seed_of(seed: int, stream: int, step: tf.Tensor) -> tf.Tensor:
    """What tf.random.stateless_uniform and others take, int64 [2].

    Args:
      seed: 0 to 2**31 - 1.
      step: int64 [], steps run before this one.
    """
    return tf.stack([tf.constant(stream * 2 ** 32 + seed, tf.int64), step])
