"""What a run records while it goes on: metrics.jsonl, TensorBoard events, a loss a step. Written on the host, between
the timed calls."""

import contextlib
import glob
import io
import json
import math
import os
import re
from typing import Any, Dict, IO, Iterable, List, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.run import run_directory
from lenet.support import files
from lenet.support import strict_json

FILE = 'metrics.jsonl'
LARGEST = 2 ** 30  # bytes of it, and of the losses
PARTIAL = 'partial'  # marks the record of a stopped run between two that it would have written anyway


class Unlogged(NamedTuple):
    """The steps of a resumed run since its last whole record: what they left behind."""

    losses: np.ndarray  # float32 [steps]
    skipped_steps: List[int]


class Recorder:
    """Appends to the three records of a run; a resumed one first cuts them back to its first step."""

    def __init__(self, directory: str, loss_file: str, graph: tf.Graph, start_step: int) -> None:
        """Args:
          directory: of the run.
          loss_file: path of the loss-a-step file.
          graph: drawn by TensorBoard.
          start_step: steps already run.
        """
        files.make_directory(os.path.dirname(loss_file))
        metrics_file = os.path.join(directory, FILE)
        for other in _loss_files(directory):
            if start_step and not os.path.exists(loss_file):
                os.replace(other, loss_file)  # its name has the device and the number of ranks, which have changed
        records = [(line, record) for line, record in _records(metrics_file) if record['step'] <= start_step]
        # Line k must be step k's: lines that a crash has lost are filled up with nan, later ones cut off.
        losses = (_whole_lines(loss_file) + ['nan\n'] * start_step)[:start_step]
        self.last_loss = float(np.float32(_number(losses[-1]))) if losses else math.nan
        self.unlogged = _unlogged([record for _, record in records], losses)
        self._metrics = _open_with(metrics_file, [line for line, record in records if PARTIAL not in record])
        self._losses = _open_with(loss_file, losses)
        self._events = tf.summary.FileWriter(directory, graph, filename_suffix=run_directory.EVENTS)
        if start_step:  # TensorBoard forgets what a run that went on from an older checkpoint repeats
            self._events.add_session_log(tf.SessionLog(status=tf.SessionLog.START), start_step + 1)

    def losses(self, losses: Iterable[float]) -> None:
        """Records the losses of consecutive steps, a line each."""
        self._write(self._losses, ['%.9g' % loss for loss in losses])

    def record(self, kind: str, step: int, values: Dict[str, Any]) -> None:
        """Appends one JSON line, and its numbers to the events as `kind`/name.

        Args:
          kind: 'train' or 'evaluation'.
          step: steps run.
          values: ready for JSON; NaN and infinities become null.
        """
        self._write(self._metrics, [json.dumps(strict_json.without_nan(dict(kind=kind, step=step, **values)))])
        scalars = [tf.Summary.Value(tag='%s/%s' % (kind, name), simple_value=value)
                   for name, value in values.items() if isinstance(value, (int, float)) and value is not True]
        self._events.add_summary(tf.Summary(value=scalars), step)

    def close(self) -> None:
        for stream in (self._metrics, self._losses, self._events):
            with contextlib.suppress(OSError):  # a full disk: _write has said so
                stream.close()

    def _write(self, stream: IO[str], lines: List[str]) -> None:
        try:
            stream.write(''.join(line + '\n' for line in lines))
            stream.flush()
        except OSError as error:
            raise UserError('%s: cannot be written (%s)' % (stream.name, error.strerror))


class NoRecorder:
    """The records of a rank that does not write."""

    unlogged = Unlogged(np.empty(0, np.float32), [])

    def losses(self, losses: Iterable[float]) -> None:
        pass

    def record(self, kind: str, step: int, values: Dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


def read_records(directory: str) -> List[Dict[str, Any]]:
    """The records of metrics.jsonl, in their order, without lines that are none; [] where there is no such file.

    Raises:
      UserError: it cannot be read.
    """
    return [record for _, record in _records(os.path.join(directory, FILE))]


def are_whole(directory: str, steps: int) -> bool:
    """Whether nothing shows that a record of the first `steps` steps was lost: whole lines, and a loss for every step.
    """
    metrics_file = os.path.join(directory, FILE)
    return (os.path.isfile(metrics_file) and _lines(metrics_file) == _whole_lines(metrics_file) and
            any(_lines(path) == _whole_lines(path) and len(_lines(path)) == steps for path in _loss_files(directory)))


def _loss_files(directory: str) -> List[str]:
    """Of whichever device, batch and ranks."""
    return [path for path in sorted(glob.glob(os.path.join(glob.escape(directory), '[0-9]*', '*_loss.txt')))
            if re.fullmatch(run_directory.LOSS_FILE, os.path.basename(path), re.ASCII)]


def _unlogged(records: List[Dict[str, Any]], losses: List[str]) -> Unlogged:
    """What followed the last whole training record; `losses` are the lines of the steps up to now."""
    whole = [record['step'] for record in records if record.get('kind') == 'train' and PARTIAL not in record]
    last = whole[-1] if whole else 0
    skipped = [step for record in records if PARTIAL in record and record['step'] > last
               for step in record.get('skipped_steps', [])]
    return Unlogged(np.array([_number(line) for line in losses[last:]], np.float32), skipped)


def _records(path: str) -> List[Tuple[str, Dict[str, Any]]]:
    """The lines that are records, and these."""
    records = []
    for line in _whole_lines(path):
        with contextlib.suppress(ValueError):
            record = strict_json.parse(line.encode())
            if _is_record(record):
                records.append((line, record))
    return records


def _is_record(record: Any) -> bool:
    """Whether all that this program computes with has its type; a damaged line may be JSON still."""
    def is_step(value: Any) -> bool:
        return type(value) is int and 0 <= value < 2 ** 63

    return (isinstance(record, dict) and is_step(record.get('step'))
            and isinstance(record.get('skipped_steps', []), list) and all(map(is_step, record.get('skipped_steps', [])))
            and all(value is None or isinstance(value, (str, int, float, list)) for value in record.values()))


def _number(line: str) -> float:
    try:
        return float(line)
    except ValueError:
        return math.nan


def _lines(path: str) -> List[str]:
    if not os.path.lexists(path):
        return []
    return list(io.StringIO(files.read(path, LARGEST, 'move it away').decode(errors='replace')))


def _whole_lines(path: str) -> List[str]:
    return [line for line in _lines(path) if line.endswith('\n')]


def _open_with(path: str, lines: List[str]) -> IO[str]:
    """Opens `path` for appending to `lines`."""
    with files.replacing(path) as stream:
        stream.writelines(lines)
    return open(path, 'a')
