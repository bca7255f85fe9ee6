"""Measurements in processes of their own, so that memory and first calls are honest; each prints one line of JSON."""

import json
import os
import subprocess
from typing import Any, Dict, List

from lenet.errors import UserError
from lenet.support import modules


def environment(inherit: bool = True) -> Dict[str, str]:
    """The environment of a child that finds this project's packages from any working directory.

    Args:
      inherit: False leaves the inherited PYTHONPATH out: it is of this interpreter, not of another one.
    """
    paths = [modules.ROOT] + [path for path in [os.environ.get('PYTHONPATH')] if path and inherit]
    return dict(os.environ, PYTHONPATH=os.pathsep.join(paths))


def finish(command: List[str], label: str, inherit: bool = True) -> str:
    """Runs `command` to its end and returns what it printed.

    Raises:
      UserError: it failed; the message has its last line of stderr.
    """
    try:
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                               env=environment(inherit))
    except OSError as error:
        raise UserError('%s: %s cannot be started (%s)' % (label, command[0], error.strerror))
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ['nothing on stderr']
        raise UserError('%s: ended with status %d: %s' % (label, ended.returncode, said[-1]))
    return ended.stdout


def run(command: List[str], label: str, inherit: bool = True) -> Dict[str, Any]:
    """Runs `command` to its end and returns the JSON object on the last line it prints.

    Raises:
      UserError: it failed or printed something else; the message has its last line of stderr.
    """
    printed = finish(command, label, inherit)
    try:
        return dict(json.loads(printed.splitlines()[-1]))
    except (IndexError, ValueError, TypeError, RecursionError):
        raise UserError('%s: printed no line of JSON; see: %s' % (label, ' '.join(command)))
