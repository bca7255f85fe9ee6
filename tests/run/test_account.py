import numpy as np
import pytest

from lenet import flags
from lenet.errors import UserError
from lenet.run.account import Account, Throughput
from lenet.run.checkpoint import Position
from lenet.run.metrics import Unlogged


def account(start=Position(), unlogged=None, **values):
    return Account(flags.make_params(iterations_per_loop=4, **values), start, unlogged)


def outputs(steps_run, losses=(1.0, 2.0, 3.0, 4.0), global_steps=(1, 2, 3, 4), loss_scale=8.0):
    """Of a call with N=4: the records of step s, from 0, are at s % 4."""
    return {'steps_run': np.int64(steps_run), 'record/loss': np.array(losses, np.float32),
            'record/global_step': np.array(global_steps), 'global_step': np.int64(max(global_steps)),
            'loss_scale': np.float32(loss_scale)}


def test_a_resumed_start_whose_records_wrap_around_n():
    made = account(Position(6, 5))
    made.add(outputs(9, global_steps=(8, 5, 6, 7)), 0.5)
    assert (made.step, made.steps_of_call, made.calls) == (9, 3, [(3, 0.5)])
    assert made.losses.tolist() == [3, 4, 1] and made.last_loss == 1
    counts = made.counts()
    assert (counts['steps_run'], counts['steps_this_run'], counts['updates_applied'], counts['updates_skipped']) == (
        9, 3, 8, 1)


def test_a_call_that_ran_fewer_steps_than_n_counts_those_alone():
    made = account()
    for step in (1, 3):
        made.add(outputs(step), 1.0)
    assert made.calls == [(1, 1.0), (2, 1.0)] and made.losses.tolist() == [2, 3]


@pytest.mark.parametrize('steps_run, losses', [(10, [1, 2, 3, 4]), (9, [2, 3, 4]), (7, [4])], ids=['4', '3', '1'])
def test_of_the_most_recent_values_the_last_are_the_call_s_whatever_its_first_step(steps_run, losses):
    made = account(Position(6, 6), loss_scale='dynamic')
    recent = {name.replace('record/', 'recent/'): value for name, value in outputs(steps_run).items()}
    made.add(dict(recent, **{'recent/global_step': np.arange(3, 7) + steps_run - 6}), 1.0)
    made.check()
    assert made.losses.tolist() == losses and made.window.skipped_steps == []


@pytest.mark.parametrize('steps_run', [6, 5], ids=['same', 'fewer'])
def test_a_call_without_a_step_ends_the_run(steps_run):
    with pytest.raises(UserError, match='steps_run stayed at %d: a session.run did no step' % steps_run):
        account(Position(6, 6)).add(outputs(steps_run), 1.0)


def test_an_interval_is_passed_at_its_multiple_and_beyond():
    made, passed = account(Position(8, 8)), []
    for step in (9, 10, 11, 21, 29):
        made.add(outputs(step), 1.0)
        passed.append(made.passed(10))
    assert passed == [False, True, False, True, False]


def test_a_window_has_what_was_unlogged_and_a_new_one_begins_empty():
    made = account(Position(2, 1), Unlogged(np.array([5, 7], np.float32), [2]), loss_scale='dynamic')
    made.add(outputs(4, global_steps=(0, 0, 2, 2)), 0.25)
    made.check()
    window = made.take_window()
    assert (window.mean_loss(), window.timed_steps, window.seconds) == ((5 + 7 + 3 + 4) / 4, 2, 0.25)
    assert window.skipped_steps == [2, 4] and made.skip_rate() == 1 / 2
    assert (made.window.timed_steps, made.window.seconds, made.window.skipped_steps) == (0, 0.0, [])


def test_throughput_leaves_out_the_first_call_but_where_it_is_the_only_one():
    made = account()
    made.add(outputs(4), 10.0)
    assert made.throughput(64) == Throughput(256, 10.0, includes_first_call=True)
    made.add(outputs(8), 1.0)
    made.add(outputs(10), 0.5)
    throughput = made.throughput(64)
    assert throughput == Throughput(6 * 64, 1.5, includes_first_call=False)
    assert (throughput.images_per_second, throughput.ms_per_step(64)) == (256, 250)
    assert (Throughput(0, 0.0, True).images_per_second, Throughput(0, 0.0, True).ms_per_step(64)) == (0, 0)


def test_weights_that_are_all_zero_end_the_run_at_its_first_step_alone():
    blind = outputs(4, losses=[np.log(10)] * 4)
    made = account()
    made.add(blind, 1.0)
    with pytest.raises(UserError, match='the first loss is 2.302585, that of weights that are all zero'):
        made.check()
    made = account(Position(3, 3))
    made.add(blind, 1.0)
    made.check()
