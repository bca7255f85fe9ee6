"""A place for one process at a time: a lock file, whose lock ends with the process that holds it."""

import contextlib
import fcntl
import os
import stat
from typing import Iterator

from lenet.errors import UserError
from lenet.support import progress


@contextlib.contextmanager
def held(path: str, busy: str, name: str, advice: str, waits: bool = False) -> Iterator[None]:
    """Keeps every other process that asks for the same lock out of the block.

    Args:
      path: of the lock file; it and its directory are made where they are missing. What it holds is left alone.
      busy: what to say when another process holds the lock.
      name, advice: what errors call the place, and what they tell to do where it cannot be written.
      waits: prints `busy` and waits for the other process, where otherwise `busy` is the error.

    Raises:
      UserError: another process holds the lock, the lock file is a symbolic link or no regular file, or it cannot be
        made or locked.
    """
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        lock = _open(path)
    except OSError as error:
        raise UserError('%s: cannot be written (%s); %s' % (name, error.strerror, advice))
    with os.fdopen(lock, 'rb'):
        try:
            _take(lock, busy, waits)
        except OSError as error:  # such as a file system without locks
            raise UserError('%s: cannot be locked (%s); %s' % (name, error.strerror, advice))
        yield


def _open(path: str) -> int:
    """A file of ours: a link could lead to any other, and opening a pipe could wait for ever."""
    if os.path.islink(path):
        raise OSError(0, '%s is a symbolic link' % path)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if not stat.S_ISREG(os.fstat(lock).st_mode):
        os.close(lock)
        raise OSError(0, '%s is no regular file' % path)
    return lock


def _take(lock: int, busy: str, waits: bool) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not waits:
            raise UserError(busy)
        progress.tell(busy)
        fcntl.flock(lock, fcntl.LOCK_EX)
