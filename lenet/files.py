"""Files and directories appear whole or not at all: written under a temporary name beside the target, then renamed."""

import contextlib
import os
import shutil
import tempfile
from typing import IO, Iterator

from lenet.errors import UserError


def make_directory(path: str) -> str:
    """Creates `path` (and its parents) if it is missing and returns it.

    Raises:
      UserError: it cannot be created, or is not a directory.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        found = 'a file of that name exists' if os.path.isfile(path) else error.strerror
        raise UserError('%s: cannot make this directory (%s); choose another one' % (path, found))
    return path


@contextlib.contextmanager
def replacing(path: str, mode: str = 'w') -> Iterator[IO]:
    """Opens a temporary file that becomes `path` on success and vanishes on any failure.

    Args:
      path: the final name; its directory must exist.
      mode: 'w' (UTF-8 text) or 'wb'.

    Raises:
      UserError: the directory cannot be written, or the disk is full.
    """
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix='.' + os.path.basename(path) + '.',
                                             suffix='.tmp', dir=os.path.dirname(path) or '.')
        with os.fdopen(handle, mode, encoding=None if 'b' in mode else 'utf-8') as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes private files
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise UserError('%s: cannot be written (%s)' % (path, error.strerror or error))
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


@contextlib.contextmanager
def replacing_directory(path: str) -> Iterator[str]:
    """Yields a temporary directory that takes the place of `path` on success and vanishes on any failure.

    Its files are not flushed to the disk one by one.

    Args:
      path: the final name; what is there, if anything, is a directory, which is deleted once the new one has its name.

    Raises:
      UserError: the directory around it cannot be written, or the disk is full.
    """
    path = os.path.realpath(path)
    scratch = None
    try:
        scratch = tempfile.mkdtemp(prefix='.%s.' % os.path.basename(path), suffix='.tmp', dir=os.path.dirname(path))
        new, old = os.path.join(scratch, 'new'), os.path.join(scratch, 'old')
        os.mkdir(new)
        yield new
        _exchange(new, path, old)
    except OSError as error:
        raise UserError('%s: cannot be written (%s)' % (path, error.strerror or error))
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def _exchange(new: str, path: str, old: str) -> None:
    """Moves `path`, where it exists, to `old` and `new` to `path`, or neither."""
    try:
        if os.path.lexists(path):
            os.rename(path, old)
        os.rename(new, path)
    except BaseException:
        if os.path.lexists(old) and not os.path.lexists(path):
            os.rename(old, path)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
