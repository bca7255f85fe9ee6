"""The list of operators that the device computes, and what a training's graph asks of it.

The adapter gives the device what is in the list and leaves the rest to the host. It says nothing of that, but for a
line at INFO in its log, and where the rest lies in the step it does not repeat the step on the device.
"""

import glob
import json
import os
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple

from lenet.checks import Result, failed, passed, warned
from lenet.errors import one_line, UserError
from lenet.support import files

FILE = 'npu_supported_ops.json'
_VARIABLE, _DEFAULT = 'ASCEND_OPP_PATH', '/usr/local/Ascend/opp'  # the adapter's own
_FOLDERS = ('built-in/framework/tensorflow', 'framework/built-in/tensorflow')  # of newer CANN, of older
_ADDED = ('vendors/*/framework/tensorflow', 'framework/custom/tensorflow')  # operators that others have added
_LARGEST = 2 ** 24  # bytes of a list; a real one has some 100 kB
_UNLISTED = frozenset({'Const', 'Iterator', 'IteratorV2', 'IteratorGetNext'})  # the adapter places these by itself
_REWRITTEN = 'Snapshot'  # what TensorFlow's optimizer, Grappler, makes of a multiplication by 1
_REMEDY = "source CANN's set_env.sh; if that was done, install CANN's operator packages (opp, kernels)"


class Supported(NamedTuple):
    """The list."""

    path: str
    types: FrozenSet[str]


class Needed(NamedTuple):
    """Types of operators, each with what makes one of them."""

    step: Dict[str, str]  # of the N steps of a session.run
    after: Dict[str, str]  # of reading their outputs and of evaluation alone


def read(environ: Mapping[str, str]) -> Supported:
    """The list of this machine.

    Raises:
      UserError: there is none, or it cannot be read.
    """
    root = environ.get(_VARIABLE) or _DEFAULT
    paths = [os.path.join(root, folder, FILE) for folder in _FOLDERS]
    path = next((path for path in paths if os.path.exists(path)), None)
    if path is None:
        raise UserError('there is neither %s nor %s: without it the adapter runs the whole graph on the host' %
                        tuple(paths))
    added = [name for folder in _ADDED for name in glob.glob(os.path.join(glob.escape(root), folder, FILE))]
    added += [os.path.join(folder, 'framework/tensorflow', FILE)
              for folder in environ.get('ASCEND_CUSTOM_OPP_PATH', '').split(':') if folder]
    return Supported(path, frozenset().union(*map(_types, [path] + list(filter(os.path.exists, added)))))


def _types(path: str) -> FrozenSet[str]:
    try:  # as the adapter does, which takes a name that appears twice
        types = json.loads(files.read(path, _LARGEST, "it must be CANN's list of operators").decode())
    except (ValueError, RecursionError) as error:
        raise UserError("%s: no JSON (%s); it must be CANN's list of operators" % (path, one_line(error)))
    if not isinstance(types, dict):
        raise UserError("%s: it is not an object {...}; it must be CANN's list of operators" % path)
    return frozenset(name for name, value in types.items() if isinstance(value, dict))


def listed(environ: Mapping[str, str]) -> Result:
    """Whether there is a list."""
    name = 'operator list'
    try:
        supported = read(environ)
    except UserError as error:
        return failed(name, str(error), _REMEDY)
    return passed(name, '%s: %d operators' % (supported.path, len(supported.types)))


def needed(built: Any) -> Needed:
    """What a TrainingGraph is made of."""
    step = _makers(_behind([built.train_op]))
    answers = built.evaluation.answers if built.evaluation else ()
    after = _makers(_behind([tensor.op for tensor in list(built.outputs.values()) + list(answers)]))
    return Needed(step, {name: maker for name, maker in after.items() if name not in step})


def _behind(operations: Iterable[Any]) -> set:
    """All that must run for these."""
    found, pending = set(), list(operations)
    while pending:
        operation = pending.pop()
        if operation not in found:
            found.add(operation)
            pending += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return found


def _makers(operations: Iterable[Any]) -> Dict[str, str]:
    return {operation.type: _maker(operation) for operation in sorted(operations, key=lambda each: each.name)
            if operation.type not in _UNLISTED}


def _maker(operation: Any) -> str:
    """The innermost function outside of TensorFlow: of this project or of the adapter."""
    original = getattr(operation, '_original_op', None)
    if original is not None:
        return 'the gradient of ' + _maker(original)
    frames = [frame for frame in operation.traceback if '/tensorflow' not in os.path.dirname(frame[0])]
    if not frames:
        return operation.name
    return '%s in %s' % (frames[-1][2], '/'.join(frames[-1][0].split(os.sep)[-3:]))


def compare(asked: Needed, supported: Supported, n: int) -> List[Result]:
    """What the list lacks.

    Args:
      n: N, steps per session.run.
    """
    results = [_compare_step(_lacking(asked.step, supported), asked, supported, n)]
    after = _lacking(asked.after, supported)
    if after:
        results.append(warned('after the step', '%s lacks %s; the host does it, which costs copies' %
                              (supported.path, after), 'an update of CANN may have it'))
    if _REWRITTEN not in supported.types:
        results.append(warned('Grappler', '%s lacks %s, which TensorFlow may put into the step: then the host does it' %
                              (supported.path, _REWRITTEN), 'look whether a session.run does all of its steps',
                              alert=True))
    return results


def _compare_step(lacking: str, asked: Needed, supported: Supported, n: int) -> Result:
    name = 'operators'
    if not lacking:
        return passed(name, 'all %d of the step are in the list' % len(asked.step))
    found = '%s lacks %s; the step needs it' % (supported.path, lacking)
    if n == 1:
        return warned(name, found + ', and the host does it in every step', 'leave out the flag that asks for it, or '
                      'update CANN', alert=True)
    return failed(name, found + ': the loop of %d would not be sunk, or all its steps would see one batch' % n,
                  'leave out the flag that asks for it, or update CANN; --iterations_per_loop=1 trains slowly')


def _lacking(types: Dict[str, str], supported: Supported) -> str:
    return ', '.join('%s (by %s)' % (name, maker) for name, maker in sorted(types.items())
                     if name not in supported.types)
