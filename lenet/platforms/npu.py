"""The NPU: Ascend's npu_bridge. Nothing here could be tried on hardware; it is written from the adapter's documentation
and tested against a stand-in.

Only deep modules are imported: npu_bridge.npu_init would patch tf.Session for the whole process. They are imported when
the NPU is chosen, so that nothing of the vendor's is loaded on a CPU.
"""

import importlib
import importlib.util
import inspect
import os
import platform
from typing import Any, Optional

import tensorflow.compat.v1 as tf

from lenet import ranks
from lenet.errors import UserError
from lenet.graph import loss_scaling
from lenet.platforms import npu_config

PACKAGE = 'npu_bridge'

# What is imported of it below, by purpose; lenet/checks tries that in another process first.
MODULES = {
    'sinking': ('estimator.npu.util',),
    'loss scaling': ('estimator.npu.npu_loss_scale_manager', 'estimator.npu.npu_loss_scale_optimizer'),
    'ranks': ('estimator.npu.npu_optimizer', 'hccl.hccl_ops'),
}


def installed() -> bool:
    """True if npu_bridge can be found; it is not imported."""
    return importlib.util.find_spec(PACKAGE) is not None


def inference_config() -> tf.ConfigProto:
    """Raises:
      UserError: the adapter cannot be imported.
    """
    try:
        importlib.import_module(PACKAGE + '.' + MODULES['sinking'][0])  # registers NpuOptimizer
    except (ImportError, NameError, OSError) as error:
        raise UserError('--platform=npu: %s cannot be imported (%s); `python -m lenet.doctor --platform=npu` tells '
                        'what is missing' % (PACKAGE, error))
    return npu_config.session_config(npu_config.inference_parameters())


class Npu:
    """See the interface in lenet/platforms/__init__.py."""

    name = 'npu'
    device_type = platform.machine()
    use_resource = False  # as the reference program, which is known to run there
    loops_in_graph = False
    emulates_precision = False  # the graph engine lowers precision by itself
    sinking_causes = ('another iterations_per_loop in the session config, a second node IterationOp, variables '
                      'initialized after the loop was loaded, input left on the host; see BUILD.md')

    def __init__(self, params: Any) -> None:
        """Raises:
          UserError: the doctor's checks find what would fail on the device.
        """
        from lenet import doctor
        doctor.require_ready(params)
        # Now, not when it is first needed: the import registers NpuOptimizer, and a session that was created before it
        # would run on the host without a word.
        from npu_bridge.estimator.npu import util
        self._util = util
        self._params = params
        self.rank = int(os.environ.get('RANK_ID') or 0)
        self.size = int(os.environ.get('RANK_SIZE') or 1) if params.distributed == 'hccl' else 1
        self.ranks = ranks.Alone(self.rank, self.size)  # what HCCL does is in the optimizer and in broadcast
        self.ranks.gathers = self.size == 1
        npu_config.make_directories(params)

    def session_config(self) -> tf.ConfigProto:
        return npu_config.session_config(npu_config.parameters(self._params, self.size))

    def optimizer(self, base: tf.train.Optimizer, loss_scale: loss_scaling.LossScale) -> tf.train.Optimizer:
        """The order matters: gradients are summed over the ranks first, then all agree on overflow.

        Never called inside tf.control_dependencies, where a dynamic manager must not be built.
        """
        if self.size > 1:
            from npu_bridge.estimator.npu.npu_optimizer import NPUDistributedOptimizer
            base = NPUDistributedOptimizer(base)
        if loss_scale.kind == loss_scaling.NONE:
            return base
        from npu_bridge.estimator.npu.npu_loss_scale_optimizer import NPULossScaleOptimizer
        return NPULossScaleOptimizer(base, self._manager(loss_scale), is_distributed=self.size > 1)

    def _manager(self, loss_scale: loss_scaling.LossScale) -> Any:
        from npu_bridge.estimator.npu import npu_loss_scale_manager as managers
        if loss_scale.kind == loss_scaling.DYNAMIC:
            return managers.ExponentialUpdateLossScaleManager(*loss_scale.manager_arguments())
        if self._params.overflow_check:
            return managers.FixedLossScaleManager(loss_scale.value)
        # Adapters before 2021's second quarter lack the argument.
        if 'enable_overflow_check' not in inspect.signature(managers.FixedLossScaleManager.__init__).parameters:
            raise UserError('--nooverflow_check: this adapter always checks for overflow; leave the flag out')
        return managers.FixedLossScaleManager(loss_scale.value, enable_overflow_check=False)

    def sink(self, session: tf.Session, train_op: tf.Operation) -> tf.Operation:
        """Called once, in no scope, after every initializer has run: the adapter loads the loop's variables here, and
        finds the loop by the name IterationOp."""
        return self._util.set_iteration_per_loop(session, train_op, self._params.iterations_per_loop)

    def broadcast(self, weights: list, everything: list) -> Optional[tf.Operation]:
        """One grouped operation; slots and counters are zero, or restored from one checkpoint, on every rank."""
        if self.size == 1:
            return None
        from npu_bridge.hccl import hccl_ops
        return tf.group(*[tf.assign(v, hccl_ops.broadcast([v], 0)[0]) for v in weights])
