"""Ctrl-C and SIGTERM: an exception at once or, in the training loop, a request that is looked at between two calls."""

import contextlib
import signal
from typing import Any, Iterator, Optional

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The user stopped the program; a BaseException, so that no `except Exception` swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__('stopped by %s' % signal.Signals(signum).name)
        self.exit_code = 128 + signum  # the shell's convention: 130 for Ctrl-C, 143 for SIGTERM


class StopRequest:
    """What `deferred` yields: `signum` is None until a signal has come."""

    def __init__(self) -> None:
        self.signum: Optional[int] = None

    def _note(self, signum: int, unused_frame: Any) -> None:
        if self.signum is not None:
            raise Interrupted(signum)  # a second one: as soon as Python runs, which is after a session.run
        self.signum = signum


def _raise(signum: int, unused_frame: Any) -> None:
    raise Interrupted(signum)


def raise_on_signals() -> None:
    """From now on SIGINT and SIGTERM raise `Interrupted` in the main thread."""
    for signum in _SIGNALS:
        signal.signal(signum, _raise)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Within the block, SIGINT and SIGTERM are only noted; at its end they raise `Interrupted`.

    For imports of C extensions such as TensorFlow's: some of them discard an exception that a signal raises while they
    load, and the program would go on as if nobody had stopped it.
    """
    with deferred() as request:
        yield
    if request.signum is not None:
        raise Interrupted(request.signum)


@contextlib.contextmanager
def deferred() -> Iterator[StopRequest]:
    """Within the block the first signal only sets `signum` of the yielded request, so that a session.run under way ends
    as usual; a second one raises `Interrupted`.
    """
    request = StopRequest()
    former = [signal.signal(signum, request._note) for signum in _SIGNALS]
    try:
        yield request
    finally:
        for signum, handler in zip(_SIGNALS, former):
            signal.signal(signum, handler)
