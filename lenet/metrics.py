"""What a run records while it goes on: metrics.jsonl, TensorBoard events, a loss a step. Written on the host, between
the timed calls."""

import contextlib
import json
import math
import os
from typing import Any, Callable, Dict, IO, Iterable, List

import tensorflow.compat.v1 as tf

from lenet import files
from lenet.errors import UserError


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
        self._metrics = _open_cut(os.path.join(directory, 'metrics.jsonl'),
                                  lambda number, line: _step(line) <= start_step)
        self._losses = _open_cut(loss_file, lambda number, line: number < start_step)
        self._events = tf.summary.FileWriter(directory, graph)
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
        cleaned = {name: _finite(value) for name, value in values.items()}
        self._write(self._metrics, [json.dumps(dict(kind=kind, step=step, **cleaned))])
        scalars = [tf.Summary.Value(tag='%s/%s' % (kind, name), simple_value=value)
                   for name, value in values.items() if isinstance(value, (int, float))]
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

    def losses(self, losses: Iterable[float]) -> None:
        pass

    def record(self, kind: str, step: int, values: Dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _step(line: str) -> float:
    """The step of a record; infinite for what is no record."""
    try:
        return json.loads(line)['step']
    except (ValueError, TypeError, KeyError):
        return math.inf


def _open_cut(path: str, keep: Callable[[int, str], bool]) -> IO[str]:
    """Opens `path` for appending, after dropping the lines for which keep(number, line) is false."""
    kept = []
    if os.path.exists(path):
        with open(path) as stream:
            kept = [line for number, line in enumerate(stream) if line.endswith('\n') and keep(number, line)]
    with files.replacing(path) as stream:
        stream.writelines(kept)
    return open(path, 'a')
