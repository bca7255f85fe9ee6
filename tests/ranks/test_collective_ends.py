"""How two ranks end: stopped, killed, standing still, at odds, alone, or bothered at their ports."""

import json
import os
import signal
import socket
import sys
import time

import pytest

from lenet.launcher import local_ranks
from lenet.ranks import cluster
from lenet.run import checkpoint
from tests import processes
from tests.ranks import two_ranks


def start(output_dir, *arguments, **environment):
    """Two ranks with much to do; returns the launcher after their first line and the process numbers of the ranks."""
    command = [sys.executable, '-m', 'lenet.launch', '-n', '2', *two_ranks.RUN, '--replicas=1', '--batch_size=16',
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


def has_ended(pid):
    """Whether its parent has yet to ask how it ended, and nothing else is left of it."""
    with open('/proc/%d/stat' % pid) as stream:
        return stream.read().rpartition(')')[2].split()[0] == 'Z'


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
def test_the_rank_that_was_killed_is_named_also_when_another_has_ended_of_it_before_the_launcher_looks(tmp_path):
    process, ranks = start(tmp_path)
    process.send_signal(signal.SIGSTOP)
    os.kill(ranks[1], signal.SIGKILL)
    while not all(map(has_ended, ranks.values())):
        time.sleep(0.1)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    first, second = errors.splitlines()[-2:]  # TensorFlow 2 has its own before them
    assert first.startswith('error: rank 0: rank 1 at 127.0.0.1:2223 has ended or no longer answers')
    assert second.startswith('error: rank 1 was killed by SIGKILL, so the others were stopped')


@pytest.mark.slow
@pytest.mark.parametrize('signum', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
def test_ranks_stop_together_and_go_on(tmp_path, signum):
    process, _ = start(tmp_path)
    process.send_signal(signum)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signum, errors
    reached = json.loads((tmp_path / 'results.json').read_text())['steps']['steps_run']
    assert checkpoint.read_position(checkpoint.find_all(str(tmp_path))[-1]).steps_run == reached < 80000
    ended = two_ranks.launch(tmp_path, '--batch_size=16', '--epochs=1', '--steps=%d' % (reached + 5), '--resume')
    assert ended.returncode == 0, ended.stderr


def start_by_hand(output_dir, *arguments):
    """Two processes that TF_CONFIG alone makes ranks, each with its own arguments."""
    addresses = ['127.0.0.1:%d' % port for port in local_ranks.find_free_ports(2)]
    return [processes.start(
        [sys.executable, '-m', 'lenet.train', *two_ranks.RUN, '--replicas=1', '--output_dir=%s' % output_dir, *own],
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
