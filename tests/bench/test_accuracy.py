import json
import os

import pytest

from bench import accuracy
from bench import bench_flags
from lenet import flags
from lenet.errors import UsageError, UserError
from lenet.support import machine
from tests import processes

RUN = ('--steps=20', '--epochs=1', '--batch_size=8', '--iterations_per_loop=10')


def result(seed, correct):
    return {'seed': seed, 'accuracy': correct / 10000, 'correct': correct, 'images': 10000, 'seconds': 10.0 * seed,
            'steps': 40, 'ms_per_step': 2.5, 'replicas': 2, 'versions': {'tensorflow': '1.15.0'}}


@pytest.mark.slow
def test_seeds_are_trained_at_once_each_on_its_own_core_and_their_runs_kept(digits, tmp_path):
    at_once = min(2, machine.usable_cores())
    ended = processes.run_module('bench.accuracy', *RUN, '--data_path=' + digits, '--seed=3', '--seeds=2',
                                 '--at_once=%d' % at_once, '--keep=%s/kept' % tmp_path,
                                 '--json_out=%s/report.json' % tmp_path)
    assert ended.returncode == 0 and ended.stderr == '', ended.stderr
    report = json.loads((tmp_path / 'report.json').read_text())
    assert [one['seed'] for one in report['seeds']] == [3, 4]
    for one in report['seeds']:
        kept = json.loads((tmp_path / 'kept' / ('seed_%d' % one['seed']) / 'results.json').read_text())
        assert kept['flags']['seed'] == one['seed'] and kept['evaluation']['accuracy'] == one['accuracy']
        assert one['images'] == 1007 and one['steps'] == 20
        assert kept['machine']['usable_cores'] == machine.usable_cores() // at_once
    assert report['mean'] == pytest.approx(sum(one['accuracy'] for one in report['seeds']) / 2)
    lines = ended.stdout.splitlines()
    assert sorted(line.split(':')[0] for line in lines[:2]) == ['seed 3', 'seed 4']
    assert 'accuracy over 2 seeds: mean %.4f' % report['mean'] in ended.stdout


def test_mean_and_standard_deviation_are_over_the_seeds():
    report = accuracy.summarize([result(1, 9950), result(2, 9960), result(3, 9940)], flags.make_params())
    assert report['mean'] == pytest.approx(0.995) and report['standard_deviation'] == pytest.approx(0.001)
    assert (report['min'], report['max'], report['mean_seconds']) == (0.994, 0.996, 20)
    printed = accuracy.lines(report)
    assert '| 2    | 0.9960   | 9960 of 10000 | 20.0   | 2.50    |' in printed
    assert 'accuracy over 3 seeds: mean 0.9950, standard deviation 0.0010, 0.9940 to 0.9960; 20.0 s each' in printed


def test_one_seed_has_no_deviation():
    report = accuracy.summarize([result(1, 9950)], flags.make_params())
    assert report['standard_deviation'] is None and 'standard deviation unknown' in '\n'.join(accuracy.lines(report))


def test_a_training_that_fails_ends_all(monkeypatch, tmp_path):
    started = []

    def train(params, seed, output_dir):
        started.append(os.path.basename(output_dir))
        raise UserError('seed %d: ended with status 1: what went wrong' % seed)
    monkeypatch.setattr(accuracy, 'train', train)
    with pytest.raises(UserError, match='seed 1: ended with status 1: what went wrong'):
        accuracy.measure(flags.make_params(), list(range(1, 50)), str(tmp_path), [[]], print)
    assert started[0] == 'seed_1' and len(started) < 49


def test_cores_are_divided_into_equal_parts(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {9, 2, 5, 7, 8}, raising=False)
    monkeypatch.setattr(os, 'sched_setaffinity', lambda *unused: None, raising=False)
    monkeypatch.setattr(machine, 'usable_cores', lambda: 5)
    assert accuracy.share_cores(1) == [[]] and accuracy.share_cores(2) == [[2, 5], [7, 8]]
    with pytest.raises(UsageError, match='--at_once=6: 5 cores'):
        accuracy.share_cores(6)


@pytest.mark.parametrize('arguments, words', [
    (['--seeds=0'], '--seeds'), (['--noevaluate'], '--noevaluate leaves no accuracy'),
    (['--resume'], '--resume is of one run'), (['--keep='], '--keep= is empty'),
    (['--seed=2147483647', '--seeds=2'], 'seeds go to 2147483647'), (['--batch_size=0'], '--batch_size')],
    ids=['no seeds', 'noevaluate', 'resume', 'keep', 'last seed', 'training'])
def test_a_wrong_command_line_ends_in_one_line_and_status_2(arguments, words):
    ended = processes.run_module('bench.accuracy', *arguments)
    assert ended.returncode == 2 and ended.stdout == '' and len(ended.stderr.splitlines()) == 1, ended.stderr
    assert words in ended.stderr


def test_the_flags_of_training_mean_what_they_mean_there():
    values = bench_flags.absl_flags.FlagValues()
    bench_flags.define_accuracy(values)
    values(['x', '--flagfile=%s/accurate.flags' % processes.ROOT])
    params = flags.complete(flags.read(values), 'cpu')
    assert (params.steps * params.epochs, params.activation, params.augment) == (48000, 'relu', 'elastic')
    assert (params.batch_size, params.learning_rate, params.warmup_steps) == (64, 0.0015, 600)
