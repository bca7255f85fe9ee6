"""What the calls of session.run have done, by what the device counted; kept by training and by the bench alike."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from lenet.errors import UserError
from lenet.flags import Params
from lenet.graph import loss_scaling
from lenet.graph.step import RECENT, RECORD
from lenet.run.checkpoint import Position
from lenet.run.metrics import Unlogged
from lenet.run.update_account import UpdateAccount


class Throughput(NamedTuple):
    """Images and seconds of the calls after the first, or of the first where it was the only one."""

    images: int
    seconds: float
    includes_first_call: bool

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds if self.seconds else 0.0

    def ms_per_step(self, global_batch: int) -> float:
        return 1e3 * self.seconds * global_batch / self.images if self.images else 0.0


class Window:
    """The steps since the last record."""

    def __init__(self, before: Optional[Unlogged] = None) -> None:
        """Args:
          before: steps of the run that this one resumes.
        """
        self._losses: List[np.ndarray] = [before.losses] if before else []
        self.skipped_steps: List[int] = list(before.skipped_steps) if before else []
        self.timed_steps, self.seconds = 0, 0.0

    def add(self, losses: np.ndarray, seconds: float) -> None:
        self._losses.append(losses)
        self.timed_steps += len(losses)
        self.seconds += seconds

    def mean_loss(self) -> float:
        return float(np.mean(np.concatenate(self._losses), dtype=np.float64))


class Account:
    """Steps, losses, updates and seconds. How many steps a call ran is what the device says, not what was asked for.

    Attributes:
      step: steps run by now, those before a resume included.
      calls: steps and seconds of each call.
      losses: float32, of the last call's steps.
      outputs: what the last call fetched.
      window: the steps since the last `take_window`.
    """

    def __init__(self, params: Params, start: Position = Position(), unlogged: Optional[Unlogged] = None) -> None:
        """Args:
          start: where this run starts.
          unlogged: steps before it that are still to be recorded.
        """
        self._params = params
        self._start = start
        self._updates: Optional[UpdateAccount] = None
        if params.loss_scale != loss_scaling.NONE:
            self._updates = UpdateAccount(start, params.max_skipped)
        self.step = self._former_step = start.steps_run
        self.calls: List[Tuple[int, float]] = []
        self.losses = np.empty(0, np.float32)
        self.outputs: Dict[str, np.ndarray] = {}
        self.window = Window(unlogged)

    def add(self, outputs: Dict[str, np.ndarray], seconds: float) -> None:
        """Takes in one call.

        Args:
          outputs: of step.outputs.
          seconds: of the session.run alone.

        Raises:
          UserError: it ran no step.
        """
        self._former_step, self.step = self.step, int(outputs['steps_run'])
        if self.step <= self._former_step:
            raise UserError('steps_run stayed at %d: a session.run did no step' % self.step)
        self.outputs = outputs
        self.calls.append((self.steps_of_call, seconds))
        self.losses = self._of_steps('loss')
        self.window.add(self.losses, seconds)

    def check(self) -> None:
        """Looks at what the last call did, and notes which updates were skipped.

        Raises:
          UserError: the weights were never initialized, or too many updates in a row were skipped.
        """
        if self._former_step == 0:
            self._check_initialization()
        if self._updates is not None:
            self.window.skipped_steps += self._updates.add(
                self._former_step + 1, self._of_steps('global_step'), float(self.outputs['loss_scale']))

    def _of_steps(self, name: str) -> np.ndarray:
        """What the last call's steps recorded, in their order."""
        if RECENT + name in self.outputs:
            return self.outputs[RECENT + name][-self.steps_of_call:]
        places = np.arange(self._former_step, self.step) % self._params.iterations_per_loop
        return self.outputs[RECORD + name][places]

    def _check_initialization(self) -> None:
        """All-zero weights, which is what an NPU makes of a wrong initialization, give the loss of a blind guess."""
        blind = np.log(self._params.num_classes)
        if abs(self.losses[0] - blind) < 1e-6:
            raise UserError('the first loss is %.6f, that of weights that are all zero: the variables were not '
                            'initialized on the device; see BUILD.md, "Symptoms"' % blind)

    @property
    def steps_of_call(self) -> int:
        """Steps of the last call."""
        return self.step - self._former_step

    @property
    def last_loss(self) -> float:
        return float(self.losses[-1])

    def passed(self, interval: int) -> bool:
        """Whether the last call came to, or went past, a multiple of `interval` steps."""
        return self.step // interval != self._former_step // interval

    def take_window(self) -> Window:
        """The steps since the last record; a new window begins."""
        window, self.window = self.window, Window()
        return window

    def counts(self) -> Dict[str, Any]:
        """Steps, updates, the last step's loss and the loss scale, as of the last call."""
        applied = int(self.outputs['global_step'])
        counts = {'steps_run': self.step, 'steps_this_run': self.step - self._start.steps_run,
                  'updates_applied': applied, 'updates_skipped': self.step - applied,
                  'loss': self.last_loss, 'loss_scale': float(self.outputs['loss_scale'])}
        if 'good_steps' in self.outputs:
            counts.update(loss_scale_good_steps=int(self.outputs['good_steps']),
                          loss_scale_bad_steps=int(self.outputs['bad_steps']))
        return counts

    def skip_rate(self) -> float:
        """The share of this run's steps whose update was skipped."""
        return self._updates.skip_rate if self._updates else 0.0

    def throughput(self, images_per_step: int) -> Throughput:
        """Images and seconds of all calls after the first, which compiles."""
        timed = self.calls[1:] or self.calls
        steps, seconds = (sum(column) for column in zip(*timed))
        return Throughput(images_per_step * steps, seconds, includes_first_call=len(self.calls) == 1)
