import contextlib
import signal
import sys

import pytest

from lenet.ranks import heartbeat
from tests import processes

SERVER = ('import concurrent.futures, grpc, signal\n'
          'server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))\n'
          'print(server.add_insecure_port("127.0.0.1:0"), flush=True)\n'
          'server.start()\nsignal.pause()')


@contextlib.contextmanager
def served():
    """Another rank's process, and its address."""
    process = processes.start([sys.executable, '-c', SERVER])
    try:
        yield process, '127.0.0.1:%d' % int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_who_lives_answers_and_who_is_stopped_or_dead_does_not():
    with served() as (process, address):
        assert heartbeat.answers(address, 30) and heartbeat.wait_for({1: address}, 30) == []
        process.send_signal(signal.SIGSTOP)
        assert not heartbeat.answers(address, 0.5)
        process.send_signal(signal.SIGCONT)
        assert heartbeat.answers(address, 30)
        process.kill()
        process.wait()
        assert not heartbeat.answers(address, 600)  # at once
        assert heartbeat.wait_for({1: address, 2: address}, 0.1) == [1, 2]


def test_a_proxy_is_passed_by(monkeypatch):
    monkeypatch.setenv('http_proxy', 'http://127.0.0.1:9')
    with served() as (_, address):
        assert heartbeat.answers(address, 30)


@pytest.mark.parametrize('rank, watched', [(0, [1, 2]), (1, [0]), (2, [0])])
def test_rank_0_watches_all_and_all_watch_it(rank, watched):
    assert sorted(heartbeat.Heartbeat(rank, ['a:1', 'b:1', 'c:1']).peers) == watched


def test_a_lost_rank_ends_the_process_in_one_line():
    program = ('import sys, threading\nfrom lenet.ranks.heartbeat import Heartbeat\n'
               'with Heartbeat(0, ["127.0.0.1:1", sys.argv[1]]).watching():\n'
               '    print("watching", flush=True)\n    threading.Event().wait(600)')
    with served() as (process, address):
        watcher = processes.start([sys.executable, '-c', program, address])
        assert watcher.stdout.readline() == 'watching\n' and watcher.poll() is None
        process.kill()
        _, errors = watcher.communicate(timeout=60)
    assert watcher.returncode == 1
    assert errors.startswith('error: rank 0: rank 1 at %s has ended or no longer answers; ' % address)
    assert len(errors.splitlines()) == 1


def test_after_the_block_nobody_is_missed():
    with served() as (process, address), heartbeat.Heartbeat(1, [address, '127.0.0.1:1']).watching():
        pass
    assert heartbeat.Heartbeat(1, [address, '127.0.0.1:1']).lost(0) == 0
