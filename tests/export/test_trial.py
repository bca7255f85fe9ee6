import os
import signal

import pytest

from lenet.export import trial


def told(call):
    with pytest.raises(RuntimeError) as raised:
        trial.require_survival(call)
    return str(raised.value)


def test_a_call_that_ends_its_process_is_told():
    assert told(lambda: os.kill(os.getpid(), signal.SIGSEGV)) == 'it ends with signal 11'
    assert told(os.abort) == 'it ends with signal 6'


def test_a_call_without_an_end_is_told(monkeypatch):
    monkeypatch.setattr(trial, 'SECONDS', 1)
    assert told(signal.pause) == 'it needs more than 1 s for an image'


def test_a_call_that_raises_has_survived(capfd):
    def fail():
        os.write(2, b'words\n')
        raise ValueError('x')
    trial.require_survival(fail)
    assert capfd.readouterr() == ('', '')


@pytest.mark.skipif(not os.path.exists('/proc/self/statm'), reason='the limit is set on Linux alone')
def test_memory_has_a_bound():
    reader, writer = os.pipe()

    def allocate():
        try:
            bytearray(2 * trial.MEMORY)
        except MemoryError:
            os.write(writer, b'none left')
    trial.require_survival(allocate)
    os.close(writer)
    with os.fdopen(reader, 'rb') as stream:
        assert stream.read() == b'none left'
