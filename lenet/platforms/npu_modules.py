"""What is imported of Ascend's TensorFlow adapter, by purpose. Without TensorFlow: lenet/checks tries these imports in
another process before anything else."""

import importlib.util

PACKAGE = 'npu_bridge'

# Only deep modules: npu_bridge.npu_init would patch tf.Session for the whole process.
MODULES = {
    'sinking': ('estimator.npu.util',),
    'loss scaling': ('estimator.npu.npu_loss_scale_manager', 'estimator.npu.npu_loss_scale_optimizer'),
    'ranks': ('estimator.npu.npu_optimizer', 'hccl.hccl_ops'),
}


def is_installed() -> bool:
    """True if the adapter can be found; it is not imported."""
    return importlib.util.find_spec(PACKAGE) is not None
