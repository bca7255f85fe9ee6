import os
import signal

import pytest

from lenet.export import trial
from lenet.support import signals


def told(call):
    with pytest.raises(RuntimeError) as raised:
        trial.require_success(call)
    return str(raised.value)


def test_a_call_that_ends_its_process_is_told():
    assert told(lambda: os.kill(os.getpid(), signal.SIGSEGV)) == 'it ends with signal 11'
    assert told(os.abort) == 'it ends with signal 6'


def test_a_call_without_an_end_is_told(monkeypatch):
    monkeypatch.setattr(trial, 'SECONDS', 1)
    assert told(signal.pause) == 'it needs more than 1 s for an image'


def test_what_a_call_raises_is_told_and_nothing_else_printed(capfd):
    def fail():
        os.write(2, b'words\n')
        raise ValueError('x')
    assert told(fail) == 'x'
    trial.require_success(lambda: os.write(2, b'words\n'))
    assert capfd.readouterr() == ('', '')


def test_a_signal_ends_the_child_too():
    def stop_parent():
        os.kill(os.getppid(), signal.SIGTERM)
        signal.pause()

    def interrupt(signum, unused_frame):
        raise signals.Interrupted(signum)
    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(signals.Interrupted):
            trial.require_success(stop_parent)
    finally:
        signal.signal(signal.SIGTERM, former)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.skipif(not os.path.exists('/proc/self/statm'), reason='the limit is set on Linux alone')
def test_memory_has_a_bound():
    assert told(lambda: bytearray(2 * trial.MEMORY)) == 'MemoryError'
