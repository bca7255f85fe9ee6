import os
import signal
import sys

import pytest

from lenet.support import signals
from tests import processes


def test_deferred_notes_the_first_signal_and_raises_at_the_second():
    with pytest.raises(signals.Interrupted) as caught:
        with signals.deferred() as stop:
            assert stop.signum is None
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.signum == signal.SIGTERM
            os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.exit_code == 130


def test_deferred_puts_the_former_handlers_back():
    former = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with signals.deferred():
        assert signal.getsignal(signal.SIGINT) != former[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == former


def test_held_tells_the_former_handler_at_its_end_and_lets_other_threads_be():
    with signals.deferred() as stop:
        with signals.held():
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.signum is None
        assert stop.signum == signal.SIGTERM

        def hold():
            with signals.held():
                return 7
        assert signals.interruptible(hold) == 7
        with pytest.raises(signals.Interrupted):
            with signals.held():
                os.kill(os.getpid(), signal.SIGINT)


def test_interruptible_returns_and_raises_as_the_call_does():
    assert signals.interruptible(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        signals.interruptible(lambda: 1 // 0)


PROGRAM = '''
import ctypes
from lenet.support import entry, signals

def main():
    def call():
        print('called', flush=True)
        %s
    try:
        signals.interruptible(call)
    finally:
        print('cleaned', flush=True)

entry.run(main)
'''
# As a session.run that never ends: no Python runs in this thread, and no signal ends the call.
IN_C = ('import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM]); '
        'ctypes.CDLL(None).pause()')


@pytest.mark.parametrize('call, cleans', [(IN_C, False), ('import time; time.sleep(0.5)', True)],
                         ids=['endless', 'short'])
@pytest.mark.parametrize('signum, status', [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=['INT', 'TERM'])
def test_a_signal_ends_a_call_in_c(call, cleans, signum, status):
    process = processes.start([sys.executable, '-c', PROGRAM % call])
    assert process.stdout.readline() == 'called\n'
    process.send_signal(signum)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (status, 'stopped by %s\n' % signum.name)
    assert ('cleaned' in output) == cleans
