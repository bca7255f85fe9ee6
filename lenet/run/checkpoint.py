"""Finding, verifying and reading checkpoints; saving.py writes them. A checkpoint's number is that of steps run.

A checkpoint exists once its .index has its name. Its bytes carry checksums (CRC32C, of each tensor and of each block of
the index), which `verify` checks.
"""

import contextlib
import glob
import os
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from lenet.errors import UserError, first_line
from lenet.run import network_record
from lenet.run import run_directory
from lenet.run.network_record import NetworkRecord
from lenet.support import files
from lenet.support import progress

PREFIX = 'model.ckpt'
_LAST_TYPE = 100  # of TensorFlow's types; beyond are references to them
_LONGEST_LIST = 2 ** 20  # bytes of TensorFlow's list of checkpoints
# A file as saving.py names it, and no other that a user may keep there: group 1 is the path prefix, group 2 the steps.
FILE = re.compile(r'((?:.*/)?%s-(0|[1-9][0-9]*))\.(?:index|data-[0-9]{5}-of-[0-9]{5})' % re.escape(PREFIX), re.DOTALL)


class Position(NamedTuple):
    """How far a run has come."""

    steps_run: int = 0
    updates_applied: int = 0  # its global_step


def files_of(path: str) -> List[str]:
    """The files of the checkpoint `path`, its index last."""
    data = glob.escape(path) + '.data-%s-of-%s' % (5 * '[0-9]', 5 * '[0-9]')
    return sorted(glob.glob(data)) + glob.glob(glob.escape(path) + '.index')


def find_all(output_dir: str) -> List[str]:
    """The path prefixes of a run's checkpoints, oldest first; the files count, not TensorFlow's list of them."""
    names = glob.glob(os.path.join(glob.escape(output_dir), run_directory.CHECKPOINTS, '*.index'))
    found = {int(match.group(2)): match.group(1) for match in map(FILE.fullmatch, names) if match}
    return [found[steps] for steps in sorted(found)]


def _number(path: str) -> int:
    """-1 where the name ends with no number of a checkpoint; `isdigit` takes superscripts for one as well."""
    match = re.search('-([0-9]{1,18})$', path)
    return int(match.group(1)) if match else -1


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
    read_record(path)


def read(path: str, names: Optional[List[str]] = None) -> Dict[str, np.ndarray]:
    """Arrays of a checkpoint by name, of all variables without `names`; of those that it holds.

    Raises:
      UserError: it cannot be read, or is damaged.
    """
    with reading(path) as reader:
        shapes = reader.get_variable_to_shape_map()
        wanted = [name for name in shapes if name != network_record.KEY] if names is None else names
        return {name: reader.get_tensor(name) for name in wanted if name in shapes}


def read_record(path: str) -> Optional[NetworkRecord]:
    """What the checkpoint says of its network; None where it says nothing, as the reference's.

    Raises:
      UserError: it cannot be read, or is damaged.
    """
    with reading(path) as reader:
        if not reader.has_tensor(network_record.KEY):
            return None
        text = reader.get_tensor(network_record.KEY)
    return network_record.parse(text, path)


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
        own list of them says which is the newest, else their numbers.

    Raises:
      UserError: a directory without a checkpoint.
    """
    path = re.sub(r'\.(index|data-\d+-of-\d+)$', '', path)
    if not os.path.isdir(path):
        return path
    newest = (find_whole(path) or _find_in(path) or [None])[-1]
    if newest is None:
        raise UserError('%s: holds no checkpoint; give a path prefix such as output/ckpt_npu/model.ckpt-1000' % path)
    return newest


def _find_in(directory: str) -> List[str]:
    """The path prefixes of checkpoints of any name that lie in `directory`, the newest last.

    TensorFlow's list is asked for a name only: it may hold the absolute path of where the directory was before, or
    rubbish.
    """
    paths = [path[:-len('.index')] for path in glob.glob(os.path.join(glob.escape(directory), '*.index'))]
    paths.sort(key=lambda path: (_number(path), path))
    with contextlib.suppress(UserError, text_format.ParseError, UnicodeDecodeError):
        text = files.read(os.path.join(directory, 'checkpoint'), _LONGEST_LIST).decode()
        state = text_format.Parse(text, CheckpointState())
        listed = os.path.join(directory, os.path.basename(state.model_checkpoint_path))
        paths.sort(key=lambda path: path == listed)
    return paths


@contextlib.contextmanager
def reading(path: str) -> Iterator[Any]:
    """Yields a reader of the checkpoint `path`, whose errors within the block become one line."""
    for name in files_of(path):
        files.require_regular(name)
    try:
        reader = tf.train.load_checkpoint(path)
        _check_types(reader.get_variable_to_dtype_map())  # which raises at a type that does not exist
        yield reader
    # Also how the readers of TensorFlow 1.15 and 2 fail on damaged data.
    except (tf.errors.OpError, ValueError, TypeError, SystemError, IndexError, MemoryError) as error:
        raise UserError('%s: is no readable checkpoint (%s); give a path prefix such as output/ckpt_npu/model.ckpt-1000'
                        % (path, first_line(error)))


def _check_types(types: Dict[str, tf.DType]) -> None:
    """Raises ValueError for a tensor whose reading would abort the process: TensorFlow believes the index."""
    for name, dtype in types.items():
        if dtype.as_datatype_enum > _LAST_TYPE:
            raise ValueError('%s is a reference' % name)
