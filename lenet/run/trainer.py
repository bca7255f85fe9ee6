"""A training run: Params -> platform -> data -> graph -> session loop -> results."""

import contextlib
from typing import Any, Dict, Optional

import numpy as np
import tensorflow.compat.v1 as tf

import lenet
from lenet import platforms
from lenet.data import dataset
from lenet.graph import loss_scaling
from lenet.graph import model
from lenet.graph import training_graph
from lenet.run import agreement
from lenet.run import checkpoint
from lenet.run import metrics
from lenet.run import results
from lenet.run import resume
from lenet.run import run_directory
from lenet.run import transfer
from lenet.run.ledger import Ledger
from lenet.run.session_loop import SessionLoop
from lenet.run.update_account import TOLERABLE_SKIP_RATE
from lenet.support import progress
from lenet.support import signals


def train(params: Any) -> int:
    """Trains, evaluates, reports.

    Args:
      params: a completed flags.Params.

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
        platform = platforms.choose(params)
    with contextlib.ExitStack() as stack:
        if platform.rank == 0:  # all ranks train, one writes
            stack.enter_context(run_directory.locked(params))
        return _train(params, platform, ledger)


def _train(params: Any, platform: Any, ledger: Ledger) -> int:
    reads = platform.rank == 0 or not platform.ranks.gathers  # checkpoints; the others get what it broadcasts
    newest, start = None, checkpoint.Position()
    if reads:
        newest, start = resume.starting_point(params)
    with ledger.timing('data'):
        data = dataset.open_dataset(params.data_path, params.seed, params.num_classes)
        facts = run_directory.facts(platform.size, data)
    start = agreement.reach(platform.ranks, params, facts, start)
    if start.steps_run >= params.steps * params.epochs:
        progress.say('%s: all %d steps are done; more --epochs go on from there' % (newest, start.steps_run))
        return 0
    # Before a former run, which may hold them, is moved.
    transferred = _read_transferred(params) if reads else {}
    if newest is not None:
        resume.check(params, facts, start)
    if platform.rank == 0:
        run_directory.prepare(params, facts, keep=newest is not None)
    with ledger.timing('graph'):
        built = training_graph.build(params, platform, data, start.steps_run)
    with built.graph.as_default(), tf.Session(config=platform.session_config()) as session:
        with ledger.timing('graph'):
            checkpoints = checkpoint.Checkpoints(params.output_dir, params.ckpt_count, writes=platform.rank == 0)
            training_graph.initialize(session, built,
                                      lambda: _load(session, params, checkpoints, built, newest, transferred))
            train_op = platform.sink(session, built.train_op)
        loss_file = results.loss_file(params.output_dir, params, platform.size)
        recorder = (metrics.Recorder(params.output_dir, loss_file, built.graph, start.steps_run)
                    if platform.rank == 0 else metrics.NoRecorder())
        with contextlib.closing(recorder), signals.deferred() as stop, platform.ranks.explaining():
            loop = SessionLoop(params, platform, built, checkpoints, recorder, ledger, start)
            loop.run(session, train_op, stop)
            _report(params, platform, data, loop, ledger, stop)
    return 128 + stop.signum if stop.signum else 0


def _read_transferred(params: Any) -> Dict[str, np.ndarray]:
    """The weights that --restore_path holds for this network, none without it; tells what becomes of each variable."""
    shapes = model.variable_shapes(params.num_classes)
    frozen = transfer.frozen(params.freeze_variables, shapes)
    values: Dict[str, np.ndarray] = {}
    found: Dict[str, Any] = {}
    if params.restore_path is not None:
        values, found = transfer.read_weights(params.restore_path, shapes, params.restore_exclude)
    if values or frozen:
        for line in transfer.table(shapes, values, found, frozen, resumed=params.resume):
            progress.say(line)
    return values


def _load(session: tf.Session, params: Any, checkpoints: checkpoint.Checkpoints,
          built: training_graph.TrainingGraph, newest: Optional[str], transferred: Dict[str, np.ndarray]) -> None:
    if newest:
        checkpoints.restore(session, newest)
        loss_scaling.start_if_never_used(session, loss_scaling.from_params(params))
        progress.say('resumed from %s' % newest)
    for name, value in transferred.items():
        built.weights[name].load(value, session)


def _report(params: Any, platform: Any, data: dataset.Dataset, loop: SessionLoop, ledger: Ledger,
            stop: signals.StopRequest) -> None:
    if not loop.calls or platform.rank != 0:
        return
    complete = loop.step >= params.steps * params.epochs
    ended = 'completed' if complete else str(signals.Interrupted(stop.signum))
    summary = results.summarize(params, platform, data, loop.counts(), loop.throughput(), loop.final_evaluation(),
                                ledger.report(), ended)
    results.write(params.output_dir, summary)
    for line in results.closing_lines(summary):
        progress.say(line)
    if loop.skip_rate() > TOLERABLE_SKIP_RATE:
        progress.warn('%.2f %% of the updates were skipped for overflow, more than %.1f %%: a smaller first loss scale '
                      'loses fewer' % (100 * loop.skip_rate(), 100 * TOLERABLE_SKIP_RATE))
    if not complete:
        progress.warn('%s after step %d of %d; --resume goes on from there' %
                      (ended, loop.step, params.steps * params.epochs))
