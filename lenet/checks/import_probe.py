"""Imports what may abort the process, or hang, in a process of its own.

`find` starts that process, which runs `main`, and reads what it reports:

  python -m lenet.checks.import_probe                 imports TensorFlow
  python -m lenet.checks.import_probe sinking ranks   and the adapter's modules for these purposes, keys of
                                                      platforms/npu_modules.py's MODULES
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from typing import Any, Dict, FrozenSet, Iterator, NamedTuple, Optional, Sequence, TextIO, Tuple, Union

from lenet.errors import one_line
from lenet.platforms import npu_modules
from lenet.support import modules

TENSORFLOW = 'tensorflow'
COLLECTIVES = 'hccl'  # CANN's library of collective communication
_CAPABILITIES = ''  # in the report, in the place of a module's name
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
    capabilities: FrozenSet[str] = frozenset()  # of npu_modules; none where the adapter was not imported

    def module(self, name: str) -> Module:
        return self.modules.get(name, Module(error='not tried'))


class Answer(NamedTuple):
    """What a process left that may abort or hang."""

    reported: str  # on the stream of `answering`
    printed: Sequence[str]  # lines of all else
    end: str  # how it ended, the end of a sentence


def ask(module: str, arguments: Sequence[str] = (), text: str = '', timeout: float = _TIMEOUT) -> Answer:
    """Runs a module of this project, which answers by `answering`, in another process.

    Args:
      text: its stdin.
      timeout: seconds.
    """
    command = modules.command(module, arguments)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))  # it finds what this process would find
    try:
        ended = subprocess.run(command, env=environment, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               universal_newlines=True, errors='replace', timeout=timeout)
    except subprocess.TimeoutExpired as expired:
        return Answer(_text(expired.stdout), _lines(_text(expired.stderr)), 'did not end within %g s' % timeout)
    return Answer(ended.stdout, _lines(ended.stderr), _how_it_ended(ended.returncode))


def _text(output: Union[str, bytes, None]) -> str:
    """What TimeoutExpired has of a stream: bytes from Python 3.8 on, whatever was asked for, or nothing."""
    return output.decode(errors='replace') if isinstance(output, bytes) else output or ''


def _lines(printed: str) -> Sequence[str]:
    return [line.strip() for line in printed.splitlines() if line.strip()]


@contextlib.contextmanager
def answering() -> Iterator[TextIO]:
    """Yields the stream of the report; what else the block prints goes to stderr. Ends the process, without what the
    adapter has registered with atexit: it would shut a device down."""
    report = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    try:
        yield report
        report.flush()
        status = 0
    except BaseException as error:
        print(one_line(error), file=sys.stderr)
        status = 1
    sys.stdout.flush()  # what an import printed: it goes to stderr, but through a buffer of its own
    sys.stderr.flush()
    os._exit(status)


def find(purposes: Sequence[str] = (), timeout: float = _TIMEOUT) -> Found:
    """Tries the imports in another process.

    Args:
      purposes: keys of platforms.npu_modules.MODULES; none for TensorFlow alone.
      timeout: seconds.
    """
    return _read(ask(__name__, purposes, timeout=timeout))


def find_here(purposes: Sequence[str] = ()) -> Found:
    """The same in this process, for when it has imported the adapter already."""
    found = dict(_trials(purposes))
    return Found(found, capabilities=frozenset(found.pop(_CAPABILITIES, ())))


def _how_it_ended(status: int) -> str:
    return 'ended the process (%s)' % (signal.Signals(-status).name if status < 0 else 'exit status %d' % status)


def _read(answer: Answer) -> Found:
    """The last word on a module counts; one that was only begun is what ended the process."""
    found: Dict[str, Module] = {}
    capabilities: FrozenSet[str] = frozenset()
    for line in answer.reported.splitlines():
        name, fields = json.loads(line)
        if name == _CAPABILITIES:
            capabilities = frozenset(fields)
            continue
        found[name] = Module(error='importing it ' + answer.end) if fields is None else Module(**fields)
    if TENSORFLOW not in found:
        last = answer.printed[-1] if answer.printed else 'not a word'
        found[TENSORFLOW] = Module(error='trying it %s: %s' % (answer.end, last))
    return Found(found, answer.printed, capabilities)


def _trials(purposes: Sequence[str]) -> Iterator[Tuple[str, Any]]:
    """Yields (name, None) before and (name, what became of it) after each import; last the adapter's capabilities."""
    yield TENSORFLOW, None
    tensorflow = _import(TENSORFLOW)
    yield TENSORFLOW, tensorflow
    if tensorflow.error or not purposes:
        return
    names = ['%s.%s' % (npu_modules.PACKAGE, name) for purpose in purposes for name in npu_modules.MODULES[purpose]]
    imported = {}
    for name in [npu_modules.PACKAGE] + names + [COLLECTIVES]:
        yield name, None
        imported[name] = _import(name)
        yield name, imported[name]
    if not imported[npu_modules.PACKAGE].error:
        yield _CAPABILITIES, sorted(npu_modules.capabilities())


def _import(name: str) -> Module:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        return Module(error=_shorten(one_line(error)))
    version = getattr(module, '__version__', None)
    return Module(getattr(module, '__file__', None), version and str(version))


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + ' ...'


def main(purposes: Sequence[str]) -> None:
    """Reports in lines of JSON: [name, null] before and [name, fields of Module] after an import, at the end
    ["", capabilities]."""
    with answering() as report:
        for name, result in _trials(purposes):
            fields = result._asdict() if isinstance(result, Module) else result
            print(json.dumps([name, fields]), file=report, flush=True)


if __name__ == '__main__':
    main(sys.argv[1:])
