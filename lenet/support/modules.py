"""Modules of this project as processes. `python -m` would put the working directory first on the path, where another
clone's lenet/ may lie, or an enum.py of the user's."""

import os
import sys
from typing import List, Optional, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The start of a `python -c`, whose own entry for the working directory is ''; takes its first argument, ROOT.
PATH = 'import sys; sys.path[:] = [sys.argv.pop(1)] + list(filter(None, sys.path)); '
_PROGRAM = PATH + 'import runpy; runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)'


def command(module: str, arguments: Sequence[str], python: Optional[str] = None) -> List[str]:
    """The command line that does what `python -m MODULE ARGUMENTS` does; `python` is this interpreter unless given."""
    return [python or sys.executable, '-c', _PROGRAM, ROOT, module] + list(arguments)
