"""A place for one process at a time: a lock file, whose lock ends with the process that holds it."""

import contextlib
import os
import sys
from typing import Iterator

import filelock

from lenet.errors import UserError


@contextlib.contextmanager
def held(path: str, busy: str, name: str, advice: str, waits: bool = False) -> Iterator[None]:
    """Keeps every other process that asks for the same lock out of the block.

    Args:
      path: of the lock file; its directory is made where it is missing.
      busy: what to say when another process holds the lock.
      name, advice: what errors call the place, and what they tell to do where it cannot be written.
      waits: prints `busy` and waits for the other process, where otherwise `busy` is the error.

    Raises:
      UserError: another process holds the lock, or the lock file cannot be made or locked.
    """
    lock = filelock.FileLock(path)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            if not waits:
                raise UserError(busy)
            print(busy, file=sys.stderr, flush=True)
            lock.acquire()
    except (OSError, NotImplementedError) as error:  # NotImplementedError: a file system without locks
        raise UserError('%s: cannot be written (%s); %s' % (name, getattr(error, 'strerror', None) or error, advice))
    try:
        yield
    finally:
        lock.release()
