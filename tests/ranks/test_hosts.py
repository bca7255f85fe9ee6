"""Two hosts: a rank in each of two network namespaces that a pair of veth joins, found by TF_CONFIG alone."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from lenet.ranks import cluster
from tests import drawn_digits
from tests import processes
from tests.ranks.two_ranks import alone, losses

ADDRESSES = ['10.77.0.1', '10.77.0.2']
RANKS = [address + ':2222' for address in ADDRESSES]
FLAGS = (drawn_digits.FLAG, '--iterations_per_loop=5', '--log_every=5', '--replicas=1', '--batch_size=16',
         '--steps=100')


def ip(*arguments):
    subprocess.run(['ip'] + list(arguments), check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def hosts():
    """The names of two namespaces; the end of the cable is called `cable` in each."""
    names = ['lenet-%d-%d' % (os.getpid(), number) for number in (0, 1)]
    if shutil.which('ip') is None:
        pytest.skip('there is no ip: apt-get install iproute2')
    try:
        for name in names:
            ip('netns', 'add', name)
        ip('link', 'add', 'cable', 'netns', names[0], 'type', 'veth', 'peer', 'name', 'cable', 'netns', names[1])
        for name, address in zip(names, ADDRESSES):
            ip('-n', name, 'addr', 'add', address + '/24', 'dev', 'cable')
            for device in ('lo', 'cable'):
                ip('-n', name, 'link', 'set', device, 'up')
        yield names
    except subprocess.CalledProcessError as error:
        pytest.skip('no network namespaces joined by veth can be made here: %s' % error.stderr.decode().strip())
    finally:
        for name in names:
            subprocess.run(['ip', 'netns', 'delete', name], stderr=subprocess.DEVNULL)


def start(hosts, tmp_path, *arguments):
    """A rank on each host, with a directory of its own."""
    return [processes.start(
        ['ip', 'netns', 'exec', host, sys.executable, '-m', 'lenet.train', *FLAGS,
         '--output_dir=%s' % (tmp_path / ('host_%d' % rank)), *arguments],
        env=dict(os.environ, TF_CONFIG=cluster.write(cluster.Cluster(RANKS, rank))))
        for rank, host in enumerate(hosts)]


def finish(started):
    """Statuses and errors of all."""
    ended = [process.communicate(timeout=120)[1] for process in started]
    return [process.returncode for process in started], ended


@pytest.mark.slow
def test_two_hosts_train_as_one_and_go_on_after_the_cable_was_pulled(hosts, tmp_path):
    assert finish(start(hosts, tmp_path, '--epochs=1')) == ([0, 0], ['', ''])
    ended = alone(tmp_path / 'one', *FLAGS, '--replicas=2', '--batch_size=32', '--epochs=1')
    assert ended.returncode == 0, ended.stderr
    both, one = losses(tmp_path / 'host_0'), losses(tmp_path / 'one')
    np.testing.assert_allclose(both[:20], one[:20], rtol=1e-5)
    np.testing.assert_allclose(both, one, rtol=1e-3)
    assert os.listdir(str(tmp_path)).count('host_1') == 0  # rank 0 alone writes

    started = start(hosts, tmp_path, '--resume', '--epochs=4000', '--evaluate=false')
    while 'step : 300-' not in started[0].stdout.readline():
        assert started[0].poll() is None
    ip('-n', hosts[1], 'link', 'set', 'cable', 'down')
    statuses, errors = finish(started)
    assert statuses == [1, 1]
    for rank, text in enumerate(errors):
        other = 1 - rank
        assert 'error: rank %d: rank %d at %s has ended or no longer answers' % (rank, other, RANKS[other]) in text

    ip('-n', hosts[1], 'link', 'set', 'cable', 'up')
    reached = json.loads((tmp_path / 'host_0/metrics.jsonl').read_text().splitlines()[-1])['step']
    epochs = reached // 100 + 1
    statuses, errors = finish(start(hosts, tmp_path, '--resume', '--epochs=%d' % epochs, '--evaluate=false'))
    assert statuses == [0, 0], errors
    assert len(losses(tmp_path / 'host_0')) == 100 * epochs
