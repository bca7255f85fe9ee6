"""Files and directories appear whole or not at all: written under a temporary name beside the target, then renamed."""

import contextlib
import os
import stat
from typing import Any, BinaryIO, Container, IO, Iterator, Optional

from lenet.errors import UserError
from lenet.support import scratch
from lenet.support import strict_json

_CHUNK = 1 << 20


def make_directory(path: str) -> str:
    """Creates `path` (and its parents) if it is missing and returns it.

    Raises:
      UserError: it cannot be created, or is not a directory.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        reason = 'a file of that name exists' if os.path.isfile(path) else error.strerror
        raise UserError('%s: cannot make this directory (%s); choose another one' % (path, reason))
    return path


@contextlib.contextmanager
def opening(path: str, limit: int, advice: str = 'name a file') -> Iterator[BinaryIO]:
    """Opens a regular file for reading; every reader of a user's file goes through here or through `read`.

    Args:
      limit: the most bytes that the file may have. A sparse file of 40 GB would otherwise be read to its end.
      advice: what the error tells to do.

    Raises:
      UserError: there is no such file, it is a directory, a pipe or a device (which might never end), it is larger,
        or it cannot be read; within the block also for OSError and MemoryError.
    """
    try:
        # Without O_NONBLOCK opening a pipe would wait for its other end.
        with open(path, 'rb', opener=lambda name, mode: os.open(name, mode | os.O_NONBLOCK)) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UserError('%s: is no regular file; %s' % (path, advice))
            if status.st_size > limit:
                raise UserError('%s: has %d bytes, more than the %d that it can have; %s' %
                                (path, status.st_size, limit, advice))
            yield stream
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        raise UserError('%s: cannot be read (%s); %s' % (path, getattr(error, 'strerror', None) or error, advice))
    except MemoryError:
        raise UserError('%s: cannot be read, the memory is exhausted; allow more of it (ulimit -v)' % path)


def read(path: str, limit: int, advice: str = 'name a file') -> bytes:
    """The content of a regular file; arguments and errors as of `opening`."""
    with opening(path, limit, advice) as stream:
        content = bytes(read_at_most(stream, limit + 1))
    if len(content) > limit:  # it grows, or is one of /proc, whose size is told as 0
        raise UserError('%s: has more than the %d bytes that it can have; %s' % (path, limit, advice))
    return content


def read_at_most(stream: IO[bytes], size: int) -> bytearray:
    """The next `size` bytes, fewer at the end; a plain read(size) would allocate them all, whatever the file holds."""
    content = bytearray()
    while len(content) < size:
        chunk = stream.read(min(size - len(content), _CHUNK))
        if not chunk:
            break
        content += chunk
    return content


def require_regular(path: str) -> None:
    """For files that others open: a pipe or a device would keep them for ever.

    Raises:
      UserError: `path` is there and no regular file.
    """
    if os.path.lexists(path) and not os.path.isfile(path):
        raise UserError('%s: is no regular file; name one' % path)


def flush(path: str) -> None:
    """To the disk, so that a final name never stands for less than the whole file."""
    with open(path, 'rb') as stream:
        os.fsync(stream.fileno())


def write_flushed(path: str, content: bytes) -> None:
    """Writes a file, in a temporary directory, that is whole on the disk before it is renamed.

    Raises:
      OSError: it cannot be written.
    """
    with open(path, 'wb') as stream:
        stream.write(content)
    flush(path)


@contextlib.contextmanager
def replacing(path: str, mode: str = 'w') -> Iterator[IO]:
    """Opens a temporary file that becomes `path` on success and vanishes on any failure.

    Args:
      path: the final name; its directory must exist.
      mode: 'w' (UTF-8 text) or 'wb'.

    Raises:
      UserError: the directory cannot be written, the disk is full, or something else than a file has the name.
    """
    require_file_name(path)
    try:
        with scratch.file(path) as (handle, temporary):
            with os.fdopen(handle, mode, encoding=None if 'b' in mode else 'utf-8', closefd=False) as stream:
                yield stream
                stream.flush()
                os.fsync(handle)
                os.fchmod(handle, 0o666 & ~_umask())  # it was made private
                os.replace(temporary, path)  # while its lock is held
    except OSError as error:
        raise UserError('%s: cannot be written (%s)' % (path, error.strerror or error))


def read_json(path: str, limit: int, advice: str = 'name a file') -> Any:
    """The value that a file of JSON holds; arguments and errors as of `opening`, and for what is no strict JSON."""
    try:
        return strict_json.parse(read(path, limit, advice))
    except ValueError as error:
        raise UserError('%s: %s; %s' % (path, error, advice))


def write_json(path: str, value: Any) -> None:
    """Writes `value`; null stands for NaN and infinities.

    Raises:
      UserError: as `replacing`.
    """
    with replacing(path) as stream:
        stream.write(strict_json.text(value))


def require_file_name(path: str) -> None:
    """
    Raises:
      UserError: `path` cannot be the name of a file: its directory is missing, or it is a directory or a device.
    """
    directory = os.path.dirname(path) or '.'
    if not os.path.isdir(directory):
        raise UserError('%s: cannot be written, there is no directory %s; make it, or choose another place' %
                        (path, directory))
    if os.path.isdir(path) or path.endswith(os.sep):
        raise UserError('%s: cannot be written, it is a directory; name a file' % path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError('%s: cannot be written, it is no regular file; name one' % path)


@contextlib.contextmanager
def scratch_beside(path: str) -> Iterator[str]:
    """A temporary directory in the directory of `path`, for what is to be renamed to it; removed at the block's end.

    Raises:
      UserError: it cannot be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            directory = stack.enter_context(scratch.directory(path))
        except OSError as error:
            raise UserError('%s: cannot be written (%s)' % (path, error.strerror))
        yield directory


def find_stranger(directory: str, known: Container[str]) -> Optional[str]:
    """The first file or folder below `directory` whose path below it is none of `known`; None without any.

    Raises:
      OSError: a folder cannot be listed.
    """
    def fail(error: OSError) -> None:
        raise error

    paths = (os.path.relpath(os.path.join(place, name), directory)
             for place, folders, names in os.walk(directory, onerror=fail) for name in sorted(folders + names))
    return next((path for path in paths if path not in known), None)


def recover(path: str) -> None:
    """Undoes what a killed `replacing_directory` of the same path has left."""
    scratch.remove_dead(*os.path.split(os.path.realpath(path)))


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
    try:
        with scratch.directory(path) as directory:
            new = os.path.join(directory, 'new')
            os.mkdir(new)
            yield new
            scratch.put_in_place(new, path)
    except OSError as error:
        raise UserError('%s: cannot be written (%s)' % (path, error.strerror or error))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
