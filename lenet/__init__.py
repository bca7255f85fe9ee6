"""LeNet on MNIST in low-level TensorFlow, for an Ascend 910 or a CPU. Importing the package imports no TensorFlow."""

import time

START = time.perf_counter()  # zero of the wall-time ledger (lenet/run/ledger.py)

from lenet.support import stack  # noqa: E402, after the clock has started

stack.quieten()
