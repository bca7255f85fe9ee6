"""The directory of a run (--output_dir): what lies where, and what happens to a former run found there."""

import glob
import os
import shutil
from typing import Any, List

from lenet import files
from lenet import flags
from lenet.errors import UserError

FLAGS = 'flags.txt'
CHECKPOINTS = 'ckpt_npu'  # the reference's name, whatever the platform
PREVIOUS = 'previous'
_OWN = (FLAGS, 'metrics.jsonl', 'results.json', 'events.out.tfevents.*', CHECKPOINTS,
        '[0-9]*/LeNet_ID0127*.log', '[0-9]*/train_LeNet_ID0127*_loss.txt')


def prepare(params: Any) -> None:
    """Makes --output_dir ready and writes flags.txt, the effective flags as a flagfile.

    Unless this run resumes it, a former run is set aside in the folder "previous". One that never reached a checkpoint
    is removed instead, so that it does not replace a better one there.

    Raises:
      UserError: the directory cannot be made or written.
    """
    directory = files.make_directory(params.output_dir)
    try:
        if not params.resume and os.path.exists(os.path.join(directory, FLAGS)):
            _set_aside(directory)
    except OSError as error:
        raise UserError('--output_dir=%s: the former run there cannot be moved (%s); choose another directory' %
                        (directory, error))
    with files.replacing(os.path.join(directory, FLAGS)) as stream:
        stream.write('\n'.join(flags.to_lines(params)) + '\n')


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
        source, target = os.path.join(directory, name), os.path.join(previous, name)
        if trained:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(source, target)
        else:
            _remove(source)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
