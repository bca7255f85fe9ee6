"""The directory of a run (--output_dir): what lies where, and what happens to a former run found there."""

import contextlib
import glob
import json
import os
import shutil
from typing import Any, Dict, Iterator, List, Optional

from lenet import flags
from lenet.data.splits import Dataset
from lenet.errors import UsageError, UserError
from lenet.flags import Params
from lenet.support import files
from lenet.support import locks
from lenet.support import progress
from lenet.support import stack

FLAGS = 'flags.txt'
FACTS = 'run.json'  # what flags do not say
REPORT = 'report.html'
CHECKPOINTS = 'ckpt_npu'  # the reference's name, whatever the platform
PREVIOUS = 'previous'
# FLAGS last: while it is there, a directory counts as a run's, also when moving the run away was interrupted.
_OWN = ('metrics.jsonl', 'results.json', REPORT, 'events.out.tfevents.*', CHECKPOINTS, 'lenet.pb', 'lenet.json',
        '[0-9]*/LeNet_ID0127*.log', '[0-9]*/train_LeNet_ID0127*_loss.txt', FACTS, FLAGS)


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
      UserError: the directory cannot be written.
    """
    directory = params.output_dir
    try:
        if not keep and os.path.exists(os.path.join(directory, FLAGS)):
            _set_aside(directory)
    except OSError as error:
        raise UserError('--output_dir=%s: the former run there cannot be moved (%s); choose another directory' %
                        (directory, error.strerror))
    for place in [directory] + glob.glob(os.path.join(glob.escape(directory), '[0-9]')):
        files.remove_leftovers(place)
    files.write_json(os.path.join(directory, FACTS), known)
    with files.replacing(os.path.join(directory, FLAGS)) as stream:
        stream.write('\n'.join(flags.to_lines(params)) + '\n')


@contextlib.contextmanager
def locked(params: Params) -> Iterator[None]:
    """Makes --output_dir and keeps every other training out of it within the block.

    Raises:
      UserError: it cannot be made or written, or another training is writing there.
    """
    directory = files.make_directory(params.output_dir)
    name, advice = '--output_dir=%s' % directory, 'choose another directory'
    with locks.held(os.path.join(directory, '.lock'), '%s: another training is writing there; %s' % (name, advice),
                    name, advice):
        yield


def read_reported_steps(directory: str) -> Optional[int]:
    """How many steps the results there are of, None without any."""
    try:
        with open(os.path.join(directory, 'results.json')) as stream:
            return int(json.load(stream)['steps']['steps_run'])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def read_facts(directory: str) -> Dict[str, Any]:
    """The facts of the run there, none where they cannot be read."""
    try:
        with open(os.path.join(directory, FACTS)) as stream:
            return dict(json.load(stream))
    except (OSError, ValueError, TypeError):
        return {}


def read_flags(directory: str) -> Optional[Params]:
    """The flags of the run there, None without any."""
    try:
        with open(os.path.join(directory, FLAGS)) as stream:
            return flags.from_lines(stream.read().splitlines())
    except (OSError, UnicodeDecodeError):
        return None
    except UsageError as error:
        progress.warn('%s: is not of this program (%s) and counts as missing' % (os.path.join(directory, FLAGS), error))
        return None


def _own_entries(directory: str) -> List[str]:
    """Paths below `directory` of what a run writes, and of nothing else a user may keep there."""
    return [os.path.relpath(path, directory)
            for pattern in _OWN for path in glob.glob(os.path.join(glob.escape(directory), pattern))]


def _set_aside(directory: str) -> None:
    trained = glob.glob(os.path.join(glob.escape(directory), CHECKPOINTS, '*.index'))
    previous = os.path.join(directory, PREVIOUS)
    if trained:
        for name in _own_entries(previous):
            _remove(os.path.join(previous, name))
    for name in _own_entries(directory):
        path, target = os.path.join(directory, name), os.path.join(previous, name)
        if trained:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(path, target)
        else:
            _remove(path)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
