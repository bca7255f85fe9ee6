"""Save, restore, resume, transfer. A checkpoint's number is the number of steps run."""

import os
from typing import Any, Dict, List, NamedTuple, Optional

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
        try:
            self._saver.restore(session, path)
            kept = tf.train.get_checkpoint_state(self.directory).all_model_checkpoint_paths
            self._saver.recover_last_checkpoints(kept)
        except (tf.errors.OpError, ValueError) as error:
            raise UserError('%s: cannot be loaded (%s)' % (path, _first_line(error)))


def newest(output_dir: str) -> Optional[str]:
    """The path prefix of the newest checkpoint of a run's directory, None if there is none."""
    return tf.train.latest_checkpoint(os.path.join(output_dir, run_directory.CHECKPOINTS))


def position(path: str) -> Position:
    """Where `path`, a checkpoint of this program, was written.

    Raises:
      UserError: it cannot be read.
    """
    reader = _reader(path)
    if not reader.has_tensor('steps_run'):
        raise UserError('%s: holds no steps_run, so no run can be resumed from it; --restore_path starts from its '
                        'weights' % path)
    return Position(int(reader.get_tensor('steps_run')), int(reader.get_tensor('global_step')))


def transfer(session: tf.Session, path: str, weights: Dict[str, tf.Variable], exclude: List[str]) -> List[str]:
    """Loads the weights, but for those whose names start with one of `exclude`, and returns the names it loaded.

    Raises:
      UserError: `path` cannot be read, a prefix matches nothing, nothing is left to load, a name is missing or its
        shape differs.
    """
    for prefix in exclude:
        if not any(name.startswith(prefix) for name in weights):
            raise UserError('--restore_exclude=%s matches none of %s' % (prefix, ', '.join(weights)))
    wanted = {name: v for name, v in weights.items() if not name.startswith(tuple(exclude))}
    if not wanted:
        raise UserError('--restore_exclude=%s leaves nothing to load from %s' % (','.join(exclude), path))
    found = _reader(path).get_variable_to_shape_map()
    for name, variable in wanted.items():
        if name not in found:
            raise UserError('%s: holds no %s, but %s' % (path, name, ', '.join(sorted(found))))
        if found[name] != variable.shape.as_list():
            raise UserError('%s: %s has shape %s, the network needs %s; --restore_exclude can leave it out' %
                            (path, name, found[name], variable.shape.as_list()))
    tf.train.Saver(wanted).restore(session, path)
    return list(wanted)


def _reader(path: str) -> Any:
    try:
        return tf.train.load_checkpoint(path)
    except (tf.errors.OpError, ValueError) as error:
        raise UserError('%s: is no readable checkpoint (%s); give a path prefix such as output/ckpt_npu/model.ckpt-1000'
                        % (path, _first_line(error)))


def _first_line(error: Exception) -> str:
    message = getattr(error, 'message', None) or str(error)
    return message.strip().splitlines()[0] if message.strip() else type(error).__name__
