"""The device's float-status flag, and the saturation that makes a check for NaN prove nothing.

On a CPU float32 stays float32, so overflow is emulated at the gradients: the flag is set by a gradient that is not
finite, and, when the process's precision uses float16, by a still scaled gradient beyond float16's greatest number. In
the mixed modes only gradients of rank 2 and more count: those are products, which the matrix unit computes in float16;
those of biases are sums, which stay float32.
"""

from typing import Any, List

import numpy as np
import tensorflow.compat.v1 as tf

from standin import gradients, journal, settings
from standin.engine import engine

_FLOAT16_MAX = float(np.finfo(np.float16).max)  # 65504
_HALF_MODES = ('allow_mix_precision', 'allow_mix_precision_fp16', 'allow_fp32_to_fp16', 'force_fp16', 'mixed_float16',
               'fp16')


def _peak(values: List[Any]) -> tf.Tensor:
    """The greatest magnitude in `values`, 0 where there are none: float32 []."""
    peaks = [tf.reduce_max(tf.abs(tf.cast(value, tf.float32))) for value in values]
    return tf.reduce_max(tf.stack(peaks)) if peaks else tf.constant(0.0)


def _flag(finite: np.ndarray, peak: np.ndarray, peak_of_products: np.ndarray, is_distributed: np.ndarray) -> np.ndarray:
    """Runs once per device step: bool and float32 scalars -> bool scalar."""
    step = engine.steps
    if engine.precision_mode not in ('force_fp16', 'fp16'):
        peak = peak_of_products
    overflows = not finite or engine.precision_mode in _HALF_MODES and peak > _FLOAT16_MAX
    overflows = overflows or settings.fault('overflow_always') or settings.fault('overflow_at', step)
    overflows = overflows or is_distributed and settings.fault('overflow_other_rank_at', step)
    if overflows:
        journal.record('overflow', step=step)
    return np.bool_(overflows)


def read(scaled: List[Any], is_distributed: bool) -> tf.Tensor:
    """The flag after the gradients `scaled` (tensors, IndexedSlices or None) were computed: bool []."""
    values = gradients.tensors([(gradient, None) for gradient in scaled])
    finite = tf.reduce_all(tf.stack([tf.reduce_all(tf.is_finite(value)) for value in values]))
    products = [value for value in values if value.shape.ndims != 1]
    flag = tf.numpy_function(_flag, [finite, _peak(values), _peak(products), is_distributed], tf.bool,
                             name='NpuGetFloatStatus')
    flag.set_shape([])
    return flag


def saturated(values: tf.Tensor) -> tf.Tensor:
    """As the 910 has it: Inf is the greatest number, NaN is 0; same dtype and shape. An A2 leaves them."""
    if settings.inf_nan():
        return values
    limited = tf.clip_by_value(values, values.dtype.min, values.dtype.max)
    return tf.where_v2(tf.is_nan(values), tf.zeros_like(values), limited)


def saturated_value(value: Any) -> Any:
    """The same for a fetched value; what is no float comes back as it is."""
    if isinstance(value, (np.ndarray, np.generic)) and np.issubdtype(value.dtype, np.floating):
        return value if settings.inf_nan() or np.all(np.isfinite(value)) else np.nan_to_num(value)
    return value
