"""The environment variables that steer the stand-in; read at every use, so that a test may change them.

NPU_STANDIN_MODE    'strict' (default): every broken rule raises StandinViolation; 'silent': the rules that the device
                    breaks without a word (violations.RULES) only leave a `silent` entry in the journal, and the
                    stand-in does what the device does: run one step, zero the variables, ignore the key
NPU_STANDIN_DEVICE  '910' (default): saturates; 'A2': knows Inf and NaN, and bfloat16
NPU_STANDIN_FAULT   faults that happen although the program does everything right, separated by ';':
    one_step[=RUNS]             sinking runs do one step instead of N
    overflow_always             every step overflows
    overflow_at=STEPS           these steps overflow
    overflow_other_rank_at=STEPS    another rank overflows; seen with is_distributed=True only
    zero_variables              all variables become zero when the first iterator is initialized
    run_error=RUNS              these training runs raise tf.errors.InternalError (DoRunAsync Failed)
    no_handle                   _tf_adapter.so does not load: npu_bridge_handle is missing
    no_hccl                     CANN's hccl is missing (v23, v26)
STEPS and RUNS are like '3', '0,5-9' or '20-' and count the process's device steps of training, or the training
runs of NPU sessions, from 0.
"""

import functools
import os
import re
from typing import Dict, Optional

_PLAIN = {'one_step', 'overflow_always', 'zero_variables', 'no_handle', 'no_hccl'}
_NUMBERED = {'one_step', 'overflow_at', 'overflow_other_rank_at', 'run_error'}
_NUMBERS = re.compile(r'\d+(-\d*)?(,\d+(-\d*)?)*')


def silent() -> bool:
    """True when silent failures shall be silent."""
    mode = os.environ.get('NPU_STANDIN_MODE') or 'strict'
    if mode not in ('strict', 'silent'):
        raise ValueError('NPU_STANDIN_MODE must be strict or silent, got %r' % mode)
    return mode == 'silent'


def inf_nan() -> bool:
    """True when the device follows IEEE 754 instead of saturating."""
    device = os.environ.get('NPU_STANDIN_DEVICE') or '910'
    if device not in ('910', 'A2'):
        raise ValueError('NPU_STANDIN_DEVICE must be 910 or A2, got %r' % device)
    return device == 'A2'


@functools.lru_cache()
def _parsed(faults: str) -> Dict[str, Optional[str]]:
    """'one_step;overflow_at=3' -> {'one_step': None, 'overflow_at': '3'}."""
    parsed = {}
    for item in filter(None, faults.split(';')):
        name, equals, numbers = item.partition('=')
        if name not in (_NUMBERED if equals else _PLAIN):
            raise ValueError('NPU_STANDIN_FAULT: %r is not among %s and, with =NUMBERS, %s'
                             % (item, ', '.join(sorted(_PLAIN)), ', '.join(sorted(_NUMBERED))))
        if equals and not _NUMBERS.fullmatch(numbers):
            raise ValueError('NPU_STANDIN_FAULT: %r does not read like 3 or 0,5-9 or 20-' % item)
        parsed[name] = numbers if equals else None
    return parsed


def _contains(numbers: str, index: int) -> bool:
    for item in numbers.split(','):
        first, dash, last = item.partition('-')
        if int(first) <= index <= (int(last) if last else float('inf') if dash else int(first)):
            return True
    return False


def fault(name: str, index: int = 0) -> bool:
    """True when the fault `name` is asked for (at step or run `index`)."""
    faults = _parsed(os.environ.get('NPU_STANDIN_FAULT', ''))
    if name not in faults:
        return False
    return faults[name] is None or _contains(faults[name], index)
