"""Ctrl-C and SIGTERM: an exception at once, or, inside the training loop, a wish that waits for the call's end."""

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
    """Raises a signal that comes within the block at its end.

    For imports of C extensions: an exception that is raised while they load, some of them swallow.
    """
    with deferred() as request:
        yield
    if request.signum is not None:
        raise Interrupted(request.signum)


@contextlib.contextmanager
def deferred() -> Iterator[StopRequest]:
    """Within the block, which may hold a session.run, the first signal only sets `.signum` of the yielded request.

    The second raises.
    """
    request = StopRequest()
    former = [signal.signal(signum, request._note) for signum in _SIGNALS]
    try:
        yield request
    finally:
        for signum, handler in zip(_SIGNALS, former):
            signal.signal(signum, handler)
