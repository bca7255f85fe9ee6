"""From one stack to the other: a checkpoint goes on, a frozen graph answers, the losses agree.

Needs the environments of both stacks, as `LENET_STACK=tf1 ./run_1p.sh --help` and the same with tf2 make them.
"""

import csv
import json
import os
import sys
from typing import Optional

import numpy as np
import pytest

from lenet.support import stack
from tests import processes
from tests import stacks

RUN = ('--batch_size=16', '--steps=20', '--iterations_per_loop=10', '--log_every=10', '--loss_scale=dynamic')


def other_python() -> Optional[str]:
    """The interpreter of the other stack's environment, where setup_env.sh has made it."""
    place = os.environ.get('LENET_VENV') or os.path.join(processes.ROOT, '.venv')
    place += '-tf2' if stack.IS_FIRST else ''
    return os.path.join(place, 'bin', 'python') if os.path.exists(stacks.stamp_of(place)) else None


# Who writes and who reads; the other stack's suite has them the other way round.
FIRST, SECOND = sys.executable, other_python()

pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    SECOND is None, reason='the environment of the other stack is not set up: LENET_STACK=%s ./run_1p.sh --help does '
                           'that' % ('tf2' if stack.IS_FIRST else 'tf1'))]


def run(python, module, *arguments):
    ended = processes.run_module(module, *arguments, python=python)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def train(python, output_dir, digits, *arguments):
    """Trains, and returns (the loss of every step, results.json)."""
    run(python, 'lenet.train', '--output_dir=%s' % output_dir, '--data_path=' + digits, *RUN + arguments)
    results = json.loads((output_dir / 'results.json').read_text())
    return np.loadtxt(str(output_dir / '0' / ('train_%s_loss.txt' % results['case']))), results


def test_a_run_that_changes_stacks_loses_what_one_that_stays_does(digits, tmp_path):
    whole, _ = train(FIRST, tmp_path / 'whole', digits, '--epochs=2')
    train(FIRST, tmp_path / 'moved', digits, '--epochs=1')
    moved, results = train(SECOND, tmp_path / 'moved', digits, '--epochs=2', '--resume')
    assert results['steps']['steps_run'] == 40 and results['steps']['steps_this_run'] == 20
    np.testing.assert_allclose(moved, whole, rtol=1e-4)


def test_a_frozen_network_answers_as_where_it_was_frozen(digits, tmp_path):
    train(FIRST, tmp_path / 'run', digits, '--epochs=1')
    names = {name: str(tmp_path / name) for name in ('pb_path', 'tflite', 'tflite_int8')}
    run(FIRST, 'lenet.freeze', '--output_dir=%s' % (tmp_path / 'run'), '--data_path=' + digits,
        *('--%s=%s' % flag for flag in names.items()))
    for name, path in names.items():
        answers = []
        for python in (FIRST, SECOND):
            run(python, 'lenet.infer', '--model_path=' + path, '--data_dir=' + digits, '--csv_out=%s.csv' % path)
            with open(path + '.csv') as stream:
                answers.append(np.array([row[3:] for row in list(csv.reader(stream))[1:]], float))
        assert len(answers[0]) == 1007
        np.testing.assert_allclose(*answers, atol=0.01 if name == 'tflite_int8' else 1e-5)
    assert 'correct: ' in run(SECOND, 'lenet.evaluate', '--output_dir=%s' % (tmp_path / 'run'), '--data_path=' + digits)
