"""Half precision, emulated: real float16 values, so that overflow and underflow can be watched without an NPU.

A value is rounded by a cast to float16 and back around an op that computes in float32. That is what a matrix unit does
(float16 in, float32 accumulation), the cast's own gradient rounds the gradient, and it costs little: TensorFlow's
float16 kernels for the CPU are ten times slower and accumulate in float16. Variables stay float32.

| mode                               | rounded to float16, forward and backward                               |
|------------------------------------|------------------------------------------------------------------------|
| must_keep_origin_dtype, force_fp32 | nothing (cube_fp16in_fp32out is force_fp32 by a later name)            |
| allow_mix_precision, …_fp16        | operands and results of convolutions and matrix products               |
| allow_fp32_to_fp16                 | the same: matrix operators in float16, vector operators as in the graph |
| force_fp16                         | every tensor                                                           |

The NPU's engine decides by its own lists; there the graph is left as it is.
"""

from typing import Callable, NamedTuple, Optional

import tensorflow.compat.v1 as tf

Rounding = Callable[[tf.Tensor], tf.Tensor]


class Precision(NamedTuple):
    """How the network rounds."""

    matrix: Rounding  # operands and results of convolutions and matrix products
    vector: Rounding  # results of all other ops


def _keep(x: tf.Tensor) -> tf.Tensor:
    return x


FLOAT32 = Precision(matrix=_keep, vector=_keep)


def round_to_float16(x: tf.Tensor) -> tf.Tensor:
    """The nearest float16 values, as float32; beyond 65504 infinite, as IEEE 754 has it. Rounds the gradient too."""
    return tf.cast(tf.cast(x, tf.float16), tf.float32)


def saturating(status: tf.Variable) -> Rounding:
    """Rounding as the Ascend 910 does it: infinities become +-65504 and NaN 0, and a sticky status tells.

    Args:
      status: int32 [], a resource variable; counts the tensors, forward and backward, in which that happened.
    """
    def saturate(x: tf.Tensor) -> tf.Tensor:
        rounded = round_to_float16(x)
        finite = tf.math.is_finite(rounded)
        note = status.assign_add(1 - tf.cast(tf.reduce_all(finite), tf.int32), read_value=False)
        with tf.control_dependencies([note]):
            clipped = tf.clip_by_value(rounded, float(tf.float16.min), float(tf.float16.max))
            return tf.where(tf.math.is_nan(rounded), tf.zeros_like(x), clipped)

    @tf.custom_gradient
    def rounding(x: tf.Tensor):
        return saturate(x), saturate

    return rounding


def of_mode(mode: str, status: Optional[tf.Variable] = None) -> Precision:
    """The rounding that --precision_mode=`mode` means on a CPU.

    Args:
      status: with it, rounding saturates and counts overflows there; without, it makes infinities.
    """
    rounding = round_to_float16 if status is None else saturating(status)
    if mode in ('allow_mix_precision', 'allow_mix_precision_fp16', 'allow_fp32_to_fp16'):
        return Precision(matrix=rounding, vector=_keep)
    if mode == 'force_fp16':
        return Precision(matrix=rounding, vector=rounding)
    return FLOAT32
