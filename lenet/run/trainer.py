"""A training run: Params -> platform -> data -> graph -> session loop -> results."""

import contextlib
import os
from typing import Any, Callable, Dict, Iterator, Optional

import numpy as np
import tensorflow.compat.v1 as tf

import lenet
from lenet import platforms
from lenet.checks import ready
from lenet.data import dataset
from lenet.data.splits import Split
from lenet.flags import Params
from lenet.graph import loss_scaling
from lenet.graph import model
from lenet.graph import name_patterns
from lenet.graph import training_graph
from lenet.platforms.base import Platform
from lenet.ranks.base import Ranks
from lenet.ranks.watchdog import Watchdog
from lenet.run import agreement
from lenet.run import checkpoint
from lenet.run import completion
from lenet.run import metrics
from lenet.run import network_record
from lenet.run import results
from lenet.run import resume
from lenet.run import run_directory
from lenet.run import saving
from lenet.run import transfer
from lenet.run.account import Account
from lenet.run.ledger import Ledger
from lenet.run.session_loop import SessionLoop
from lenet.run.update_account import TOLERABLE_SKIP_RATE
from lenet.support import progress
from lenet.support import signals


def train(params: Params, show: Callable[[str, Split], str] = lambda directory, test: '') -> int:
    """Trains, evaluates, reports.

    Args:
      params: completed.
      show: called at the end, on the rank that writes, with the run's directory and the test images; returns a few
        words on where what it made is.

    Returns:
      The exit status: 0, or 128 + the signal that stopped the run.

    Raises:
      UserError: data, flags, files or the training itself went wrong.
    """
    ledger = Ledger(lenet.START)
    ledger.add('imports', ledger.total())
    if params.autotune:
        progress.warn('--autotune belongs to an early Ascend toolkit and has no effect')
    with ledger.timing('platform'):
        ready.require(params)
        platform = platforms.choose(params).start()
    with contextlib.ExitStack() as stack:
        if platform.ranks.rank == 0:  # all ranks train, one writes
            stack.enter_context(run_directory.locked(params))
        return _train(params, platform, ledger, show)


def _train(params: Params, platform: Platform, ledger: Ledger, show: Callable[[str, Split], str]) -> int:
    ranks = platform.ranks
    # Rank 0 reads the checkpoint and broadcasts all that is in it. Ranks that can only broadcast weights (not
    # `gathers`) read it themselves.
    reads = ranks.rank == 0 or not ranks.gathers
    newest, start = resume.find_start(params) if reads else (None, checkpoint.Position())
    with ledger.timing('data'):
        data = dataset.open_for(params, params.num_classes)
        facts = run_directory.facts(ranks.size, data)
    if ranks.gathers:
        with _waiting(params, ranks):
            start = agreement.reach(ranks, params, facts, start)
    if start.steps_run >= params.steps * params.epochs:
        progress.say('%s: all %d steps are done; more --epochs go on from there' % (newest, start.steps_run))
        if ranks.rank == 0:
            completion.complete(params, platform, data, newest, start, facts, ledger)
            if not os.path.exists(os.path.join(params.output_dir, run_directory.REPORT)):
                show(params.output_dir, data.test)
        return 0
    # Before a former run, which may hold them, is moved.
    transferred = _read_transferred(params) if reads else {}
    if newest is not None:
        resume.check(params, facts, start, checkpoint.read_record(newest))
    if ranks.rank == 0:
        run_directory.prepare(params, facts, keep=newest is not None)
    if data.dark_on_light and ranks.rank == 0:
        progress.warn('%s: its images are dark on light, where those of MNIST are light on dark: the network learns '
                      'them so, and lenet.predict goes by that' % data.origin)
    with ledger.timing('graph'):
        built = training_graph.build(params, platform, data, start.steps_run)
    ready.require_operators(params, built)
    with built.graph.as_default(), platform.session() as session:
        with ledger.timing('graph'):
            record = network_record.NetworkRecord(params.activation, params.num_classes, data.dark_on_light)
            checkpoints = saving.Checkpoints(params.output_dir, params.ckpt_count, record, writes=ranks.rank == 0)
            with _waiting(params, ranks):
                training_graph.initialize(session, built,
                                          lambda: _load(session, params, checkpoints, built, newest, transferred))
            train_op = platform.sink(session, built.train_op)
        recorder = metrics.NoRecorder()
        if ranks.rank == 0:
            recorder = metrics.Recorder(params.output_dir, results.loss_file(params.output_dir, params, ranks.size),
                                        built.graph, start.steps_run)
        account = Account(params, start, recorder.unlogged)
        with contextlib.closing(recorder), signals.deferred() as stop, ranks.explaining():
            loop = SessionLoop(params, platform, built, account, checkpoints, recorder, ledger)
            loop.run(session, train_op, stop)
            _report(params, platform, data, loop, ledger, stop, show)
    return 128 + stop.signum if stop.signum else 0


@contextlib.contextmanager
def _waiting(params: Params, ranks: Ranks) -> Iterator[None]:
    """Around what waits for other ranks before the loop does: where one has ended or stands still, a line tells it."""
    with contextlib.ExitStack() as stack:
        if ranks.size > 1:
            stack.enter_context(Watchdog(params.rank_timeout, ranks.rank).watching())
        stack.enter_context(ranks.explaining())
        yield


def _read_transferred(params: Params) -> Dict[str, np.ndarray]:
    """The weights that --restore_path holds for this network, none without it; tells what becomes of each variable."""
    shapes = model.variable_shapes(params.num_classes)
    untrained = name_patterns.choose_untrained(params.freeze_variables, shapes)
    values: Dict[str, np.ndarray] = {}
    stored: Dict[str, Any] = {}
    if params.restore_path is not None:
        values, stored = transfer.read_weights(params.restore_path, shapes, params.restore_exclude,
                                                params.activation)
    if values or untrained:
        for line in transfer.table(shapes, values, stored, untrained, resumed=params.resume):
            progress.say(line)
    return values


def _load(session: tf.Session, params: Params, checkpoints: saving.Checkpoints,
          built: training_graph.TrainingGraph, newest: Optional[str], transferred: Dict[str, np.ndarray]) -> None:
    if newest:
        checkpoints.restore(session, newest)
        loss_scaling.start_if_never_used(session, loss_scaling.from_params(params))
        progress.say('resumed from %s' % newest)
    for name, value in transferred.items():
        built.weights[name].load(value, session)


def _report(params: Params, platform: Platform, data: dataset.Dataset, loop: SessionLoop, ledger: Ledger,
            stop: signals.StopRequest, show: Callable[[str, Split], str]) -> None:
    account, total = loop.account, params.steps * params.epochs
    if not account.calls or platform.ranks.rank != 0:
        return
    complete = account.step >= total
    ended = results.COMPLETED if complete else str(signals.Interrupted(stop.signum))
    throughput = account.throughput(params.batch_size * platform.ranks.size)
    summary = results.summarize(params, platform, data, account.counts(), throughput, loop.final_evaluation(),
                                loop.examples(), ledger.report(), ended)
    results.write(params.output_dir, summary)
    page = show(params.output_dir, data.test)
    for line in results.closing_lines(summary, page if progress.on_terminal() else ''):
        progress.say(line)
    if account.skip_rate() > TOLERABLE_SKIP_RATE:
        progress.warn('%.2f %% of the updates were skipped for overflow, more than %.1f %%: a smaller first loss scale '
                      'loses fewer' % (100 * account.skip_rate(), 100 * TOLERABLE_SKIP_RATE))
    if not complete:
        progress.warn('%s after step %d of %d; --resume goes on from there' % (ended, account.step, total))
