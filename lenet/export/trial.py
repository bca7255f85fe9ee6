"""Files of others are tried in a child first: a damaged one may end the process that runs it, keep it for ever or take
all memory."""

import faulthandler
import os
import resource
import signal
import warnings
from typing import Any, Callable

from lenet.errors import first_line
from lenet.support import signals

SECONDS = 30
MEMORY = 2 ** 31  # bytes beyond what this process has
_LONGEST = 2000  # characters of an error; a pipe holds them whether or not they are read


def require_success(call: Callable[[], Any]) -> None:
    """Makes the call in a forked process; what fails there is not to be tried here.

    Raises:
      RuntimeError: with what the call raises there; or the process was ended by a signal, as by a fault or after
        SECONDS.
    """
    reader, writer = os.pipe()
    child = None
    try:
        with signals.held():  # until the child's number is known
            child = _fork()
            if child == 0:
                _make(call, writer)
        os.close(writer)
        with os.fdopen(reader, encoding='utf-8') as stream:
            raised = stream.read()
    except BaseException:  # a signal has come, which the child is not to outlive
        if child is not None:
            os.kill(child, signal.SIGKILL)
        raise
    finally:
        if child is not None:
            _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        raise RuntimeError('it needs more than %d s for an image' % SECONDS if number == signal.SIGALRM else
                           'it ends with signal %d' % number)
    if raised:
        raise RuntimeError(raised)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # of forks beside threads; the child needs none of them
        return os.fork()


def _make(call: Callable[[], Any], writer: int) -> None:
    """The child's side: ends with the process."""
    try:
        signal.alarm(SECONDS)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _limit_memory()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # faults and aborts tell of themselves
        faulthandler.disable()  # which has a file of its own
        call()
    except BaseException as error:
        os.write(writer, first_line(error)[:_LONGEST].encode(errors='replace'))
    finally:
        os._exit(0)


def _limit_memory() -> None:
    try:
        with open('/proc/self/statm') as stream:
            used = int(stream.read().split()[0]) * resource.getpagesize()
    except OSError:  # not Linux: no limit
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > used + MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
