"""What is imported of Ascend's TensorFlow adapter, by purpose, and what it can do. Without TensorFlow: lenet/checks
tries these imports in another process before anything else."""

import importlib
import importlib.util
import inspect
from typing import FrozenSet, List

PACKAGE = 'npu_bridge'

# Only deep modules: npu_bridge.npu_init would patch tf.Session for the whole process.
MODULES = {
    'sinking': ('estimator.npu.util',),
    'loss scaling': ('estimator.npu.npu_loss_scale_manager', 'estimator.npu.npu_loss_scale_optimizer'),
    'ranks': ('estimator.npu.npu_optimizer', 'hccl.hccl_ops'),
}

# What came after the first adapters of 2021. None of them tells its version, so it is looked for where it shows.
CLOSES = 'npu_close'                      # r1.5
MIXLIST = 'modify_mixlist'                # r1.5
TIMEOUT = 'hccl_timeout'                  # r1.7
EXECUTION_TIMEOUT = 'op_execute_timeout'  # r1.7
OVERFLOW_CHECK = 'enable_overflow_check'  # after r1.3
INF_NAN = 'is_inf_nan_enabled'            # r1.13
PRECISION_V2 = 'precision_mode_v2'        # as late, and with it the later names of precision_mode


def capabilities() -> FrozenSet[str]:
    """Which of the names above the adapter knows, which this imports."""
    # The Estimator's configuration names the session's keys of its generation. A session ignores others in silence.
    found = _parameters('estimator.npu.npu_config', 'NPURunConfig')
    found += _parameters('estimator.npu.npu_loss_scale_manager', 'FixedLossScaleManager')
    found += dir(importlib.import_module(PACKAGE)) + _attributes('estimator.npu.npu_plugin')
    return frozenset({CLOSES, MIXLIST, TIMEOUT, EXECUTION_TIMEOUT, OVERFLOW_CHECK, INF_NAN, PRECISION_V2} & set(found))


def _attributes(module: str) -> List[str]:
    try:
        return dir(importlib.import_module('%s.%s' % (PACKAGE, module)))
    except Exception:  # an adapter of another generation may lack it, or what it imports in turn
        return []


def _parameters(module: str, name: str) -> List[str]:
    if name not in _attributes(module):
        return []
    constructor = getattr(importlib.import_module('%s.%s' % (PACKAGE, module)), name).__init__
    return list(inspect.signature(constructor).parameters)


def is_installed() -> bool:
    """True if the adapter can be found; it is not imported."""
    return importlib.util.find_spec(PACKAGE) is not None
