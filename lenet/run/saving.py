"""The checkpoints that a run saves, and restores into its session.

Both files of one are written under another name, and the data renamed before the .index, with which it exists.
"""

import contextlib
import os
from typing import List, Optional

import tensorflow.compat.v1 as tf
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from lenet.errors import UserError, first_line
from lenet.run import checkpoint
from lenet.run import network_record
from lenet.run import run_directory
from lenet.run.network_record import NetworkRecord
from lenet.support import files
from lenet.support import quiet
from lenet.support import scratch


class Checkpoints:
    """The checkpoints of one run's directory, newest `keep` of them."""

    def __init__(self, output_dir: str, keep: int, record: NetworkRecord, writes: bool = True) -> None:
        """Must be built while the training graph is the default graph.

        Args:
          record: saved beside the variables.
          writes: False on all ranks but one; they build the same graph and only restore.
        """
        self._writes = writes
        self._keep = keep
        self._output_dir = output_dir
        self.directory = os.path.join(output_dir, run_directory.CHECKPOINTS)
        graph_def = tf.get_default_graph().as_graph_def()  # without the saver's nodes, of which one is a placeholder
        self._restorer = tf.train.Saver(tf.global_variables())  # also from checkpoints without a record
        if not writes:
            return
        self._saver = tf.train.Saver(tf.global_variables() + [network_record.Saveable(record)], max_to_keep=0)
        files.make_directory(self.directory)
        clear_up(output_dir)
        with files.replacing(os.path.join(self.directory, 'graph.pbtxt')) as stream:
            stream.write(str(graph_def))

    def save(self, session: tf.Session, steps_run: int) -> Optional[str]:
        """Writes one checkpoint and returns its path prefix; None on a rank that does not write.

        Raises:
          UserError: it cannot be written; the older ones are untouched.
        """
        if not self._writes:
            return None
        path = os.path.join(self.directory, '%s-%d' % (checkpoint.PREFIX, steps_run))
        try:
            with scratch.directory(os.path.join(self.directory, checkpoint.PREFIX)) as staged:
                with quiet.without_stderr_lines('OP_REQUIRES failed at save_restore'):  # raised as well
                    written = self._saver.save(session, os.path.join(staged, os.path.basename(path)),
                                               write_meta_graph=False, write_state=False)
                # A former run may have left a checkpoint of the same step. Were this process killed between the two
                # renames below, that one's index would stand beside the new data and describe other bytes.
                _remove([path])
                for name in checkpoint.files_of(written):
                    files.flush(name)
                    os.replace(name, os.path.join(self.directory, os.path.basename(name)))
            settle(self._output_dir, self._keep)
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise UserError('%s: the checkpoint cannot be written (%s); the older ones are untouched' %
                            (path, first_line(error).split('; ')[-1]))  # before it TensorFlow names a file
        return path

    def restore(self, session: tf.Session, path: str) -> None:
        """Loads every variable from `path`, a checkpoint of this program.

        Raises:
          UserError: it cannot be read, or does not fit the graph.
        """
        with checkpoint.reading(path):
            self._restorer.restore(session, path)


def settle(output_dir: str, keep: int) -> None:
    """Writes the list that tf.train.latest_checkpoint reads, of the newest `keep` checkpoints, and removes the others.

    Raises:
      UserError: the list cannot be written.
      OSError: a checkpoint cannot be removed.
    """
    paths = checkpoint.find_all(output_dir)
    names = [os.path.basename(path) for path in paths[-keep:]]  # relative, so that the directory may be moved
    with files.replacing(os.path.join(output_dir, run_directory.CHECKPOINTS, 'checkpoint')) as stream:
        stream.write(str(CheckpointState(model_checkpoint_path=names[-1], all_model_checkpoint_paths=names)))
    _remove(paths[:-keep])


def clear_up(output_dir: str) -> None:
    """Removes what killed saves have left; nobody else may be writing there (run_directory.locked)."""
    directory = os.path.join(output_dir, run_directory.CHECKPOINTS)
    scratch.remove_dead(directory)
    for name in os.listdir(directory):
        match = checkpoint.FILE.fullmatch(os.path.join(directory, name))
        # Data are renamed before their index, and removed after it.
        if match and not os.path.exists(match.group(1) + '.index'):
            with contextlib.suppress(OSError):
                os.unlink(match.group(0))


def _remove(paths: List[str]) -> None:
    for path in paths:
        for name in reversed(checkpoint.files_of(path)):  # without its index it is none
            os.unlink(name)
