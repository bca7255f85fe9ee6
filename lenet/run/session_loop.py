"""The hand-written session loop: one session.run does N steps; all else happens between the calls, untimed."""

import contextlib
import time
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.graph import loss_scaling
from lenet.graph import training_graph
from lenet.ranks.watchdog import Watchdog
from lenet.run import accuracy
from lenet.run import checkpoint
from lenet.run import metrics
from lenet.run import results
from lenet.run.ledger import Ledger
from lenet.run.update_account import UpdateAccount
from lenet.support import progress
from lenet.support import signals


class SessionLoop:
    """Runs the steps and keeps account of them."""

    def __init__(self, params: Any, platform: Any, built: training_graph.TrainingGraph,
                 checkpoints: checkpoint.Checkpoints, recorder: metrics.Recorder, ledger: Ledger,
                 start: checkpoint.Position) -> None:
        self._params = params
        self._platform = platform
        self._built = built
        self._checkpoints = checkpoints
        self._recorder = recorder
        self._ledger = ledger
        self._start = start
        self._saved_at = start.steps_run
        self._images_per_step = params.batch_size * platform.size
        self._evaluated_at, self._evaluation = -1, None
        self._outputs: Dict[str, np.ndarray] = {}  # of the last call
        self._unlogged = _Window(recorder.unlogged)
        self._updates: Optional[UpdateAccount] = None
        if params.loss_scale != loss_scaling.NONE:
            self._updates = UpdateAccount(start, params.max_skipped)
        self.step = self._former_step = start.steps_run  # steps run by now, and before the last call
        self.calls: List[Tuple[int, float]] = []  # steps and seconds of each

    def run(self, session: tf.Session, train_op: tf.Operation, stop: signals.StopRequest) -> None:
        """Trains until all steps are run or a stop is requested, and leaves a checkpoint of the last step.

        Args:
          train_op: runs N steps.
        """
        total = self._params.steps * self._params.epochs
        fetches = [train_op, self._built.outputs]  # one list for the whole run: an NPU would compile another one anew
        watchdog = Watchdog(self._params.rank_timeout, self._platform.rank)
        with contextlib.ExitStack() as stack:
            if self._platform.size > 1:
                stack.enter_context(watchdog.watching())
            advance = stack.enter_context(progress.bar(total, 'training', 'step', self.step))
            while self.step < total and not self._is_stopped(session, stop):
                watchdog.beat()
                began = time.perf_counter()
                _, outputs = session.run(fetches)
                seconds = time.perf_counter() - began
                try:
                    self._account(outputs, seconds)
                except UserError:
                    if self._unlogged.seconds:
                        self._log(partial=True)  # the evidence
                    raise
                advance(self.step - self._former_step, loss='%.4f' % self._last_loss(),
                        images_per_s='%.0f' % (self._images_per_step * (self.step - self._former_step) / seconds))
                self._at_intervals(session, last=self.step >= total)
        # A stop may be requested at any moment, also while the intervals of the last call were dealt with.
        if self._unlogged.seconds:
            self._log(partial=True)
        if self._saved_at != self.step:
            self._save(session)

    def _is_stopped(self, session: tf.Session, stop: signals.StopRequest) -> bool:
        """One rank stops where it is. Several stop together, or some would wait for the others without end: a signal to
        one of them is a wish that the next call carries to all."""
        if self._built.stop_wish is None:
            return stop.signum is not None
        agreed = int(self._outputs.get('stop', 0))
        if stop.signum is not None and not agreed:
            self._built.stop_wish.load(stop.signum, session)
        stop.signum = agreed or stop.signum
        return agreed != 0

    def _account(self, outputs: Dict[str, np.ndarray], seconds: float) -> None:
        """Takes in one call. How many steps it ran is what the device counted, not what was asked for."""
        n = self._params.iterations_per_loop
        self._former_step, self.step = self.step, int(outputs['steps_run'])
        if self.step <= self._former_step:
            raise UserError('steps_run stayed at %d: a session.run did no step' % self.step)
        self._outputs = outputs
        if not self.calls:
            self._check_sinking(n)
            self._check_initialization()
        self._ledger.add('steady_steps' if self.calls else 'first_call', seconds)
        self.calls.append((self.step - self._former_step, seconds))
        places = np.arange(self._former_step, self.step) % n
        losses = outputs['record/loss'][places]
        self._unlogged.add(losses, seconds)
        with self._ledger.timing('logging'):
            self._recorder.losses(losses)
        self._unlogged.skipped_steps += self._account_updates(places)
        if not outputs['weights_finite']:
            raise UserError('a weight became infinite or NaN by step %d, its loss was %s: try a smaller '
                            '--learning_rate than %g, or --loss_scale=dynamic (%s)' % (
                                self.step, self._last_loss(), self._params.learning_rate, self._newest_checkpoint()))

    def _check_initialization(self) -> None:
        """All-zero weights, which is what an NPU makes of a wrong initialization, give the loss of a blind guess."""
        blind = np.log(self._params.num_classes)
        if self._former_step == 0 and abs(self._outputs['record/loss'][0] - blind) < 1e-6:
            raise UserError('the first loss is %.6f, that of weights that are all zero: the variables were not '
                            'initialized on the device; see BUILD.md, "Symptoms"' % blind)

    def _account_updates(self, places: np.ndarray) -> List[int]:
        """Returns the numbers of the steps whose update was skipped; `places` are those of the call's steps."""
        if self._updates is None:
            return []
        return self._updates.add(self._former_step + 1, self._outputs['record/global_step'][places],
                                 float(self._outputs['loss_scale']))

    def _check_sinking(self, n: int) -> None:
        """An NPU that cannot sink the loop says nothing and runs one step per session.run: right, but slow."""
        ran = self.step - self._former_step
        if ran != n:
            progress.warn('a session.run ran %d of --iterations_per_loop=%d steps: the loop was not sunk and goes '
                          'on slowly. Likely causes: %s' % (ran, n, self._platform.sinking_causes))

    def _last_loss(self) -> float:
        return float(self._outputs['record/loss'][(self.step - 1) % self._params.iterations_per_loop])

    def _newest_checkpoint(self) -> str:
        return 'the newest checkpoint is of step %d' % self._saved_at if self._saved_at else 'no checkpoint was written'

    def _at_intervals(self, session: tf.Session, last: bool) -> None:
        def due(interval: int) -> bool:
            return last or self.step // interval != self._former_step // interval

        save = due(self._params.checkpoint_every)
        if save or due(self._params.log_every):
            self._log()
        if self._params.evaluate and due(self._params.eval_every):
            self._evaluate(session)
        if save:  # last: a run that goes on from here finds all records up to here
            self._save(session)

    def _log(self, partial: bool = False) -> None:
        """Records the steps since the last record; `partial` ones count again when the run is resumed."""
        with self._ledger.timing('logging'):
            window, self._unlogged = self._unlogged, _Window()
            losses, counts = window.losses(), self.counts()
            rate = self._images_per_step * window.timed_steps / window.seconds
            mean = float(np.mean(losses, dtype=np.float64))
            values = {'loss': mean, 'last_loss': counts['loss'],
                      'learning_rate': float(self._outputs['learning_rate']), 'images_per_second': rate}
            values.update({name: counts[name] for name in counts if name.startswith(('updates', 'loss_scale'))})
            if self._updates is not None:
                values.update(skipped_steps=window.skipped_steps)
            if partial:
                values[metrics.PARTIAL] = True
            self._recorder.record('train', self.step, values)
            if not progress.on_terminal():
                progress.say('epoch: %d step: %d loss: %.4f sec/step: %.5f images/sec: %.1f' % (
                    (self.step - 1) // self._params.steps + 1, self.step, mean, window.seconds / window.timed_steps,
                    rate))

    def _evaluate(self, session: tf.Session) -> None:
        with self._ledger.timing('evaluation'):
            counts = accuracy.run(session, self._built.evaluation)
            self._evaluated_at, self._evaluation = self.step, accuracy.report(counts)
        with self._ledger.timing('logging'):
            self._recorder.record('evaluation', self.step, self._evaluation)
            progress.say('step: %d test accuracy: %.4f (%d of %d)' %
                         (self.step, counts.accuracy, counts.correct, counts.images))

    def _save(self, session: tf.Session) -> None:
        with self._ledger.timing('saving'):
            self._checkpoints.save(session, self.step)
        self._saved_at = self.step

    def counts(self) -> Dict[str, Any]:
        """Steps, updates, the last step's loss and the loss scale, as of the last call."""
        applied = int(self._outputs['global_step'])
        counts = {'steps_run': self.step, 'steps_this_run': self.step - self._start.steps_run,
                  'updates_applied': applied, 'updates_skipped': self.step - applied,
                  'loss': self._last_loss(), 'loss_scale': float(self._outputs['loss_scale'])}
        if 'good_steps' in self._outputs:
            counts.update(loss_scale_good_steps=int(self._outputs['good_steps']),
                          loss_scale_bad_steps=int(self._outputs['bad_steps']))
        return counts

    def skip_rate(self) -> float:
        """The share of this run's steps whose update was skipped."""
        return self._updates.skip_rate if self._updates else 0.0

    def throughput(self) -> results.Throughput:
        """Of all calls after the first, which compiles."""
        timed = self.calls[1:] or self.calls
        steps, seconds = (sum(column) for column in zip(*timed))
        return results.Throughput(self._images_per_step * steps, seconds, includes_first_call=len(self.calls) == 1)

    def final_evaluation(self) -> Optional[Dict[str, Any]]:
        """accuracy.report of the weights as they are now, None if these were not evaluated."""
        return self._evaluation if self._evaluated_at == self.step else None


class _Window:
    """The steps since the last record."""

    def __init__(self, before: Optional[metrics.Unlogged] = None) -> None:
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

    def losses(self) -> np.ndarray:
        return np.concatenate(self._losses)
