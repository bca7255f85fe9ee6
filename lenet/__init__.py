"""LeNet on MNIST in low-level TensorFlow 1.15, for an Ascend 910 or a CPU.

Importing the package is cheap (no TensorFlow) and only quietens TensorFlow 1.15's known noise:
deprecation notes about the very API this program is written in, and NumPy's FutureWarnings from
TensorFlow's dtype tables. Every other warning passes.
"""

import logging
import os
import time
import warnings

START = time.perf_counter()  # zero of the wall-time ledger (lenet/run/ledger.py)


def _is_real_warning(record: logging.LogRecord) -> bool:
    message = str(record.msg)
    return not ('deprecat' in message or 'The TensorFlow contrib module will not be included' in message)


def _quieten_tensorflow() -> None:
    # C++ side: 0 prints "your CPU supports instructions …" at every start, 1 keeps warnings and errors.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '1')
    logging.getLogger('tensorflow').addFilter(_is_real_warning)
    for module in (r'tensorflow', r'tensorboard'):
        warnings.filterwarnings('ignore', category=FutureWarning, module=module)
        warnings.filterwarnings('ignore', category=DeprecationWarning, module=module)


_quieten_tensorflow()
