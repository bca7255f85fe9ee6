"""A rank's process: becomes the module that the launcher wants to run, and ends when the launcher does."""

import ctypes
import os
import runpy
import signal
import sys
from typing import List

from lenet.support import modules

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PROGRAM = modules.PATH + 'from lenet.launcher import rank; rank.main()'


def command(module: str, arguments: List[str], launcher: int) -> List[str]:
    """The command line of one rank.

    Args:
      module: what `python -m` would run.
      launcher: process number of the parent, with which the rank ends.
    """
    return [sys.executable, '-c', _PROGRAM, modules.ROOT, str(launcher), module] + arguments


def main() -> None:
    launcher, module = int(sys.argv[1]), sys.argv[2]
    del sys.argv[1:3]
    _end_with(launcher)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the module has its handlers: no traceback
    runpy.run_module(module, run_name='__main__', alter_sys=True)


def _end_with(launcher: int) -> None:
    """Asks Linux to kill this process when its parent is gone, however that ended; elsewhere nothing happens."""
    if not sys.platform.startswith('linux'):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != launcher:  # gone before we asked
        os.kill(os.getpid(), signal.SIGKILL)
