"""LeNet on MNIST in low-level TensorFlow, for an Ascend 910 or a CPU. Importing the package imports no TensorFlow."""

import os
import sys
import time

START = time.perf_counter()  # zero of the wall-time ledger (lenet/run/ledger.py)


def _leave_out_working_directory() -> None:
    """`python -m lenet.train` puts it first on the path. Unless the project is there it is the user's, and an enum.py
    or a numpy.py in it is not what this program means. Nothing but built-in modules may be imported before."""
    if sys.argv[:1] != ['-m'] or getattr(sys.flags, 'safe_path', False):  # '-m' stands there until the module starts
        return
    try:
        if sys.path[0] in ('', os.getcwd()) and not os.path.samefile('.', os.path.dirname(os.path.dirname(__file__))):
            del sys.path[0]
    except OSError:  # it has been deleted
        pass


_leave_out_working_directory()

from lenet.support import stack  # noqa: E402, after the clock has started and the path is right

stack.quieten()
