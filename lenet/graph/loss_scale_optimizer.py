"""Loss scaling around an optimizer, for devices with IEEE infinities (CPU, GPU), in raw ops.

Follows the semantics, and the order of roundings, of TensorFlow 1.15's tf.contrib.mixed_precision, which a current
TensorFlow no longer has; the NPU's adapter brings managers of its own with the same rules.
"""

from typing import Any, List, Optional, Tuple

import tensorflow.compat.v1 as tf

from lenet.graph import loss_scaling
from lenet.graph.loss_scaling import LossScale

Gradients = List[Tuple[tf.Tensor, tf.Variable]]


class LossScaleOptimizer(tf.train.Optimizer):
    """Multiplies the loss by the scale and divides the gradients by it. Where a gradient is not finite, the update is
    skipped, and with it the increment of global_step; a dynamic scale then follows its rules."""

    def __init__(self, optimizer: tf.train.Optimizer, loss_scale: LossScale) -> None:
        """Creates the variables of a dynamic scale in the current variable scope.

        Args:
          loss_scale: not of kind NONE.
        """
        super(LossScaleOptimizer, self).__init__(use_locking=False, name='LossScaling')
        self._optimizer = optimizer
        self._loss_scale = loss_scale
        if loss_scale.kind == loss_scaling.DYNAMIC:
            loss_scaling.create_state(loss_scale.value)

    def compute_gradients(self, loss: tf.Tensor, *args: Any, **kwargs: Any) -> Gradients:
        """The gradients of `loss`, float32 [], unscaled; every variable must have a gradient."""
        scale = loss_scaling.current(self._loss_scale)
        inverse = tf.math.reciprocal(scale)
        return [(gradient * inverse, variable)
                for gradient, variable in self._optimizer.compute_gradients(loss * scale, *args, **kwargs)]

    def apply_gradients(self, gradients: Gradients, global_step: Optional[tf.Variable] = None,
                        name: Optional[str] = None) -> tf.Operation:
        is_finite = tf.reduce_all(tf.stack([tf.reduce_all(tf.math.is_finite(gradient)) for gradient, _ in gradients]))
        update = tf.cond(is_finite, lambda: tf.group(self._optimizer.apply_gradients(gradients, global_step, name)),
                         tf.no_op)
        if self._loss_scale.kind == loss_scaling.FIXED:
            return tf.group(update)
        return tf.group(update, update_scale(is_finite, self._loss_scale))


def update_scale(is_finite: tf.Tensor, rules: LossScale) -> tf.Operation:
    """Lets a dynamic scale grow or shrink after one step, by the rules of its LossScale.

    After increment_every steps without overflow in a row it grows, unless it would become infinite; after
    decrement_every steps with overflow, in a row or not, it shrinks, to 1 at the least. Both counts begin anew whenever
    it does either, and the good steps after each bad one.

    Args:
      is_finite: bool [], whether the step's gradients are.
      rules: of kind DYNAMIC.
    """
    state = loss_scaling.state_variables()
    with tf.control_dependencies([is_finite]):  # by then the step has read the scale
        scale, good, bad = [state[name].read_value() for name in ('loss_scale', 'good_steps', 'bad_steps')]
    zero = tf.zeros_like(good)
    grows = tf.logical_and(is_finite, good + 1 >= rules.increment_every)
    shrinks = tf.logical_and(tf.logical_not(is_finite), bad + 1 >= rules.decrement_every)
    grown, shrunk = scale * rules.increment_ratio, tf.maximum(scale * rules.decrement_ratio, 1.0)
    grown = tf.where(tf.math.is_finite(grown), grown, scale)
    changes = tf.logical_or(grows, shrinks)
    next_scale = tf.where(grows, grown, tf.where(shrinks, shrunk, scale))
    next_good = tf.where(changes, zero, tf.where(is_finite, good + 1, zero))
    next_bad = tf.where(changes, zero, tf.where(is_finite, bad, bad + 1))
    return tf.group(state['loss_scale'].assign(next_scale), state['good_steps'].assign(next_good),
                    state['bad_steps'].assign(next_bad))


def wrap(optimizer: tf.train.Optimizer, loss_scale: LossScale) -> tf.train.Optimizer:
    """`optimizer` behind loss scaling, itself where none is asked for."""
    return optimizer if loss_scale.kind == loss_scaling.NONE else LossScaleOptimizer(optimizer, loss_scale)
