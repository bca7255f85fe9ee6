"""Ctrl-C and SIGTERM: an exception at once or, in the training loop, a request that is looked at between two calls."""

import contextlib
import os
import queue
import signal
import sys
import threading
from typing import Any, Callable, Iterator, Optional

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE = 3.0  # seconds in which a call may end by itself, so that what is around it is cleaned up


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
    """Within the block, SIGINT and SIGTERM are only noted; at its end the first one is as if it had just come.

    For what must be whole before an exception comes, and for imports of C extensions such as TensorFlow's: some of them
    discard an exception that a signal raises while they load, and the program would go on as if nobody had stopped it.
    """
    if threading.current_thread() is not threading.main_thread():  # where no handler runs
        yield
        return
    with deferred() as request:
        yield
    if request.signum is not None:
        handler = signal.getsignal(request.signum)
        if not callable(handler):
            raise Interrupted(request.signum)
        handler(request.signum, None)


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


def interruptible(call: Callable[[], Any]) -> Any:
    """Returns `call()`, or raises what it raises. A signal stops this also while the call is in C++: Python runs
    handlers in the main thread alone, which therefore waits here while another one makes the call.

    A call that does not end soon after the signal ends with the process, in one line and with the status of
    `Interrupted`: TensorFlow would not close its session before.
    """
    answers: queue.Queue = queue.Queue()
    try:  # a signal may come as soon as the thread runs
        threading.Thread(target=_answer, args=(call, answers), daemon=True).start()
        value, error = answers.get()
    except Interrupted as interruption:
        if not _comes_soon(answers):
            _end(interruption)
        raise
    if error is not None:
        raise error
    return value


def _answer(call: Callable[[], Any], answers: queue.Queue) -> None:
    try:
        answers.put((call(), None))
    except BaseException as error:  # raised again where it was called from
        answers.put((None, error))


def _comes_soon(answers: queue.Queue) -> bool:
    try:
        answers.get(timeout=_GRACE)
        return True
    except (queue.Empty, Interrupted):  # the second signal is impatient
        return False


def _end(interruption: Interrupted) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(interruption, file=sys.stderr, flush=True)
    os._exit(interruption.exit_code)
