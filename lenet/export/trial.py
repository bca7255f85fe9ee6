"""Files of others are tried in a child first: a damaged one may end the process that runs it, or keep it for ever."""

import faulthandler
import os
import resource
import signal
import warnings
from typing import Any, Callable

SECONDS = 30
MEMORY = 2 ** 31  # bytes beyond what this process has


def require_survival(call: Callable[[], Any]) -> None:
    """Makes the call in a forked process. What it raises there is not told here: make it again.

    Raises:
      RuntimeError: the process was ended by a signal, as by a fault or after SECONDS.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # of forks beside threads; the child needs none of them
        child = os.fork()
    if child == 0:
        _make(call)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        raise RuntimeError('it needs more than %d s for an image' % SECONDS if number == signal.SIGALRM else
                           'it ends with signal %d' % number)


def _make(call: Callable[[], Any]) -> None:
    """The child's side: ends with the process."""
    try:
        signal.alarm(SECONDS)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _limit_memory()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # faults and aborts tell of themselves
        faulthandler.disable()  # which has a file of its own
        call()
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
