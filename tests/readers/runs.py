"""Of what a run leaves."""

import json
import os
from typing import Optional

import numpy as np
import tensorflow.compat.v1 as tf

from bench import whole
from lenet import flags
from lenet import platforms
from lenet.report import writing
from lenet.run import accuracy
from lenet.run import account
from lenet.run import checkpoint
from lenet.run import completion
from lenet.run import metrics
from lenet.run import mistakes
from lenet.run import results
from lenet.run import resume
from lenet.run import run_directory
from tests import trainings
from tests.readers import Reader, put, put_json, at, content, is_none, is_text

CASE = 'LeNet_ID0127_for_TensorFlow_bs6_1p_acc'
PARAMS = flags.make_params(batch_size=6, steps=6, epochs=2, iterations_per_loop=3, loss_scale='dynamic')
STEPS = 12
FACTS = {'ranks': 1, 'data': 'ab', 'tensorflow': tf.__version__}


def make_run(folder: str) -> None:
    """What a run leaves, but for its checkpoint."""
    random = np.random.RandomState(3)
    logits, labels = random.randn(37, 10).astype(np.float32), trainings.random_dataset().test.labels
    counts = accuracy.Counts(accuracy.confusion_matrix(labels, logits.argmax(axis=1), 10), 2.5)
    evaluation = accuracy.report(counts)
    steps = {'steps_run': STEPS, 'updates_applied': 11, 'loss': 0.25, 'loss_scale': 1024.0}
    put('flags.txt', '\n'.join(flags.to_lines(PARAMS)).encode())(folder)
    put_json('run.json', FACTS)(folder)
    results.write(folder, results.summarize(
        PARAMS, platforms.choose(PARAMS).start(), trainings.random_dataset(), steps, account.Throughput(72, 0.5, False),
        evaluation, mistakes.examples(logits, labels), {'steady_steps': 1.5, 'total': 2.5}, results.COMPLETED))
    put('metrics.jsonl', b''.join(json.dumps(record).encode() + b'\n' for record in [
        {'kind': 'train', 'step': 6, 'loss': 0.5, 'images_per_second': 99.5, 'loss_scale': 2048.0,
         'skipped_steps': [1]},
        {'kind': 'train', 'step': 9, 'loss': None, 'loss_scale': 1024.0, 'skipped_steps': [], 'partial': True},
        {'kind': 'train', 'step': STEPS, 'loss': 0.25, 'images_per_second': 98.5, 'loss_scale': 1024.0,
         'skipped_steps': []}, dict(evaluation, kind='evaluation', step=STEPS)]))(folder)
    put('0/train_%s_loss.txt' % CASE, b'0.5\n' * STEPS)(folder)


def read_results(folder: str) -> Optional[dict]:
    """As lenet.run.completion reads them."""
    summary = results.read(folder, STEPS)
    if summary is not None:
        results.has_log(folder, summary)
        results.closing_lines(summary)
    return summary


def read_metrics(folder: str) -> list:
    records = metrics.read_records(folder)
    completion._throughput(records, 6)
    completion._recorded_evaluation(records, STEPS)
    metrics.are_whole(folder, STEPS)
    return records


def record_on(folder: str) -> metrics.Unlogged:
    """What a resumed run takes up; it writes the records anew."""
    recorder = metrics.Recorder(folder, os.path.join(folder, '0', 'train_%s_loss.txt' % CASE), tf.Graph(), 9)
    recorder.close()
    for name in os.listdir(folder):
        if name.startswith('events.'):
            os.unlink(os.path.join(folder, name))
    return recorder.unlogged


def check_resumed(folder: str) -> None:
    resume.check(PARAMS._replace(output_dir=folder), FACTS, checkpoint.Position(9, 8))


def write_page(folder: str) -> str:
    path = os.path.join(folder, 'page.html')
    writing.write([folder], path, trainings.random_dataset().test)
    return content(folder, 'page.html').decode()


_LOSSES = '0/train_%s_loss.txt' % CASE


def is_unlogged(value: metrics.Unlogged) -> bool:
    return value.losses.dtype == np.float32


READERS = {
    'facts': Reader('run.json', make_run, run_directory.read_facts, lambda value: set(value) <= set(FACTS),
                    is_json=True, does_without=True),
    'facts at a resume': Reader('run.json', make_run, check_resumed, is_none, is_json=True, names='',
                                does_without=True),
    'flags': Reader('flags.txt', make_run, run_directory.read_flags, lambda value: value is None or value.seed >= 0,
                    does_without=True),
    'flags at a resume': Reader('flags.txt', make_run, check_resumed, is_none, names='', does_without=True),
    'results': Reader('results.json', make_run, read_results,
                      lambda value: value is None or value['steps']['steps_run'] == STEPS, is_json=True,
                      does_without=True),
    'log': Reader('0/%s.log' % CASE, make_run, read_results, lambda value: isinstance(value, dict), does_without=True),
    'metrics': Reader('metrics.jsonl', make_run, read_metrics,
                      lambda value: all(record['step'] >= 0 for record in value), is_json=True, does_without=True),
    'metrics at a resume': Reader('metrics.jsonl', make_run, record_on, is_unlogged, is_json=True, does_without=True),
    'losses': Reader(_LOSSES, make_run, lambda folder: metrics.are_whole(folder, STEPS),
                     lambda value: isinstance(value, bool), does_without=True),
    'losses at a resume': Reader(_LOSSES, make_run, record_on, is_unlogged, does_without=True),
    'page of results': Reader('results.json', make_run, write_page, is_text, is_json=True, names='', does_without=True),
    'page of metrics': Reader('metrics.jsonl', make_run, write_page, is_text, is_json=True, names='',
                              does_without=True),
    'timed run': Reader('results.json', make_run, at('results.json', lambda path: whole.read(path, 1.5)),
                        lambda value: 'images_per_second' in value, is_json=True),
}
