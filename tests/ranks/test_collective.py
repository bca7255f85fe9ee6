"""Two real ranks on this machine, started as a user starts them."""

import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest

from lenet.launcher import local_ranks
from lenet.ranks import cluster
from lenet.run import checkpoint
from tests import processes

# Few steps: among the 25,000 pooling windows of a step some tie to within a rounding, and from the first that is
# decided otherwise the weights of the first layer drift apart, by 1e-5 to 1e-4 in 80 steps.
RUN = ('--data_path=synthetic', '--steps=10', '--epochs=2', '--iterations_per_loop=5', '--log_every=5')


def launch(output_dir, *arguments, n=2, **environment):
    return processes.run_module('lenet.launch', '-n', str(n), *RUN, '--replicas=1', '--output_dir=%s' % output_dir,
                                *arguments, **environment)


def alone(output_dir, *arguments):
    """One rank of two towers, whose sums are then rounded as those of two ranks of one."""
    return processes.run_module('lenet.train', *RUN, '--replicas=2', '--output_dir=%s' % output_dir, *arguments)


def losses(output_dir):
    path, = output_dir.glob('0/train_*_loss.txt')
    return np.loadtxt(str(path))


def newest(output_dir):
    return checkpoint.read(checkpoint.find_all(str(output_dir))[-1])


def metrics(output_dir, kind):
    lines = [json.loads(line) for line in (output_dir / 'metrics.jsonl').read_text().splitlines()]
    return [line for line in lines if line['kind'] == kind]


def assert_same_variables(one, other, tolerance=1e-5):
    assert set(one) == set(other)
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, rtol=0, atol=tolerance * max(1, np.abs(value).max()),
                                   err_msg=name)


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """Directories of the same training on two ranks of 16 images and on one of 32."""
    directory = tmp_path_factory.mktemp('both')
    for ended in (launch(directory / 'two', '--batch_size=16'), alone(directory / 'one', '--batch_size=32')):
        assert ended.returncode == 0, ended.stderr
    return directory / 'two', directory / 'one'


@pytest.mark.slow
def test_two_ranks_train_as_one_of_twice_the_batch(both):
    two, one = both
    np.testing.assert_allclose(losses(two), losses(one), rtol=1e-5)
    assert_same_variables(newest(one), newest(two))
    results = json.loads((two / 'results.json').read_text())
    assert results['rank_size'] == 2 and results['case'].endswith('_bs16_2p_acc')


@pytest.mark.slow
def test_two_ranks_drop_out_what_one_of_twice_the_batch_drops(tmp_path):
    options = ('--epochs=1', '--dropout=0.25', '--noevaluate')
    for ended in (launch(tmp_path / 'two', '--batch_size=16', *options),
                  alone(tmp_path / 'one', '--batch_size=32', *options)):
        assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(losses(tmp_path / 'two'), losses(tmp_path / 'one'), rtol=1e-5)


@pytest.mark.slow
def test_the_ranks_evaluate_every_image_once(both):
    two, one = both
    for ours, expected in zip(metrics(two, 'evaluation'), metrics(one, 'evaluation')):
        assert ours['images'] == 10000 and np.sum(ours['confusion']) == 10000
        assert abs(ours['correct'] - expected['correct']) <= 2  # near a tie roundings decide
        assert ours['mean_loss'] == pytest.approx(expected['mean_loss'], rel=1e-5)


