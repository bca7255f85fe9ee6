"""npu_bridge.estimator.npu.npu_loss_scale_manager: a fixed loss scale, and one that follows the overflows."""

import abc

import tensorflow.compat.v1 as tf
from npu_bridge import npu_bridge_handle  # noqa: F401  (missing when the library did not load)
from standin import journal, violations
from standin.engine import engine


class LossScaleManager(abc.ABC):
    """What NPULossScaleOptimizer needs to know of either manager."""

    enable_overflow_check = True

    @abc.abstractmethod
    def get_loss_scale(self):
        """The scale: a float32 scalar, tensor or variable."""

    @abc.abstractmethod
    def update_loss_scale(self, finite_grads):
        """An op that takes note of a step; `finite_grads` is a bool scalar, False if the step overflowed."""


class _FixedLossScaleManager(LossScaleManager):
    """A scale that never changes."""

    def _start(self, loss_scale):
        if loss_scale < 1:
            raise ValueError('loss_scale must be at least 1, got %r' % loss_scale)
        journal.record('loss_scale_manager', manager='fixed', loss_scale=loss_scale,
                       enable_overflow_check=self.enable_overflow_check)
        self._loss_scale = tf.constant(loss_scale, tf.float32)

    def get_loss_scale(self):
        return self._loss_scale

    def update_loss_scale(self, finite_grads):
        return tf.no_op()


if engine.since('v23'):
    class FixedLossScaleManager(_FixedLossScaleManager):
        """Later generations can be told not to check for overflow."""

        def __init__(self, loss_scale, enable_overflow_check=True):
            self.enable_overflow_check = enable_overflow_check
            self._start(loss_scale)
else:
    class FixedLossScaleManager(_FixedLossScaleManager):
        """The 2021 generation always checks for overflow."""

        def __init__(self, loss_scale):
            self._start(loss_scale)


class ExponentialUpdateLossScaleManager(LossScaleManager):
    """Grows after consecutive good steps, shrinks after accumulated bad ones, never below 1.

    Every change of the scale, and nothing else, clears both counts; a bad step ends a row of good ones.
    Variables, all global and non-trainable: loss_scale float32 [], good_steps int32 [], bad_steps int32 [].
    """

    def __init__(self, init_loss_scale, incr_every_n_steps, decr_every_n_nan_or_inf=2, incr_ratio=2, decr_ratio=0.8):
        if tf.get_default_graph()._current_control_dependencies():
            violations.violate('scale-control-dependencies',
                               'ExponentialUpdateLossScaleManager is built inside tf.control_dependencies')
        journal.record('loss_scale_manager', manager='dynamic', loss_scale=init_loss_scale,
                       incr_every_n_steps=incr_every_n_steps, decr_every_n_nan_or_inf=decr_every_n_nan_or_inf,
                       incr_ratio=incr_ratio, decr_ratio=decr_ratio)
        self._incr_every, self._decr_every = incr_every_n_steps, decr_every_n_nan_or_inf
        self._incr_ratio, self._decr_ratio = incr_ratio, decr_ratio
        self._scale = tf.Variable(float(init_loss_scale), dtype=tf.float32, trainable=False, name='loss_scale')
        self._good = tf.Variable(0, dtype=tf.int32, trainable=False, name='good_steps')
        self._bad = tf.Variable(0, dtype=tf.int32, trainable=False, name='bad_steps')

    def get_loss_scale(self):
        return self._scale

    def update_loss_scale(self, finite_grads):
        scale, good, bad = [variable.read_value() for variable in (self._scale, self._good, self._bad)]
        zero = tf.zeros_like(good)
        good = tf.where_v2(finite_grads, good + 1, zero)
        bad = tf.where_v2(finite_grads, bad, bad + 1)
        grows = tf.logical_and(finite_grads, good >= self._incr_every)
        shrinks = tf.logical_and(tf.logical_not(finite_grads), bad >= self._decr_every)
        grown = tf.where_v2(tf.is_finite(scale * self._incr_ratio), scale * self._incr_ratio, scale)
        shrunk = tf.maximum(1.0, scale * self._decr_ratio)
        scale = tf.where_v2(grows, grown, tf.where_v2(shrinks, shrunk, scale))
        changes = tf.logical_or(grows, shrinks)
        good, bad = tf.where_v2(changes, zero, good), tf.where_v2(changes, zero, bad)
        with tf.control_dependencies([scale, good, bad]):
            return tf.group(tf.assign(self._scale, scale), tf.assign(self._good, good), tf.assign(self._bad, bad))
