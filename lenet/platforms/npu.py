"""The NPU: Ascend's npu_bridge. Nothing here could be tried on hardware; it is written from the adapter's documentation
and tested against a stand-in.

Only deep modules are imported: npu_bridge.npu_init would patch tf.Session for the whole process. They are imported when
the NPU is chosen, so that nothing of the vendor's is loaded on a CPU.
"""

import importlib
import os
from typing import Any

import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.graph import loss_scaling
from lenet.platforms import npu_config
from lenet.platforms import npu_modules
from lenet.platforms.base import Platform
from lenet.platforms.npu_ranks import Hccl
from lenet.ranks.alone import Alone
from lenet.support import progress


def inference_config() -> tf.ConfigProto:
    """Raises:
      UserError: the adapter cannot be imported.
    """
    try:
        importlib.import_module(npu_modules.PACKAGE + '.' + npu_modules.MODULES['sinking'][0])  # registers NpuOptimizer
    except (ImportError, NameError, OSError) as error:
        raise UserError('--platform=npu: %s cannot be imported (%s); `python -m lenet.doctor --platform=npu` tells '
                        'what is missing' % (npu_modules.PACKAGE, error))
    return npu_config.session_config(npu_config.inference_parameters())


def _knows_inf_and_nan() -> bool:
    """False of the 910, which saturates, and of adapters from before there was another device."""
    if npu_modules.INF_NAN not in npu_modules.capabilities():
        return False
    from npu_bridge.estimator.npu import npu_plugin
    return npu_plugin.is_inf_nan_enabled()


class Npu(Platform):
    """N steps sunk into the device by the adapter, which also scales the loss."""

    name = 'npu'
    use_resource = False  # as the reference program, which is known to run there
    loops_in_graph = False
    emulates_precision = False  # the graph engine lowers precision by itself
    sinking_causes = ('an operator of the step that the device lacks, another iterations_per_loop in the session '
                      'config, a second node IterationOp, variables initialized after the loop was loaded, input left '
                      'on the host; see BUILD.md')

    def start(self) -> 'Npu':
        # The import registers NpuOptimizer. A session made before it would run on the host without a word.
        from npu_bridge.estimator.npu import util
        self._util = util
        several = self._params.distributed == 'hccl' and int(os.environ.get('RANK_SIZE') or 1) > 1
        self.ranks = Hccl() if several else Alone()
        self.saturates = not _knows_inf_and_nan()
        npu_config.make_directories(self._params)
        return self

    def session_config(self) -> tf.ConfigProto:
        return npu_config.session_config(npu_config.parameters(self._params, self.ranks.size))

    def optimizer(self, base: tf.train.Optimizer, loss_scale: loss_scaling.LossScale) -> tf.train.Optimizer:
        averaged = self.ranks.average(base)
        if loss_scale.kind == loss_scaling.NONE:
            return averaged
        from npu_bridge.estimator.npu.npu_loss_scale_optimizer import NPULossScaleOptimizer
        return NPULossScaleOptimizer(averaged, self._manager(loss_scale), is_distributed=self.ranks.size > 1)

    def _manager(self, loss_scale: loss_scaling.LossScale) -> Any:
        from npu_bridge.estimator.npu import npu_loss_scale_manager as managers
        if loss_scale.kind == loss_scaling.DYNAMIC:
            return managers.ExponentialUpdateLossScaleManager(*loss_scale.manager_arguments())
        if not self._params.overflow_check and not self.saturates:
            progress.warn('--nooverflow_check has no effect: this device knows Inf and NaN, and its adapter always '
                          'looks for them')
        # Without the argument, which the first adapters of 2021 lack, it checks.
        if self._params.overflow_check or npu_modules.OVERFLOW_CHECK not in npu_modules.capabilities():
            return managers.FixedLossScaleManager(loss_scale.value)
        return managers.FixedLossScaleManager(loss_scale.value, enable_overflow_check=False)

    def sink(self, session: tf.Session, train_op: tf.Operation) -> tf.Operation:
        """The adapter loads the loop's variables here, and finds the loop by the name IterationOp."""
        return self._util.set_iteration_per_loop(session, train_op, self._params.iterations_per_loop)
