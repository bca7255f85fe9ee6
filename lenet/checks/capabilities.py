"""Flags that an adapter of an earlier generation ignores: it says nothing of a key that it does not know."""

from typing import FrozenSet, List

from lenet import device_flags
from lenet.checks import Result, warned
from lenet.flags import Params
from lenet.platforms import npu_modules

_LATER = device_flags.PRECISION_MODES[device_flags.PRECISION_MODES.index('cube_fp16in_fp32out'):]  # of later engines
_REMEDY = "leave it out, or update CANN with the TensorFlow adapter of the same version"


def ignored(params: Params, size: int, known: FrozenSet[str]) -> List[Result]:
    """A warning for each flag that is given in vain.

    Args:
      params: as read from the flags, or completed.
      size: number of ranks.
      known: the adapter's capabilities, of npu_modules.
    """
    asked = [('--modify_mixlist', params.modify_mixlist is not None, npu_modules.MIXLIST, 'before r1.5 ignore it'),
             ('--hccl_timeout', size > 1, npu_modules.TIMEOUT, 'before r1.7 ignore it'),
             ('--nooverflow_check', not params.overflow_check, npu_modules.OVERFLOW_CHECK,
              'up to r1.3 always check for overflow'),
             ('--precision_mode_v2', params.precision_mode_v2 is not None, npu_modules.PRECISION_V2,
              'of before 2023 ignore it'),
             ('--precision_mode=%s' % params.precision_mode, params.precision_mode in _LATER, npu_modules.PRECISION_V2,
              'of before 2023 may refuse this name'),
             ('--op_execute_timeout', params.op_execute_timeout > 0, npu_modules.EXECUTION_TIMEOUT,
              'before r1.7 ignore it')]
    return [warned(flag, 'this adapter does not know %s: those %s' % (capability, since), _REMEDY, alert=True)
            for flag, is_asked, capability, since in asked if is_asked and capability not in known]
