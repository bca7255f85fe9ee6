"""npu_bridge.estimator.npu.npu_optimizer: gradients averaged over the ranks."""

import os

import tensorflow.compat.v1 as tf
from npu_bridge import npu_bridge_handle  # noqa: F401  (missing when the library did not load)
from standin import gradients, journal, rank_rules, violations
from standin.engine import engine


class NPUDistributedOptimizer(gradients.WrappingOptimizer):
    """Wraps an optimizer; with RANK_SIZE > 1 its gradients are the mean over all ranks, else it does nothing.

    Here every other rank is a copy of this one, so the mean of the gradients is the gradients.
    """

    def __init__(self, optimizer, is_weight_update_sharding=False, name=None):
        super().__init__(optimizer, name or 'NPUDistributedOptimizer')
        if type(optimizer).__name__ == 'NPULossScaleOptimizer':
            violations.violate('hccl-wrapping', 'NPUDistributedOptimizer is wrapped around NPULossScaleOptimizer')
        self._size = rank_rules.size()
        job = os.environ.get('JOB_ID').encode() if self._size > 1 else b''  # AttributeError, as with the real one
        journal.record('distributed_optimizer', optimizer=type(optimizer).__name__, size=self._size,
                       job=job.decode(), is_weight_update_sharding=is_weight_update_sharding)

    def compute_gradients(self, loss, *args, **kwargs):
        """Like tf.train.Optimizer's, then averaged over the ranks."""
        grads_and_vars = self._opt.compute_gradients(loss, *args, **kwargs)
        if self._size <= 1:
            return grads_and_vars
        journal.record('allreduce_gradients', variables=[variable.op.name for gradient, variable in grads_and_vars
                                                         if gradient is not None])
        return [(gradients.mapped(_averaged, gradient), variable) for gradient, variable in grads_and_vars]

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        return self._opt.apply_gradients(grads_and_vars, global_step=global_step, name=name)


def _averaged(gradient: tf.Tensor) -> tf.Tensor:
    result = tf.identity(gradient, name='HcomAllReduce')
    engine.record_of(result.graph).allreduces.add(result.op.name)
    return result
