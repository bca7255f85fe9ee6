"""Imports what may abort the process, or hang, in a process of its own.

`find` starts that process, which runs `main`, and reads what it reports:

  python -m lenet.checks.import_probe                 imports TensorFlow
  python -m lenet.checks.import_probe sinking ranks   and the adapter's modules for these purposes, keys of
                                                      platforms/npu_modules.py's MODULES
"""

import importlib
import importlib.machinery
import json
import os
import signal
import subprocess
import sys
from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

from lenet.errors import one_line
from lenet.platforms import npu_modules
from lenet.support import modules

TENSORFLOW = 'tensorflow'
COLLECTIVES = 'hccl'  # CANN's library of collective communication
COMPILED_HALF = 'tf_adapter'  # below the adapter's package, since its later generation
_TIMEOUT = 180.0  # seconds; TensorFlow alone may take a minute from a cold network drive
_LONGEST = 300  # characters of an error


class Module(NamedTuple):
    """What became of an import."""

    file: Optional[str] = None
    version: Optional[str] = None
    error: Optional[str] = None  # one line; None if it went well


class Found(NamedTuple):
    """What the imports came to."""

    modules: Dict[str, Module]  # by full name, those that were tried
    printed: Sequence[str] = ()  # lines: the adapter's only word on a library that does not load

    def module(self, name: str) -> Module:
        return self.modules.get(name, Module(error='not tried'))


def find(purposes: Sequence[str] = (), timeout: float = _TIMEOUT) -> Found:
    """Tries the imports in another process.

    Args:
      purposes: keys of platforms.npu_modules.MODULES; none for TensorFlow alone.
      timeout: seconds.
    """
    command = modules.command(__name__, purposes)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))  # it finds what this process would find
    try:
        ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, universal_newlines=True, errors='replace', timeout=timeout)
    except subprocess.TimeoutExpired as expired:
        return _read(expired.output or '', expired.stderr or '', 'did not end within %g s' % timeout)
    return _read(ended.stdout, ended.stderr, _how_it_ended(ended.returncode))


def find_here(purposes: Sequence[str] = ()) -> Found:
    """The same in this process, for when it has imported the adapter already."""
    return Found(dict(_trials(purposes)))


def _how_it_ended(status: int) -> str:
    return 'ended the process (%s)' % (signal.Signals(-status).name if status < 0 else 'exit status %d' % status)


def _read(reported: str, printed: str, end: str) -> Found:
    """The last word on a module counts; one that was only begun is what ended the process."""
    modules = {}
    for line in reported.splitlines():
        name, fields = json.loads(line)
        modules[name] = Module(error='importing it ' + end) if fields is None else Module(**fields)
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    if TENSORFLOW not in modules:
        modules[TENSORFLOW] = Module(error='trying it %s: %s' % (end, lines[-1] if lines else 'not a word'))
    return Found(modules, lines)


def _trials(purposes: Sequence[str]) -> Iterator[Tuple[str, Optional[Module]]]:
    """Yields (name, None) before and (name, what became of it) after each import."""
    yield TENSORFLOW, None
    tensorflow = _import(TENSORFLOW)
    yield TENSORFLOW, tensorflow
    if tensorflow.error or not purposes:
        return
    names = ['%s.%s' % (npu_modules.PACKAGE, name) for purpose in purposes for name in npu_modules.MODULES[purpose]]
    yield _locate(npu_modules.PACKAGE, COMPILED_HALF)
    for name in [npu_modules.PACKAGE] + names + [COLLECTIVES]:
        yield name, None
        yield name, _import(name)


def _import(name: str) -> Module:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        return Module(error=_shorten(one_line(error)))
    version = getattr(module, '__version__', None)
    return Module(getattr(module, '__file__', None), version and str(version))


def _locate(package: str, child: str) -> Tuple[str, Module]:
    """Looks for a module of a package and imports neither, so that a package that fails tells its generation, too."""
    name, finder = '%s.%s' % (package, child), importlib.machinery.PathFinder
    parent = finder.find_spec(package)
    spec = finder.find_spec(name, parent.submodule_search_locations) if parent else None
    return name, Module(spec.origin) if spec else Module(error='not there')


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + ' ...'


def main(purposes: Sequence[str]) -> None:
    """Reports in lines of JSON: [name, null] before and [name, fields of Module] after an import."""
    report = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # whatever the imports print goes to stderr
    for name, module in _trials(purposes):
        print(json.dumps([name, module and module._asdict()]), file=report, flush=True)
    sys.stdout.flush()  # what an import printed: it goes to stderr, but through a buffer of its own
    sys.stderr.flush()
    os._exit(0)  # without atexit, where the adapter would shut a device down


if __name__ == '__main__':
    main(sys.argv[1:])
