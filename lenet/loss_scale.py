"""Loss scaling: what is asked for, its variables, and the managers of tf.contrib.mixed_precision.

Small gradients vanish in float16 (below 2**-24); multiplying the loss, and dividing the gradients by the same number
in float32, keeps them (Micikevicius et al. 2018, "Mixed Precision Training"). Where a scaled gradient overflows, the
update is skipped.
"""

from typing import Any, Dict, NamedTuple

import tensorflow.compat.v1 as tf

NONE, FIXED, DYNAMIC = 'none', 'fixed', 'dynamic'


class LossScale(NamedTuple):
    """How to scale. The numbers are the reference implementation's."""

    kind: str = NONE
    value: float = 1.0  # the fixed scale, or a dynamic one's first
    increment_every: int = 1000  # consecutive steps without overflow before the scale grows
    increment_ratio: float = 2.0
    decrement_every: int = 2  # steps with overflow before it shrinks, never below 1
    decrement_ratio: float = 0.5


REFERENCE_INITIAL_SCALE = 2.0 ** 32


def from_params(params: Any) -> LossScale:
    """The LossScale that --loss_scale_flag and --loss_scale_value ask for."""
    if not params.loss_scale_flag:
        return LossScale()
    if params.loss_scale_value:
        return LossScale(FIXED, params.loss_scale_value)
    return LossScale(DYNAMIC, REFERENCE_INITIAL_SCALE)


def state_variables() -> Dict[str, tf.Variable]:
    """`loss_scale` (float32), `good_steps` and `bad_steps` (int32), as far as the graph has them."""
    names = ('loss_scale', 'good_steps', 'bad_steps')
    return {v.op.name: v for v in tf.global_variables() if v.op.name in names}


def complete_state() -> None:
    """Creates what a dynamic manager would have created, unless one has.

    Every checkpoint so has the same keys: a run without dynamic scaling carries the state through, unused.
    """
    present = state_variables()
    for name, value in (('loss_scale', REFERENCE_INITIAL_SCALE), ('good_steps', 0), ('bad_steps', 0)):
        if name not in present:
            tf.Variable(value, name=name, trainable=False, dtype=tf.float32 if name == 'loss_scale' else tf.int32)


def wrap_with_contrib(optimizer: tf.train.Optimizer, loss_scale: LossScale) -> tf.train.Optimizer:
    """`optimizer` behind TensorFlow 1.15's own loss scaling, for devices with IEEE infinities (CPU, GPU).

    It skips the update, and the increment of global_step, where a gradient is not finite.
    """
    if loss_scale.kind == NONE:
        return optimizer
    from tensorflow.contrib import mixed_precision  # a second of import time, only where it is needed
    if loss_scale.kind == FIXED:
        manager = mixed_precision.FixedLossScaleManager(loss_scale.value)
    else:
        manager = mixed_precision.ExponentialUpdateLossScaleManager(
            loss_scale.value, loss_scale.increment_every, loss_scale.decrement_every,
            loss_scale.increment_ratio, loss_scale.decrement_ratio)
    return mixed_precision.LossScaleOptimizer(optimizer, manager)


def current(loss_scale: LossScale) -> tf.Tensor:
    """The scale in force when the tensor runs, float32 []."""
    if loss_scale.kind == DYNAMIC:
        return state_variables()['loss_scale'].read_value()
    return tf.constant(loss_scale.value, tf.float32)
