"""The learning rate as a function of the step."""

import math

import tensorflow.compat.v1 as tf


def learning_rate(step: tf.Tensor, base: float, kind: str, total_steps: int, warmup_steps: int = 0) -> tf.Tensor:
    """The learning rate of one step.

    It goes by steps run, not by global_step: a step whose update is skipped for overflow counts as well.

    Args:
      step: int64 [], the number of steps run before this one.
      base: the highest rate.
      kind: 'constant'; 'linear' or 'cosine' (Loshchilov & Hutter 2017, without restarts) fall from `base` after the
        warm-up to 0 at `total_steps`.
      total_steps: of the run.
      warmup_steps: W; the first W steps rise linearly, base/W to base (Goyal et al. 2017).

    Returns:
      float32 [].
    """
    position = tf.cast(step, tf.float32)
    fraction = tf.minimum((position - warmup_steps) / max(1, total_steps - warmup_steps), 1.0)
    if kind == 'linear':
        rate = base * (1.0 - fraction)
    elif kind == 'cosine':
        rate = base * 0.5 * (1.0 + tf.cos(math.pi * fraction))
    else:
        rate = tf.constant(base)
    if not warmup_steps:
        return rate
    return tf.where(position < warmup_steps, base * (position + 1.0) / warmup_steps, rate)
