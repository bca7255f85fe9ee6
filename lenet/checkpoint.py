"""Save, restore, resume, transfer. A checkpoint's number is the number of steps run."""

import contextlib
import glob
import os
import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from lenet import files
from lenet import run_directory
from lenet.errors import UserError

_PREFIX = 'model.ckpt'


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
        self.directory = os.path.join(output_dir, run_directory.CHECKPOINTS)
        graph_def = tf.get_default_graph().as_graph_def()  # without the saver's nodes, of which one is a placeholder
        self._saver = tf.train.Saver(tf.global_variables(), max_to_keep=keep, save_relative_paths=True)
        if not writes:
            return
        files.make_directory(self.directory)
        with files.replacing(os.path.join(self.directory, 'graph.pbtxt')) as stream:
            stream.write(str(graph_def))

    def save(self, session: tf.Session, steps_run: int) -> Optional[str]:
        """Writes one checkpoint and returns its path prefix; None on a rank that does not write.

        Raises:
          UserError: it cannot be written; the older ones are untouched.
        """
        if not self._writes:
            return None
        prefix = os.path.join(self.directory, _PREFIX)
        try:
            return self._saver.save(session, prefix, global_step=steps_run, write_meta_graph=False)
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise UserError('%s-%d: the checkpoint cannot be written (%s); the older ones are untouched' %
                            (prefix, steps_run, _first_line(error)))

    def restore(self, session: tf.Session, path: str) -> None:
        """Loads every variable from `path`, a checkpoint of this program.

        Raises:
          UserError: it cannot be read, or does not fit the graph.
        """
        with _reading(path):
            self._saver.restore(session, path)
        self._saver.recover_last_checkpoints(listed(os.path.dirname(self.directory)))


def listed(output_dir: str) -> List[str]:
    """The path prefixes of a run's checkpoints, oldest first; the files count, not TensorFlow's list of them."""
    pattern = os.path.join(glob.escape(output_dir), run_directory.CHECKPOINTS, _PREFIX + '-*.index')
    found = [path[:-len('.index')] for path in glob.glob(pattern)]
    return sorted((path for path in found if _number(path).isdigit()), key=lambda path: int(_number(path)))


def _number(path: str) -> str:
    return path.rsplit('-', 1)[-1]


def position(path: str) -> Position:
    """Where `path`, a checkpoint of this program, was written.

    Raises:
      UserError: it cannot be read.
    """
    with _reading(path):
        reader = tf.train.load_checkpoint(path)
        counters = [int(reader.get_tensor(name)) if reader.has_tensor(name) else None
                    for name in ('steps_run', 'global_step')]
    if None in counters:
        raise UserError('%s: holds no steps_run and global_step, so no run can be resumed from it; --restore_path '
                        'starts from its weights' % path)
    return Position(*counters)


def read_weights(path: str, shapes: Dict[str, Sequence[int]], exclude: List[str]) -> Dict[str, np.ndarray]:
    """Reads the weights for a transfer, but for those whose names start with one of `exclude`.

    Args:
      path: a checkpoint's path prefix, one of its files, or a run's directory of checkpoints.
      shapes: of the network's weights, by name.

    Returns:
      float32 arrays by name.

    Raises:
      UserError: `path` cannot be read, a prefix matches nothing, nothing is left to load, a name is missing or its
        shape differs.
    """
    for prefix in exclude:
        if not any(name.startswith(prefix) for name in shapes):
            raise UserError('--restore_exclude=%s matches none of %s' % (prefix, ', '.join(shapes)))
    wanted = [name for name in shapes if not name.startswith(tuple(exclude))]
    if not wanted:
        raise UserError('--restore_exclude=%s leaves nothing to load from %s' % (','.join(exclude), path))
    path = re.sub(r'\.(index|data-\d+-of-\d+)$', '', os.path.expanduser(path))
    with _reading(path):
        reader = tf.train.load_checkpoint(path)
        found = reader.get_variable_to_shape_map()
        _check_shapes(path, found, {name: list(shapes[name]) for name in wanted})
        return {name: reader.get_tensor(name).astype(np.float32) for name in wanted}


def _check_shapes(path: str, found: Dict[str, List[int]], wanted: Dict[str, List[int]]) -> None:
    for name, shape in wanted.items():
        if name not in found:
            raise UserError('%s: holds no %s, but %s' % (path, name, ', '.join(sorted(found)) or 'nothing'))
        if found[name] != shape:
            raise UserError('%s: %s has shape %s, the network needs %s; --restore_exclude can leave it out' %
                            (path, name, found[name], shape))


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except (tf.errors.OpError, ValueError, SystemError) as error:  # SystemError: how the reader fails on damaged data
        raise UserError('%s: is no readable checkpoint (%s); give a path prefix such as output/ckpt_npu/model.ckpt-1000'
                        % (path, _first_line(error)))


def _first_line(error: Exception) -> str:
    message = getattr(error, 'message', None) or str(error)
    return message.strip().splitlines()[0] if message.strip() else type(error).__name__
