"""Where a network runs: base.py has the seam, cpu.py and npu.py the devices. Importing this imports no TensorFlow."""

from typing import TYPE_CHECKING

from lenet.platforms import npu_modules

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from lenet.flags import Params
    from lenet.platforms.base import Platform


def resolve(name: str) -> str:
    """What --platform=`name` means here: 'cpu' or 'npu'."""
    if name != 'auto':
        return name
    return 'npu' if npu_modules.is_installed() else 'cpu'


def choose(params: 'Params') -> 'Platform':
    """The platform of completed `params`, not started; only the chosen one's module is imported."""
    if params.platform == 'npu':
        from lenet.platforms import npu
        return npu.Npu(params)
    from lenet.platforms import cpu
    return cpu.Cpu(params)


def inference_config(name: str) -> 'tf.ConfigProto':
    """The ConfigProto of a session that runs a frozen graph.

    Args:
      name: 'cpu' or 'npu', as `resolve` gives it.

    Raises:
      UserError: the NPU's adapter is not there.
    """
    if name == 'npu':
        from lenet.platforms import npu
        return npu.inference_config()
    from lenet.platforms import cpu
    return cpu.inference_config()
