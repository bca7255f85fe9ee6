"""npu_bridge.estimator.npu.npu_loss_scale_optimizer: scale the loss, unscale the gradients, skip overflowed steps."""

import tensorflow.compat.v1 as tf
from npu_bridge import npu_bridge_handle  # noqa: F401  (missing when the library did not load)
from npu_bridge.estimator.npu.npu_loss_scale_manager import LossScaleManager
from npu_bridge.estimator.npu.npu_optimizer import NPUDistributedOptimizer
from standin import float_status, gradients, journal, rank_rules, settings, violations


class NPULossScaleOptimizer(gradients.WrappingOptimizer):
    """Wraps an optimizer; on overflow neither the variables nor global_step change.

    Overflow is what the device's float-status flag says after the (still scaled) gradients are computed. The device
    saturates: once the flag is read, an Inf among the gradients is the greatest float32 and a NaN is 0. On a device
    with Inf and NaN the gradients are checked, and a manager's enable_overflow_check=False is ignored.
    """

    def __init__(self, opt, loss_scale_manager, is_distributed=False):
        super().__init__(opt, 'NPULossScaleOptimizer')
        if not isinstance(loss_scale_manager, LossScaleManager):
            violations.violate('scale-manager', 'got a %s' % type(loss_scale_manager).__name__)
        if rank_rules.size() > 1 and not (is_distributed and isinstance(opt, NPUDistributedOptimizer)):
            violations.violate('hccl-wrapping', 'RANK_SIZE is %d, is_distributed %r, the wrapped optimizer a %s'
                               % (rank_rules.size(), is_distributed, type(opt).__name__))
        journal.record('loss_scale_optimizer', optimizer=type(opt).__name__,
                       manager=type(loss_scale_manager).__name__, is_distributed=is_distributed)
        self._manager, self._is_distributed = loss_scale_manager, is_distributed
        self._overflows = []  # one flag per compute_gradients since the last apply_gradients

    def compute_gradients(self, loss, *args, **kwargs):
        """Like tf.train.Optimizer's: the gradients of `loss` itself; inside they are computed of loss x scale."""
        loss = loss() if callable(loss) else loss
        scale = tf.identity(self._manager.get_loss_scale())
        scaled = self._opt.compute_gradients(loss * tf.cast(scale, loss.dtype.base_dtype), *args, **kwargs)
        self._overflows.append(float_status.read([gradient for gradient, _ in scaled], self._is_distributed))
        return [(gradients.mapped(lambda values: float_status.saturated(values) / tf.cast(scale, values.dtype),
                                  gradient), variable) for gradient, variable in scaled]

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """Applies them unless a step overflowed, then lets the manager take note."""
        grads_and_vars = list(grads_and_vars)
        if not self._overflows:
            violations.violate('scale-raw-gradients', 'apply_gradients without compute_gradients of the same optimizer')
        finite = tf.logical_not(tf.reduce_any(tf.stack(self._overflows)))
        self._overflows = []
        if not self._manager.enable_overflow_check and not settings.inf_nan():
            return self._opt.apply_gradients(grads_and_vars, global_step=global_step, name=name)
        applied = tf.cond(finite, lambda: self._opt.apply_gradients(grads_and_vars, global_step=global_step),
                          tf.no_op)
        with tf.control_dependencies([applied] + gradients.tensors(grads_and_vars)):
            updated = self._manager.update_loss_scale(finite)
        return tf.group(applied, updated, name=name)
