"""A strict stand-in for Huawei's npu_bridge (the TensorFlow adapter of Ascend NPUs), to run the NPU path on a CPU.

    v21/      adapter of February 2021      put ONE of the three directories on sys.path (or PYTHONPATH);
    v23/      adapter of December 2023      it finds the rest by itself
    v26/      adapter of July 2026
    opp/      npu_supported_ops.json, of CANN, made up: ASCEND_OPP_PATH names it where nothing else does
    common/   what they share: bridge/ holds npu_bridge's deep modules, standin/ the emulated device and its rules
    test_*.py programs.py     tests of the stand-in itself, by the modules of common/: every rule is broken once and
              noticed, and the emulated device does what it says

It has the real package's module paths, signatures and exceptions, really runs N steps per session.run, really reports
overflow, and raises `StandinViolation` for whatever the Ascend documentation forbids or the device silently ignores;
a process that broke a rule ends with status 97 even if it caught the exception. It was written from the documentation
and the source of the adapter, r1.x to 9.1, and has never been compared with a device.

Environment of the process under test:
    NPU_STANDIN_JOURNAL=FILE   every call is appended to FILE as a line of JSON (see standin/journal.py)
    NPU_STANDIN_MODE=silent    what the device gets wrong without a word happens without a word (default: strict)
    NPU_STANDIN_DEVICE=A2      a device that knows Inf and NaN (default: 910, which saturates)
    NPU_STANDIN_FAULT=FAULTS   device faults on demand (see standin/settings.py), e.g. 'one_step;overflow_at=3,10-12'

This module is the tests' side of it: it imports neither TensorFlow nor the stand-in.
"""

import contextlib
import json
import os
import sys
from typing import Any, Dict, Iterator, List, Optional

GENERATIONS = ('v21', 'v23', 'v26')
EXIT_STATUS = 97  # of a process that broke a rule; the same number as in standin/violations.py
_HERE = os.path.dirname(os.path.abspath(__file__))
OPP = os.path.join(_HERE, 'opp')  # the CANN directory of that name: a made-up list of operators
_PACKAGES = ('npu_bridge', 'hccl', 'standin')


def path(generation: str) -> str:
    """The directory to put on sys.path for one of GENERATIONS."""
    if generation not in GENERATIONS:
        raise ValueError('generation must be one of %s, got %r' % (', '.join(GENERATIONS), generation))
    return os.path.join(_HERE, generation)


def environment(generation: str, journal: Optional[str] = None, mode: str = 'strict', fault: str = '',
                base: Optional[Dict[str, str]] = None) -> Dict[str, str]:
    """The environment of a subprocess that shall find the stand-in.

    Args:
      generation: one of GENERATIONS.
      journal: the file that gets a line of JSON per call, None for no journal.
      mode: 'strict' or 'silent'.
      fault: faults to provoke, '' for none.
      base: the environment to extend, None for this process's own.
    """
    extended = dict(os.environ if base is None else base)
    inherited = extended.get('PYTHONPATH')
    extended['PYTHONPATH'] = path(generation) + (os.pathsep + inherited if inherited else '')
    extended.setdefault('ASCEND_OPP_PATH', OPP)
    extended['NPU_STANDIN_MODE'] = mode
    extended['NPU_STANDIN_FAULT'] = fault
    extended['NPU_STANDIN_JOURNAL'] = journal or ''
    return extended


def read_journal(journal: str, *events: str) -> List[Dict[str, Any]]:
    """The journal's entries in the order of the calls, only those of the named events if any are named."""
    if not os.path.exists(journal):
        return []
    with open(journal, encoding='utf-8') as stream:
        entries = [json.loads(line) for line in stream]
    return [entry for entry in entries if not events or entry['event'] in events]


@contextlib.contextmanager
def loaded(generation: str) -> Iterator[Any]:
    """Within the block this very process has the stand-in: TensorFlow's sessions are patched, npu_bridge imports.

    Yields:
      The loaded package `standin`; `standin.StandinViolation` is what a broken rule raises.
    """
    former_path, is_set = list(sys.path), 'ASCEND_OPP_PATH' in os.environ
    sys.path.insert(0, path(generation))
    os.environ.setdefault('ASCEND_OPP_PATH', OPP)
    try:
        __import__('npu_bridge')
        yield sys.modules['standin']
    finally:
        if 'standin.loading' in sys.modules:
            sys.modules['standin.loading'].unload()
        for name in [name for name in sys.modules if name.split('.')[0] in _PACKAGES]:
            del sys.modules[name]
        sys.path[:] = former_path
        if not is_set:
            del os.environ['ASCEND_OPP_PATH']