@pytest.mark.slow
def test_a_checkpoint_of_two_ranks_goes_on_on_one_and_back(both, tmp_path):
    two, one = both
    run = tmp_path / 'run'
    subprocess.check_call(['cp', '-r', str(two), str(run)])
    ended = alone(run, '--batch_size=32', '--epochs=3', '--resume')
    assert ended.returncode == 0 and 'on 2 ranks until step 20, on 1 from there' in ended.stderr, ended.stderr
    ended = launch(run, '--batch_size=16', '--epochs=4', '--resume')
    assert ended.returncode == 0 and 'on 1 ranks until step 30, on 2 from there' in ended.stderr, ended.stderr
    ended = alone(one, '--batch_size=32', '--epochs=4', '--resume')
    assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(losses(run), losses(one), rtol=1e-5)
    assert_same_variables(newest(one), newest(run), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize('mode', [[], ['--saturate', '--precision_mode=force_fp16']])
def test_an_overflow_on_one_rank_skips_the_update_on_both(tmp_path, mode):
    injected = ['--loss_scale=dynamic', '--inject_overflow=2,8'] + mode
    assert launch(tmp_path / 'two', '--batch_size=16', '--inject_overflow_rank=1', *injected).returncode == 0
    assert [line['skipped_steps'] for line in metrics(tmp_path / 'two', 'train')] == [[2], [8], [], []]
    assert alone(tmp_path / 'one', '--batch_size=32', *injected).returncode == 0
    # A rank that had applied what the other skipped would lose something else from then on.
    np.testing.assert_allclose(losses(tmp_path / 'two'), losses(tmp_path / 'one'), rtol=5e-3 if mode else 1e-5)


@pytest.mark.slow
def test_the_learning_rate_grows_with_the_ranks(tmp_path):
    ended = launch(tmp_path, '--batch_size=16', '--learning_rate_scaling=sqrt')
    assert ended.returncode == 0, ended.stderr
    assert [line['learning_rate'] for line in metrics(tmp_path, 'train')] == [pytest.approx(0.001 * 2 ** 0.5)] * 4


@pytest.mark.slow
def test_gradients_may_travel_as_float16(both, tmp_path):
    ended = launch(tmp_path, '--batch_size=16', '--compress_gradients')
    assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(losses(tmp_path), losses(both[0]), rtol=1e-3)
    assert not np.array_equal(losses(tmp_path), losses(both[0]))


def start(output_dir, *arguments, **environment):
    """Two ranks with much to do; returns the launcher after their first line and the process numbers of the ranks."""
    command = [sys.executable, '-m', 'lenet.launch', '-n', '2', *RUN, '--replicas=1', '--batch_size=16',
               '--steps=40000', '--output_dir=%s' % output_dir, *arguments]
    process = processes.start(command, env=dict(os.environ, PYTHONPATH=processes.ROOT, **environment))
    while 'step : 5-' not in process.stdout.readline():
        assert process.poll() is None
    return process, ranks_of(output_dir)


def ranks_of(output_dir):
    """Process numbers of the ranks that write there, by rank."""
    found = {}
    for name in os.listdir('/proc'):
        try:
            with open('/proc/%s/cmdline' % name, 'rb') as stream:
                command = stream.read()
            with open('/proc/%s/environ' % name, 'rb') as stream:
                variables = dict(part.split('=', 1) for part in stream.read().decode().split('\0') if '=' in part)
        except (OSError, ValueError):
            continue
        if 'TF_CONFIG' in variables and str(output_dir).encode() in command:
            found[cluster.read(variables).rank] = int(name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize('signum, words', [
    (signal.SIGKILL, 'error: rank 1 was killed by SIGKILL, so the others were stopped'),
    (signal.SIGSTOP, 'error: rank 1 did not go on after it had been stopped')], ids=['dies', 'stands still'])
def test_a_rank_that_dies_or_stands_still_ends_the_run_with_a_message(tmp_path, signum, words):
    process, ranks = start(tmp_path)
    os.kill(ranks[1], signum)
    _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert words in errors and 'Traceback' not in errors, errors
    assert 'error: rank 0: rank 1 at 127.0.0.1:2223 has ended or no longer answers' in errors
    assert not ranks_of(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('signum', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
def test_ranks_stop_together_and_go_on(tmp_path, signum):
    process, _ = start(tmp_path)
    process.send_signal(signum)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signum, errors
    reached = json.loads((tmp_path / 'results.json').read_text())['steps']['steps_run']
    assert checkpoint.read_position(checkpoint.find_all(str(tmp_path))[-1]).steps_run == reached < 80000
    ended = launch(tmp_path, '--batch_size=16', '--epochs=1', '--steps=%d' % (reached + 5), '--resume')
    assert ended.returncode == 0, ended.stderr


def start_by_hand(output_dir, *arguments):
    """Two processes that TF_CONFIG alone makes ranks, each with its own arguments."""
    addresses = ['127.0.0.1:%d' % port for port in local_ranks.find_free_ports(2)]
    return [processes.start(
        [sys.executable, '-m', 'lenet.train', *RUN, '--replicas=1', '--output_dir=%s' % output_dir, *own],
        env=dict(os.environ, TF_CONFIG=cluster.write(cluster.Cluster(addresses, rank))))
        for rank, own in enumerate(arguments)], addresses


@pytest.mark.slow
def test_ranks_that_disagree_are_named(tmp_path):
    for process in start_by_hand(tmp_path, ['--batch_size=16'], ['--batch_size=17'])[0]:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 1
        assert 'the ranks disagree: --batch_size is 17 on rank 1, 16 on rank 0' in errors


@pytest.mark.slow
def test_random_bytes_to_a_port_do_nothing(tmp_path):
    started, addresses = start_by_hand(tmp_path, *[['--batch_size=16', '--steps=200', '--evaluate=false']] * 2)
    while 'step : 5-' not in started[0].stdout.readline():
        assert started[0].poll() is None
    for address in addresses:
        for _ in range(5):
            with socket.create_connection(address.split(':')) as connection:
                connection.sendall(os.urandom(64))
    for process in started:
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, ''), errors


@pytest.mark.slow
def test_a_rank_that_does_not_come_is_named(tmp_path):
    (_, errors), = [process.communicate(timeout=60) for process in start_by_hand(tmp_path, ['--rank_timeout=2'])[0]]
    assert errors.startswith('error: rank 0: rank 1 at 127.0.0.1:') and len(errors.splitlines()) == 1
    assert 'was not found within --rank_timeout=2 seconds' in errors
