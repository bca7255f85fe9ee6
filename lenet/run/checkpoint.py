"""Save, verify, restore. A checkpoint's number is the number of steps run.

A checkpoint exists once its .index has its name: both files are written under another name, the data renamed first. Its
bytes carry checksums (CRC32C, of each tensor and of each block of the index), which `verify` checks.
"""

import contextlib
import glob
import os
import re
import shutil
import tempfile
from typing import Dict, Iterator, List, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from lenet.errors import UserError, first_line
from lenet.run import run_directory
from lenet.support import files
from lenet.support import progress
from lenet.support import quiet

_PREFIX = 'model.ckpt'
_SCRATCH = '.saving-'  # directory of a save under way


class Position(NamedTuple):
    """How far a run has come."""

    steps_run: int = 0
    updates_applied: int = 0  # its global_step


class Checkpoints:
    """The checkpoints of one run's directory, newest `keep` of them."""

    def __init__(self, output_dir: str, keep: int, writes: bool = True) -> None:
        """Must be built while the training graph is the default graph.

        Args:
          writes: False on all ranks but one; they build the same graph and only restore.
        """
        self._writes = writes
        self._keep = keep
        self._output_dir = output_dir
        self.directory = os.path.join(output_dir, run_directory.CHECKPOINTS)
        graph_def = tf.get_default_graph().as_graph_def()  # without the saver's nodes, of which one is a placeholder
        self._saver = tf.train.Saver(tf.global_variables(), max_to_keep=0)
        if not writes:
            return
        files.make_directory(self.directory)
        for left in glob.glob(os.path.join(glob.escape(self.directory), _SCRATCH + '*')):
            shutil.rmtree(left, ignore_errors=True)  # of a save that was killed
        files.remove_leftovers(self.directory)
        with files.replacing(os.path.join(self.directory, 'graph.pbtxt')) as stream:
            stream.write(str(graph_def))

    def save(self, session: tf.Session, steps_run: int) -> Optional[str]:
        """Writes one checkpoint and returns its path prefix; None on a rank that does not write.

        Raises:
          UserError: it cannot be written; the older ones are untouched.
        """
        if not self._writes:
            return None
        path = os.path.join(self.directory, '%s-%d' % (_PREFIX, steps_run))
        try:
            with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=self.directory) as scratch:
                with quiet.without_stderr_lines('OP_REQUIRES failed at save_restore'):  # raised as well
                    written = self._saver.save(session, os.path.join(scratch, os.path.basename(path)),
                                               write_meta_graph=False, write_state=False)
                # A former run may have left a checkpoint of the same step. Were this process killed between the two
                # renames below, that one's index would stand beside the new data and describe other bytes.
                _remove([path])
                for name in files_of(written):
                    files.flush(name)
                    os.replace(name, os.path.join(self.directory, os.path.basename(name)))
            kept = find_all(self._output_dir)[-self._keep:]
            self._write_state(kept)
            _remove(find_all(self._output_dir)[:-self._keep])
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise UserError('%s: the checkpoint cannot be written (%s); the older ones are untouched' %
                            (path, first_line(error).split('; ')[-1]))  # before it TensorFlow names a file
        return path

    def _write_state(self, kept: List[str]) -> None:
        """What tf.train.latest_checkpoint reads; relative paths, so that the directory may be moved."""
        names = [os.path.basename(path) for path in kept]
        with files.replacing(os.path.join(self.directory, 'checkpoint')) as stream:
            stream.write(str(CheckpointState(model_checkpoint_path=names[-1], all_model_checkpoint_paths=names)))

    def restore(self, session: tf.Session, path: str) -> None:
        """Loads every variable from `path`, a checkpoint of this program.

        Raises:
          UserError: it cannot be read, or does not fit the graph.
        """
        with _reading(path):
            self._saver.restore(session, path)


def files_of(path: str) -> List[str]:
    """The files of the checkpoint `path`, its index last."""
    return sorted(glob.glob(glob.escape(path) + '.data-*')) + glob.glob(glob.escape(path) + '.index')


def _remove(paths: List[str]) -> None:
    for path in paths:
        for name in reversed(files_of(path)):  # without its index it is none
            os.unlink(name)


def find_all(output_dir: str) -> List[str]:
    """The path prefixes of a run's checkpoints, oldest first; the files count, not TensorFlow's list of them."""
    pattern = os.path.join(glob.escape(output_dir), run_directory.CHECKPOINTS, _PREFIX + '-*.index')
    paths = [path[:-len('.index')] for path in glob.glob(pattern)]
    return sorted((path for path in paths if _number(path).isdigit()), key=lambda path: int(_number(path)))


def _number(path: str) -> str:
    return path.rsplit('-', 1)[-1]


def find_whole(output_dir: str) -> List[str]:
    """As `find_all`, without those newer than the newest that is whole; a warning names each.

    Raises:
      UserError: there are checkpoints, but none is whole.
    """
    paths = find_all(output_dir)
    damaged = []
    while paths:
        try:
            verify(paths[-1])
            break
        except UserError as error:
            damaged.append(str(error))
            paths.pop()
    if damaged and not paths:
        raise UserError('%s; no older one is whole' % damaged[0])
    for message in damaged:
        progress.warn('%s; taking the one before it, %s' % (message, paths[-1]))
    return paths


def verify(path: str) -> None:
    """Reads the whole checkpoint, which checks its checksums.

    Raises:
      UserError: it cannot be read, or is damaged.
    """
    read(path)


def read(path: str, names: Optional[List[str]] = None) -> Dict[str, np.ndarray]:
    """Arrays of a checkpoint by name, of all names without `names`; of those that it holds.

    Raises:
      UserError: it cannot be read, or is damaged.
    """
    with _reading(path):
        reader = tf.train.load_checkpoint(path)
        shapes = reader.get_variable_to_shape_map()
        return {name: reader.get_tensor(name) for name in (shapes if names is None else names) if name in shapes}


def read_position(path: str) -> Position:
    """Where `path`, a checkpoint of this program, was written.

    Raises:
      UserError: it cannot be read.
    """
    counters = read(path, ['steps_run', 'global_step'])
    if len(counters) < 2:
        raise UserError('%s: holds no steps_run and global_step, so no run can be resumed from it; --restore_path '
                        'starts from its weights' % path)
    return Position(int(counters['steps_run']), int(counters['global_step']))


def resolve(path: str) -> str:
    """The path prefix that a user means by a prefix, one of a checkpoint's files, or a directory.

    Args:
      path: a directory is a run's, whose newest whole checkpoint is meant, or one of checkpoints, where TensorFlow's
        own list of them says which is the newest.

    Raises:
      UserError: a directory without a checkpoint.
    """
    path = re.sub(r'\.(index|data-\d+-of-\d+)$', '', path)
    if not os.path.isdir(path):
        return path
    newest = (find_whole(path) or [tf.train.latest_checkpoint(path)])[-1]
    if newest is None:
        raise UserError('%s: holds no checkpoint; give a path prefix such as output/ckpt_npu/model.ckpt-1000' % path)
    return newest


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    # The last two: how the readers of TensorFlow 1.15 and 2 fail on damaged data.
    except (tf.errors.OpError, ValueError, SystemError, IndexError) as error:
        raise UserError('%s: is no readable checkpoint (%s); give a path prefix such as output/ckpt_npu/model.ckpt-1000'
                        % (path, first_line(error)))
