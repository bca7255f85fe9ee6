"""The hand-written session loop: one session.run does N steps; all else happens between the calls, untimed."""

import contextlib
import time
from typing import Any, Callable, Dict, Iterator, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.flags import Params
from lenet.graph import loss_scaling
from lenet.graph.training_graph import TrainingGraph
from lenet.platforms.base import Platform
from lenet.ranks.watchdog import Watchdog
from lenet.run import accuracy
from lenet.run import metrics
from lenet.run import mistakes
from lenet.run.account import Account
from lenet.run.ledger import Ledger
from lenet.run.saving import Checkpoints
from lenet.support import progress
from lenet.support import signals


class SessionLoop:
    """Runs the steps of a training; `account` has what they did."""

    def __init__(self, params: Params, platform: Platform, built: TrainingGraph, account: Account,
                 checkpoints: Checkpoints, recorder: metrics.Recorder, ledger: Ledger) -> None:
        self._params = params
        self._platform = platform
        self._built = built
        self._checkpoints = checkpoints
        self._recorder = recorder
        self._ledger = ledger
        self._images_per_step = params.batch_size * platform.ranks.size
        self._saved_at = account.step
        self._evaluated_at, self._evaluation, self._logits = -1, None, None
        self.account = account

    def run(self, session: tf.Session, train_op: tf.Operation, stop: signals.StopRequest) -> None:
        """Trains until all steps are run or a stop is requested, and leaves a checkpoint of the last step.

        Args:
          train_op: runs N steps.
        """
        params, account = self._params, self.account
        total = params.steps * params.epochs
        fetches = [train_op, self._built.outputs]  # one list for the whole run: an NPU would compile another one anew
        with self._watching() as beat, progress.bar(total, 'training', 'step', account.step) as advance:
            while account.step < total and not self._agree_to_stop(session, stop):
                beat()
                began = time.perf_counter()
                _, outputs = session.run(fetches)
                self._take_account(outputs, time.perf_counter() - began)
                self._show(advance)
                last = account.step >= total
                save = last or account.passed(params.checkpoint_every)
                if save or account.passed(params.log_every):
                    self._log()
                if params.evaluate and (last or account.passed(params.eval_every)):
                    self._evaluate(session)
                if save:  # after the records: a run that goes on from here finds all of them up to here
                    self._save(session)
        if account.window.seconds:  # stopped between two records
            self._log(partial=True)
        if self._saved_at != account.step:
            self._save(session)

    @contextlib.contextmanager
    def _watching(self) -> Iterator[Callable[[], None]]:
        """Several ranks could wait for each other without end: what is yielded must be called again and again."""
        if self._platform.ranks.size == 1:
            yield lambda: None
            return
        watchdog = Watchdog(self._params.rank_timeout, self._platform.ranks.rank)
        with watchdog.watching():
            yield watchdog.beat

    def _agree_to_stop(self, session: tf.Session, stop: signals.StopRequest) -> bool:
        """Whether to stop here.

        A single rank stops as soon as a signal has come. Several must stop after the same call, or some would wait for
        the others without end: this loads the signal of this rank into its variable of wishes, the next call carries
        it to all ranks, and all of them see it after that one. `stop` then has the signal that was agreed on.
        """
        if self._built.stop_wish is None:
            return stop.signum is not None
        agreed = int(self.account.outputs.get('stop', 0))
        if stop.signum is not None and not agreed:
            self._built.stop_wish.load(stop.signum, session)
        stop.signum = agreed or stop.signum
        return agreed != 0

    def _take_account(self, outputs: Dict[str, np.ndarray], seconds: float) -> None:
        """Raises:
          UserError: the call did not what it should. What it did is recorded before.
        """
        account, is_first = self.account, not self.account.calls
        try:
            account.add(outputs, seconds)
            if is_first:
                self._check_sinking()
            self._ledger.add('first_call' if is_first else 'steady_steps', seconds)
            with self._ledger.timing('logging'):
                self._recorder.losses(account.losses)
            account.check()
            self._check_weights()
        except UserError:
            if account.window.seconds:
                self._log(partial=True)  # the evidence
            raise

    def _check_sinking(self) -> None:
        """An NPU that cannot sink the loop says nothing and runs one step per session.run: right, but slow."""
        ran, n = self.account.steps_of_call, self._params.iterations_per_loop
        if ran != n:
            progress.warn('a session.run ran %d of --iterations_per_loop=%d steps: the loop was not sunk and goes '
                          'on slowly. Likely causes: %s' % (ran, n, self._platform.sinking_causes))

    def _check_weights(self) -> None:
        account, saved = self.account, self._saved_at
        if not account.outputs.get('weights_finite', True):
            raise UserError('a weight became infinite or NaN by step %d, its loss was %s: try a smaller '
                            '--learning_rate than %g, or --loss_scale=dynamic (%s)' % (
                                account.step, account.last_loss, self._params.learning_rate,
                                'the newest checkpoint is of step %d' % saved if saved
                                else 'no checkpoint was written'))

    def _show(self, advance: Callable[..., None]) -> None:
        steps, seconds = self.account.calls[-1]
        advance(steps, loss='%.4f' % self.account.last_loss,
                images_per_s='%.0f' % (self._images_per_step * steps / seconds))

    def _log(self, partial: bool = False) -> None:
        """Records the steps since the last record; `partial` ones count again when the run is resumed."""
        account = self.account
        with self._ledger.timing('logging'):
            window, counts = account.take_window(), account.counts()
            rate = self._images_per_step * window.timed_steps / window.seconds
            values = {'loss': window.mean_loss(), 'last_loss': counts['loss'],
                      'learning_rate': float(account.outputs['learning_rate']), 'images_per_second': rate}
            values.update({name: counts[name] for name in counts if name.startswith(('updates', 'loss_scale'))})
            if self._params.loss_scale != loss_scaling.NONE:
                values.update(skipped_steps=window.skipped_steps)
            if partial:
                values[metrics.PARTIAL] = True
            self._recorder.record('train', account.step, values)
            if not progress.on_terminal():
                # The reference's line to the letter: scripts find its words and take the seventh and the ninth.
                progress.say('epoch : %d----step : %d----loss : %.4f----sec/step : %.6f' % (
                    (account.step - 1) // self._params.steps + 1, account.step, values['loss'],
                    window.seconds / window.timed_steps))

    def _evaluate(self, session: tf.Session) -> None:
        step = self.account.step
        with self._ledger.timing('evaluation'):
            counts, self._logits = accuracy.run(session, self._built.evaluation)
            self._evaluated_at, self._evaluation = step, accuracy.report(counts)
        with self._ledger.timing('logging'):
            self._recorder.record('evaluation', step, self._evaluation)
            progress.say('step: %d test accuracy: %.4f (%d of %d)' %
                         (step, counts.accuracy, counts.correct, counts.images))

    def _save(self, session: tf.Session) -> None:
        with self._ledger.timing('saving'):
            self._checkpoints.save(session, self.account.step)
        self._saved_at = self.account.step

    def final_evaluation(self) -> Optional[Dict[str, Any]]:
        """accuracy.report of the weights as they are now, None if these were not evaluated."""
        return self._evaluation if self._evaluated_at == self.account.step else None

    def examples(self) -> Optional[Dict[str, Any]]:
        """mistakes.examples of the same evaluation."""
        if self._evaluated_at != self.account.step:
            return None
        return mistakes.examples(self._logits, self._built.evaluation.labels)
