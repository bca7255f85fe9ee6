"""The device of this process and CANN, the toolkit below the adapter; only environment variables and names of files."""

import glob
import os
import re
from typing import List, Mapping, Optional

from lenet.checks import Result, failed, passed, warned

_HOMES = ('ASCEND_HOME_PATH', 'ASCEND_TOOLKIT_HOME')  # set_env.sh sets both, older ones only the second
_OPERATORS = 'ASCEND_OPP_PATH'
_SCRIPTS = ('/usr/local/Ascend/*/set_env.sh', '~/Ascend/*/set_env.sh')
_NUMBER = re.compile(r'[0-9]{1,4}')


def cann(environ: Mapping[str, str], scripts: Optional[List[str]] = None) -> Result:
    """Whether CANN's set_env.sh has been sourced.

    Args:
      scripts: the set_env.sh files of this machine; None looks for them.
    """
    home = next((environ[name] for name in _HOMES if environ.get(name)), None)
    lacks = [name for name, there in ((_HOMES[0], home), (_OPERATORS, environ.get(_OPERATORS))) if not there]
    if lacks:
        problem = '%s not set' % ' and '.join(lacks)
    elif not os.path.isdir(home):
        problem = '%s=%s is no directory' % (next(name for name in _HOMES if environ.get(name)), home)
    elif not os.path.isdir(environ[_OPERATORS]):
        problem = '%s=%s is no directory' % (_OPERATORS, environ[_OPERATORS])
    elif home not in environ.get('LD_LIBRARY_PATH', ''):
        problem = 'LD_LIBRARY_PATH has nothing of %s' % home
    else:
        return passed('CANN', home)
    scripts = _installed_scripts() if scripts is None else scripts
    return warned('CANN', problem, 'source %s' % (' and '.join(scripts) or
                  "CANN's set_env.sh; none is in /usr/local/Ascend or ~/Ascend"), alert=True)


def _installed_scripts() -> List[str]:
    return sorted(path for pattern in _SCRIPTS for path in glob.glob(os.path.expanduser(pattern)))


def number(environ: Mapping[str, str]) -> Optional[int]:
    """The device number the adapter takes from the environment, None if it would abort. An empty one is none."""
    text = environ.get('ASCEND_DEVICE_ID') or environ.get('DEVICE_ID') or '0'
    return int(text) if _NUMBER.fullmatch(text) else None


def device_id(environ: Mapping[str, str], size: int) -> Result:
    """Args:
      size: number of ranks.
    """
    name = 'ASCEND_DEVICE_ID'
    mine, other = environ.get(name) or None, environ.get('DEVICE_ID') or None
    if number(environ) is None:
        text = '"%s"' % mine if mine is not None else 'not set, and DEVICE_ID="%s"' % other
        return failed(name, '%s is no number from 0 on' % text,
                      'export %s=0, or another one; the adapter aborts on anything else' % name)
    if mine is None and size > 1:
        return failed(name, 'not set, with RANK_SIZE=%d' % size, 'export it in every process, to a device of its own')
    if mine is not None and other is not None and mine != other:
        return warned(name, '%s, but DEVICE_ID=%s' % (mine, other), 'ASCEND_DEVICE_ID counts: unset DEVICE_ID',
                      alert=True)
    if mine is None:
        return passed(name, 'not set: device %d%s' % (number(environ), '' if other is None else ', from DEVICE_ID'))
    return passed(name, mine)


def nodes(environ: Mapping[str, str], directory: str = '/dev') -> Result:
    """The device files that the driver makes; they are looked at, never opened."""
    wanted = ['davinci_manager', 'davinci%d' % (number(environ) or 0)]
    there = sorted(name for name in os.listdir(directory) if re.fullmatch(r'davinci[0-9]+', name))
    paths = [os.path.join(directory, name) for name in wanted]
    missing = [path for path in paths if not os.path.exists(path)]
    closed = [path for path in paths if path not in missing and not os.access(path, os.R_OK | os.W_OK)]
    name = 'device files'
    if missing:
        others = '; there are %s' % ', '.join(there) if there else ''
        return warned(name, 'no %s%s' % (' and no '.join(missing), others),
                      "install Ascend's driver; in a container map the device in (docker run --device=...), where its "
                      'number may be another', alert=True)
    if closed:
        return warned(name, '%s may not be read and written' % ' and '.join(closed),
                      'add this user to the group of the file, often HwHiAiUser', alert=True)
    return passed(name, ', '.join(paths))
