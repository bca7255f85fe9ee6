"""The directory of a run (--output_dir): what lies where, and what happens to a former run found there."""

import contextlib
import os
import re
from typing import Any, Dict, Iterator, List, Optional

from lenet import flags
from lenet.data.splits import Dataset
from lenet.errors import UsageError, UserError
from lenet.flags import Params
from lenet.support import files
from lenet.support import locks
from lenet.support import progress
from lenet.support import scratch
from lenet.support import stack

FLAGS = 'flags.txt'
FACTS = 'run.json'  # what flags do not say
REPORT = 'report.html'
RESULTS = 'results.json'
CHECKPOINTS = 'ckpt_npu'  # the reference's name, whatever the platform
PREVIOUS = 'previous'
LARGEST = 2 ** 26  # bytes of a file of records
NETWORK = 'LeNet_ID0127_for_TensorFlow'  # the ModelZoo's name: its tools look for it in the log
CASE = NETWORK + r'_bs\d+_\d+p_(acc|perf)'  # of results.case_name
LOSS_FILE = 'train_' + CASE + r'_loss\.txt'  # of results.loss_file
DEVICES = tuple(map(str, range(100)))  # as ASCEND_DEVICE_ID has them
EVENTS = '.lenet'  # how names of our TensorBoard files end; other programs may write theirs beside them
_PLACES = ['', CHECKPOINTS] + list(DEVICES)  # below it; the numbers are of devices
_EXPORTS = ['lenet.pb', 'lenet.json']  # which need no run
_OWN = re.compile('|'.join([
    r'(metrics\.jsonl|results\.json|report\.html|run\.json|flags\.txt|lenet\.pb|lenet\.json)',
    r'events\.out\.tfevents\..*\.lenet',
    CHECKPOINTS + r'/(checkpoint|graph\.pbtxt|model\.ckpt-\d+\.(index|data-\d{5}-of-\d{5}))',
    r'\d\d?/' + CASE + r'\.log', r'\d\d?/' + LOSS_FILE]), re.ASCII)


def facts(ranks: int, dataset: Dataset) -> Dict[str, Any]:
    """What a resume compares beside the flags: `ranks`, `data`, a digest of the training split, and `tensorflow`, the
    version."""
    return {'ranks': ranks, 'data': dataset.digest(), 'tensorflow': stack.versions()['tensorflow']}


def prepare(params: Params, known: Dict[str, Any], keep: bool) -> None:
    """Readies --output_dir, which `locked` has made, and writes flags.txt, the effective flags as a flagfile, and
    run.json, the facts `known`.

    A former run is set aside in the folder "previous". One that never reached a checkpoint is removed instead, so that
    it does not replace a better one there.

    Args:
      keep: the former run stays, because this one resumes it.

    Raises:
      UserError: the directory cannot be written, or holds files of a run's names without being a run's.
    """
    directory = params.output_dir
    if not keep and os.path.exists(os.path.join(directory, FLAGS)):
        _set_aside(directory)
    strange = [] if keep else [path for path in _own_files(directory) if path not in [FACTS] + _EXPORTS]
    if strange:  # it would be overwritten
        raise UserError('--output_dir=%s: holds %s, but no flags.txt, so no run of this program has left it there; '
                        'choose another directory, or move that elsewhere' % (directory, strange[0]))
    files.write_json(os.path.join(directory, FACTS), known)
    with files.replacing(os.path.join(directory, FLAGS)) as stream:
        stream.write('\n'.join(flags.to_lines(params)) + '\n')


@contextlib.contextmanager
def locked(params: Params) -> Iterator[None]:
    """Makes --output_dir and keeps every other training out of it within the block; clears up after killed ones.

    Raises:
      UserError: it cannot be made or written, or another training is writing there.
    """
    directory = files.make_directory(params.output_dir)
    name, advice = '--output_dir=%s' % directory, 'choose another directory'
    with locks.held(os.path.join(directory, '.lock'), '%s: another training is writing there; %s' % (name, advice),
                    name, advice):
        for place in _PLACES:
            scratch.remove_dead(os.path.join(directory, place))
        if _is_moving(directory):  # before anybody looks for something to resume
            _set_aside(directory)
        yield


def read_facts(directory: str) -> Dict[str, Any]:
    """The facts of the run there, none where they cannot be read."""
    try:
        facts = files.read_json(os.path.join(directory, FACTS), LARGEST)
    except UserError:
        return {}
    kinds = {'ranks': int, 'data': str, 'tensorflow': str}
    return {name: facts[name] for name in kinds if type(facts.get(name)) is kinds[name]} if (
        isinstance(facts, dict)) else {}


def read_flags(directory: str) -> Optional[Params]:
    """The flags of the run there, None without any."""
    try:
        return flags.from_lines(files.read(os.path.join(directory, FLAGS), LARGEST).decode().splitlines())
    except UnicodeDecodeError:
        return None
    except UsageError as error:
        progress.warn('%s: is not of this program (%s) and counts as missing' % (os.path.join(directory, FLAGS), error))
        return None
    except UserError:
        return None


def _own_files(directory: str) -> List[str]:
    """Paths below `directory` of what a run writes, and of nothing else a user may keep there: FACTS first, FLAGS last.
    """
    paths = [os.path.join(place, name) for place in _PLACES for name in _list(os.path.join(directory, place))]
    return sorted(filter(_OWN.fullmatch, paths), key=lambda path: (path == FLAGS) - (path == FACTS))


def _list(directory: str) -> List[str]:
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def _set_aside(directory: str) -> None:
    """Raises:
      UserError: the run cannot be moved.
    """
    try:
        _move_run(directory, os.path.join(directory, PREVIOUS))
    except OSError as error:
        raise UserError('--output_dir=%s: the former run there cannot be moved (%s); choose another directory' %
                        (directory, error.strerror))


def _move_run(directory: str, previous: str) -> None:
    own, is_moving = _own_files(directory), _is_moving(directory)
    if not is_moving and not any(path.endswith('.index') for path in own):
        _remove(directory, [path for path in own if path not in _EXPORTS])  # which then are of another run
        return
    if not is_moving:
        _remove(previous, _own_files(previous))
    for path in own:
        target = os.path.join(previous, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(os.path.join(directory, path), target)
    _remove_empty_places(directory)


def _is_moving(directory: str) -> bool:
    """Whether a process was killed while it moved the run in `directory`: the order of `_own_files` shows it."""
    here, there = ([os.path.exists(os.path.join(place, name)) for name in (FACTS, FLAGS)]
                   for place in (directory, os.path.join(directory, PREVIOUS)))
    return here == [False, True] and there == [True, False]


def _remove(directory: str, paths: List[str]) -> None:
    for path in paths:
        os.unlink(os.path.join(directory, path))
    _remove_empty_places(directory)


def _remove_empty_places(directory: str) -> None:
    for place in filter(None, _PLACES):
        with contextlib.suppress(OSError):  # not there, or a user keeps something in it
            os.rmdir(os.path.join(directory, place))
