import os
import signal

import pytest

from lenet.support import signals


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
