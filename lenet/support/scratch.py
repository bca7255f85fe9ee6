"""Temporary files and directories beside what they are to become, and what kills have left of them.

Their names, `.NAME.RANDOM.lenet-tmp`, are this program's alone. Whoever makes one holds a lock (flock) on it to the
end, and the system takes the lock back however that process ends. So one whose lock can be had is dead, and whoever
makes the next one for the same NAME removes it. On a file system without such locks nothing is known to be dead, and
all stays.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from typing import Callable, ContextManager, Iterator, Optional, Tuple

from lenet.support import signals

MARK = '.lenet-tmp'
_NAME = re.compile(r'\.(.+)\.[^.]{8}' + re.escape(MARK), re.DOTALL)
_FORMER = 'former'  # in a temporary directory: the directory whose place another is about to take
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of <fcntl.h> and <linux/fs.h>


def file(path: str) -> ContextManager[Tuple[int, str]]:
    """A temporary file of `path`: its descriptor and its name. At the block's end the one is closed, and the file
    removed unless it has got another name by then.

    Raises:
      OSError: it cannot be made.
    """
    return _made(tempfile.mkstemp, _unlink, path)


@contextlib.contextmanager
def directory(path: str) -> Iterator[str]:
    """A temporary directory of `path`, removed at the block's end.

    Raises:
      OSError: it cannot be made.
    """
    with _made(_make_directory, _remove_tree, path) as (_, made):
        yield made


@contextlib.contextmanager
def _made(maker: Callable[..., Tuple[int, str]], remove: Callable[[str], None], path: str) -> Iterator[Tuple[int, str]]:
    """Leaves nothing, at whatever moment a signal comes."""
    made = None
    try:
        try:
            with signals.held():  # an exception between its making and the next line would leave it
                handle, made = _make(maker, path)
            yield handle, made
        finally:
            if made is not None:
                remove(made)
    finally:  # for a signal within the one above
        if made is not None:
            remove(made)
            os.close(handle)


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _remove_tree(path: str) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _make(maker: Callable[..., Tuple[int, str]], path: str) -> Tuple[int, str]:
    """What `maker` makes, locked, and its name."""
    parent, name = os.path.split(path)
    remove_dead(parent, name)
    while True:
        handle, made = maker(prefix='.%s.' % name, suffix=MARK, dir=parent or '.')
        if _is_claimed(handle, made):
            return handle, made
        os.close(handle)


def _make_directory(**options: str) -> Tuple[int, str]:
    while True:
        made = tempfile.mkdtemp(**options)
        with contextlib.suppress(FileNotFoundError):  # see _is_claimed
            return os.open(made, os.O_RDONLY), made


def system_directory(name: str) -> ContextManager[str]:
    """As `directory`, where the system keeps what is temporary.

    Args:
      name: of what it is for.
    """
    return directory(os.path.join(tempfile.gettempdir(), name))


def _is_claimed(handle: int, name: str) -> bool:
    """Locks what was just made; False if another process took it for dead before."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            return False  # that process is about to remove it
    return os.path.lexists(name)


def remove_dead(parent: str, name: Optional[str] = None) -> None:
    """Removes what killed processes left in the directory `parent`, of the target `name` or, without it, of all.

    A process that was killed while it exchanged two directories may have left the former one here and nothing in its
    place: it gets its name back.
    """
    with contextlib.suppress(OSError):
        for entry in os.listdir(parent or '.'):
            match = _NAME.fullmatch(entry)
            if match and name in (None, match.group(1)):
                with contextlib.suppress(OSError):
                    _remove_if_dead(os.path.join(parent, entry), os.path.join(parent, match.group(1)))


def _remove_if_dead(left: str, target: str) -> None:
    """Raises:
      OSError: it is alive, or cannot be removed.
    """
    handle = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():  # in /tmp everybody can make such a name
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISREG(status.st_mode):
            os.unlink(left)
        elif stat.S_ISDIR(status.st_mode):
            if not os.path.lexists(target) and os.path.lexists(os.path.join(left, _FORMER)):
                os.rename(os.path.join(left, _FORMER), target)
            shutil.rmtree(left)
    finally:
        os.close(handle)


def put_in_place(new: str, path: str) -> None:
    """Moves `new`, which lies in a temporary directory of `path`, to `path`; a directory there is left in the former.

    Either both happen or neither. Where the system cannot exchange two names at once, a kill between two renames leaves
    it to `remove_dead` to give the former directory its name back.

    Raises:
      OSError: a name cannot be changed.
    """
    if not os.path.lexists(path):
        os.rename(new, path)
    elif not _is_exchanged(new, path):
        former = os.path.join(os.path.dirname(new), _FORMER)
        os.rename(path, former)
        try:
            os.rename(new, path)
        except BaseException:
            if not os.path.lexists(path):
                os.rename(former, path)
            raise


def _is_exchanged(one: str, other: str) -> bool:
    """Exchanges two names, in one call that cannot be interrupted; False where there is none (Linux has it)."""
    renameat2 = getattr(ctypes.CDLL(None), 'renameat2', None)
    return renameat2 is not None and renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other),
                                               _RENAME_EXCHANGE) == 0
