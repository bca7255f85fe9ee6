import json
import os
import signal
import subprocess

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import flags
from lenet.data import dataset
from lenet.errors import UserError
from lenet.graph import step
from lenet.platforms import cpu
from lenet.run import account
from lenet.run import checkpoint
from lenet.run import run_directory
from lenet.run import trainer
from tests import trainings


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Trains in this process on noise, through the real trainer; returns (status, results, metrics)."""
    monkeypatch.setattr(dataset, 'open_dataset', lambda *unused: trainings.random_dataset())

    def run(**values):
        values = dict(dict(batch_size=6, steps=6, epochs=2, iterations_per_loop=3, log_every=3), **values)
        status = trainer.train(flags.make_params(output_dir=str(tmp_path), **values))
        results = json.loads((tmp_path / 'results.json').read_text())
        metrics = [json.loads(line) for line in (tmp_path / 'metrics.jsonl').read_text().splitlines()]
        return status, results, metrics
    return run


def kinds(metrics, kind):
    return [line for line in metrics if line['kind'] == kind]


def test_calls_report_mean_and_last_loss_and_updates(train):
    status, results, metrics = train()
    assert status == 0 and results['ended'] == 'completed'
    losses = np.loadtxt(results['flags']['output_dir'] + '/0/train_%s_loss.txt' % results['case'])
    assert losses.shape == (12,)
    for index, line in enumerate(kinds(metrics, 'train')):
        assert line['step'] == 3 * (index + 1) == line['updates_applied']
        assert line['loss'] == pytest.approx(losses[3 * index:3 * index + 3].mean())
        assert line['last_loss'] == pytest.approx(losses[3 * index + 2])
    assert results['steps'] == {'steps_run': 12, 'steps_this_run': 12, 'updates_applied': 12, 'updates_skipped': 0,
                                'loss': pytest.approx(losses[-1]), 'loss_scale': 1.0}


def test_throughput_leaves_the_first_call_out(train):
    _, results, _ = train()
    assert results['throughput']['images'] == 3 * 3 * 6
    assert results['throughput']['seconds'] == pytest.approx(results['wall_seconds']['steady_steps'])
    assert not results['throughput']['includes_first_call']


def test_a_run_of_one_call_says_that_its_throughput_includes_it(train):
    _, results, _ = train(iterations_per_loop=12, log_every=12, eval_every=12, checkpoint_every=12)
    assert results['throughput']['includes_first_call'] and results['throughput']['images'] == 12 * 6


def test_the_ledger_sums_to_the_wall_time(train):
    ledger = train()[1]['wall_seconds']
    total = ledger.pop('total')
    assert sum(ledger.values()) == pytest.approx(total)
    assert all(ledger[part] > 0 for part in ('imports', 'data', 'graph', 'first_call', 'steady_steps', 'evaluation',
                                             'saving', 'logging') if part != 'data')


def test_evaluations_come_at_their_interval_and_at_the_end(train):
    _, results, metrics = train(eval_every=9)
    assert [line['step'] for line in kinds(metrics, 'evaluation')] == [9, 12]
    assert kinds(metrics, 'evaluation')[-1]['correct'] == results['evaluation']['correct']
    assert results['evaluation']['images'] == 37


def test_evaluating_does_not_disturb_the_training_order(train):
    with_evaluation = [line['loss'] for line in kinds(train(eval_every=3)[2], 'train')]
    without = [line['loss'] for line in kinds(train(evaluate=False)[2], 'train')]
    assert with_evaluation == without


@pytest.mark.parametrize('augment', ['none', 'elastic'])
def test_a_resumed_run_records_what_an_uninterrupted_one_does(train, augment):
    whole = [line['loss'] for line in kinds(train(epochs=2, augment=augment)[2], 'train')]
    train(epochs=1, augment=augment)
    status, results, metrics = train(epochs=2, resume=True, augment=augment)
    assert [line['loss'] for line in kinds(metrics, 'train')] == whole
    assert results['steps']['steps_run'] == 12 and results['steps']['steps_this_run'] == 6


def test_the_log_answers_what_the_reference_s_scripts_ask_it(train, capsys):
    recorded = kinds(train()[2], 'train')
    log = capsys.readouterr().out

    def ask(command):
        return [float(line) for line in subprocess.check_output(command, shell=True, input=log.encode()).split()]
    seconds = ask("grep 'sec/step :' | awk '{print $9}'")
    assert seconds == pytest.approx([6 / line['images_per_second'] for line in recorded], abs=1e-6)
    assert ask("grep 'sec/step :' | awk '{print $NF}'") == seconds and len(seconds) == 4
    losses = ask("""grep 'loss :' | awk '{print $7}' | awk -F "--" '{print $1}'""")
    assert losses == pytest.approx([line['loss'] for line in recorded], abs=1e-4)


def test_resuming_a_complete_run_changes_nothing(train, capsys):
    _, before, _ = train()
    status, after, _ = train(resume=True)
    assert status == 0 and after == before
    assert 'all 12 steps are done' in capsys.readouterr().out


def test_a_loss_that_is_no_number_stops_the_run(train, monkeypatch):
    monkeypatch.setattr(step, 'learning_rate', lambda *unused: tf.constant(np.inf))
    with pytest.raises(UserError, match='a weight became infinite or NaN by step 3.* --learning_rate than 0.001'):
        train()


def test_weights_that_the_last_step_ruins_are_noticed_and_not_saved(train, tmp_path):
    with pytest.raises(UserError, match='a weight became infinite or NaN by step 12'):
        train(inject_overflow=['12'])
    assert [path[-2:] for path in checkpoint.find_all(str(tmp_path))] == ['-6']


def test_a_damaged_older_checkpoint_does_not_hinder_a_resume_from_the_newest(train, tmp_path):
    train()
    with open(checkpoint.find_all(str(tmp_path))[0] + '.data-00000-of-00001', 'r+b') as stream:
        stream.truncate(1000)
    status, results, _ = train(epochs=3, resume=True)
    assert status == 0 and results['steps']['steps_this_run'] == 6


def test_a_transfer_from_the_very_directory_reads_before_it_moves(train, tmp_path):
    train()
    path = checkpoint.find_all(str(tmp_path))[-1]
    status, _, _ = train(restore_path=path, steps=3, epochs=1)
    assert status == 0 and (tmp_path / 'previous' / 'results.json').exists()
    with pytest.raises(UserError, match='nowhere'):
        train(restore_path='nowhere')
    assert (tmp_path / 'results.json').exists()  # a wrong path moves nothing


def test_two_trainings_in_one_directory_are_refused(train, tmp_path):
    with run_directory.locked(flags.make_params(output_dir=str(tmp_path))):
        with pytest.raises(UserError, match='another training is writing there'):
            train()


def test_a_stop_is_obeyed_after_the_call_and_leaves_a_checkpoint(train, monkeypatch):
    add = account.Account.add

    def add_and_signal(self, outputs, seconds):
        add(self, outputs, seconds)
        if self.step == 6:
            os.kill(os.getpid(), signal.SIGTERM)
    monkeypatch.setattr(account.Account, 'add', add_and_signal)
    status, results, metrics = train(steps=12, epochs=1, eval_every=3, checkpoint_every=12)
    assert status == 143 and results['ended'] == 'stopped by SIGTERM'
    assert results['steps']['steps_run'] == 6 and results['evaluation']['images'] == 37
    assert [line['step'] for line in kinds(metrics, 'evaluation')] == [3, 6]
    assert checkpoint.read_position(checkpoint.find_all(results['flags']['output_dir'])[-1]).steps_run == 6


def test_skipped_updates_are_recorded_and_warned_about(train, capsys):
    _, results, metrics = train(loss_scale='dynamic', inject_overflow=['2', '7', '8'])
    assert [line['skipped_steps'] for line in kinds(metrics, 'train')] == [[2], [], [7, 8], []]
    assert [line['loss_scale'] for line in kinds(metrics, 'train')] == [2 ** 15, 2 ** 15, 2 ** 14, 2 ** 14]
    assert results['steps']['updates_applied'] == 9 and results['steps']['updates_skipped'] == 3
    assert '25.00 % of the updates were skipped' in capsys.readouterr().err


def test_a_resume_in_the_middle_of_a_scales_life_continues_it(train):
    options = dict(loss_scale='dynamic', inject_overflow=['5', '8'], loss_scale_increment_every=2)
    recorded = [{name: line[name] for name in line if name != 'images_per_second'}
                for line in kinds(train(epochs=2, **options)[2], 'train')]
    train(epochs=1, **options)
    resumed = kinds(train(epochs=2, resume=True, **options)[2], 'train')
    assert [{name: line[name] for name in line if name != 'images_per_second'} for line in resumed] == recorded


def test_skipping_without_end_stops_the_run(train):
    with pytest.raises(UserError, match='--max_skipped=4 consecutive steps was skipped'):
        train(loss_scale='dynamic', inject_overflow=[str(step) for step in range(3, 13)], max_skipped=4)


def test_a_device_that_runs_no_step_is_noticed(train, monkeypatch):
    outputs = step.outputs
    monkeypatch.setattr(step, 'outputs', lambda train_op, *rest: outputs(tf.no_op(), *rest))
    monkeypatch.setattr(cpu.Cpu, 'sink', lambda self, session, train_op: tf.no_op())
    with pytest.raises(UserError, match='steps_run stayed at 0'):
        train()
