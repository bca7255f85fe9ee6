"""Which updates were applied and which skipped for overflow, from what the device recorded; no extra run."""

from typing import List

import numpy as np

from lenet.errors import UserError
from lenet.run.checkpoint import Position

# Ascend's documentation: fewer than 0.5 % of the steps should overflow.
TOLERABLE_SKIP_RATE = 0.005


class UpdateAccount:
    """Account of the updates of a run."""

    def __init__(self, start: Position, max_skipped: int) -> None:
        """Args:
          start: where this run starts.
          max_skipped: consecutive skipped updates that end it.
        """
        self._max_skipped = max_skipped
        self._skipped_in_row = 0
        self._applied = start.updates_applied
        self._steps = self._skipped = 0

    def add(self, first_step: int, applied_after: np.ndarray, loss_scale: float) -> List[int]:
        """Takes in the steps of one call.

        Args:
          first_step: number of its first step, from 1.
          applied_after: integers [steps], global_step after each.
          loss_scale: after the last.

        Returns:
          The numbers of the steps whose update was skipped.

        Raises:
          UserError: the updates of too many consecutive steps were skipped.
        """
        was_applied = np.diff(applied_after, prepend=self._applied) > 0
        self._applied = int(applied_after[-1])
        self._steps += len(was_applied)
        skipped = [first_step + int(i) for i in np.flatnonzero(~was_applied)]
        self._skipped += len(skipped)
        for applied in was_applied:
            self._skipped_in_row = 0 if applied else self._skipped_in_row + 1
            if self._skipped_in_row >= self._max_skipped:
                raise UserError('every update of --max_skipped=%d consecutive steps was skipped for overflow (loss '
                                'scale now %g, step %d): lower --learning_rate or the first loss scale' %
                                (self._max_skipped, loss_scale, first_step + len(was_applied) - 1))
        return skipped

    @property
    def skip_rate(self) -> float:
        """The share of this run's steps whose update was skipped."""
        return self._skipped / self._steps if self._steps else 0.0
