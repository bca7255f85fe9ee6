"""A run that has all its steps, but perhaps not all that it leaves at its end: it was killed between its last
checkpoint and its last record, or a file was lost since. A resume makes what is missing from the checkpoint and the
other records."""

import contextlib
import math
from typing import Any, Dict, List, Optional, Tuple

import tensorflow.compat.v1 as tf

from lenet.data.splits import Dataset
from lenet.flags import Params
from lenet.graph import evaluation
from lenet.graph import loss_scaling
from lenet.graph import model
from lenet.graph import step
from lenet.platforms.base import Platform
from lenet.run import accuracy
from lenet.run import checkpoint
from lenet.run import metrics
from lenet.run import mistakes
from lenet.run import results
from lenet.run import resume
from lenet.run import saving
from lenet.run.account import Throughput
from lenet.run.ledger import Ledger
from lenet.support import progress


def complete(params: Params, platform: Platform, data: Dataset, newest: str, start: checkpoint.Position,
             facts: Dict[str, Any], ledger: Ledger) -> None:
    """Writes which end records are missing, damaged or of another step; nothing where all are there.

    Args:
      newest: the checkpoint after the last step.
      start: its position.
      facts: run_directory.facts of now.

    Raises:
      UserError: one cannot be written, or the flags are those of another run.
    """
    directory, steps, size = params.output_dir, start.steps_run, platform.ranks.size
    saving.clear_up(directory)
    summary, records = results.read(directory, steps), metrics.read_records(directory)
    recorded = _recorded_evaluation(records, steps)
    if summary and results.has_log(directory, summary) and metrics.are_whole(directory, steps) and \
            (recorded or not summary['evaluation']):
        return
    resume.check(params, facts, start, checkpoint.read_record(newest))
    saving.settle(directory, params.ckpt_count)
    evaluated, examples = (summary['evaluation'] if summary else recorded), None
    if params.evaluate and not (summary and evaluated):
        evaluated, examples = _evaluate(params, platform, data, newest)
    with contextlib.closing(metrics.Recorder(directory, results.loss_file(directory, params, size),
                                             tf.Graph(), steps)) as recorder:
        if evaluated and not recorded:
            recorder.record('evaluation', steps, evaluated)
        loss = recorder.last_loss
    if not summary:
        throughput = _throughput(records, params.batch_size * size)
        summary = results.summarize(params, platform, data, _counts(params, newest, start, loss), throughput, evaluated,
                                    examples, ledger.report(), results.COMPLETED)
    results.write(directory, summary)
    progress.say('wrote what was missing of its records')
    for line in results.closing_lines(summary):
        progress.say(line)


def _recorded_evaluation(records: List[Dict[str, Any]], steps: int) -> Optional[Dict[str, Any]]:
    """accuracy.report as metrics.jsonl has it."""
    for record in records:
        if record['step'] == steps and record.get('kind') == 'evaluation':
            return {name: value for name, value in record.items() if name not in ('kind', 'step')}
    return None


def _evaluate(params: Params, platform: Platform, data: Dataset, path: str) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """accuracy.report and mistakes.examples of a checkpoint, by this process alone."""
    with tf.Graph().as_default(), tf.variable_scope('', use_resource=platform.use_resource), \
            tf.Session(config=platform.session_config()) as session:
        variables = model.create_variables(params.activation, params.seed, params.num_classes)
        graph = evaluation.build(data.test, variables, step.computed_form(params, platform), params.eval_batch_size,
                                 params.replicas)
        session.run(tf.global_variables_initializer())
        for name, value in checkpoint.read(path, list(variables)).items():
            variables[name].load(value, session)
        counts, logits = accuracy.run(session, graph)
        return accuracy.report(counts), mistakes.examples(logits, data.test.labels)


def _counts(params: Params, path: str, start: checkpoint.Position, loss: float) -> Dict[str, Any]:
    """As Account.counts, from a checkpoint."""
    scale = loss_scaling.from_params(params)
    counts = {'steps_run': start.steps_run, 'steps_this_run': 0, 'updates_applied': start.updates_applied,
              'updates_skipped': start.steps_run - start.updates_applied, 'loss': loss, 'loss_scale': scale.value}
    if scale.kind == loss_scaling.DYNAMIC:
        stored = checkpoint.read(path, ['loss_scale', 'good_steps', 'bad_steps'])
        counts.update(loss_scale=float(stored['loss_scale']), loss_scale_good_steps=int(stored['good_steps']),
                      loss_scale_bad_steps=int(stored['bad_steps']))
    return counts


def _throughput(records: List[Dict[str, Any]], images_per_step: int) -> Throughput:
    """As Account.throughput, from the records of metrics.jsonl: the first has the first call in it."""
    windows, former = [], 0
    for record in records:
        rate = record.get('images_per_second')
        if record.get('kind') == 'train' and metrics.PARTIAL not in record and isinstance(rate, float) and rate > 0:
            windows.append((images_per_step * (record['step'] - former), rate))
            former = record['step']
    timed = windows[1:] or windows
    return Throughput(sum(images for images, _ in timed), math.fsum(images / rate for images, rate in timed),
                      includes_first_call=len(windows) < 2)
