"""Files from a public HTTP(S) mirror, with bounds on the time and on the bytes it can take.

A socket time-out bounds only the silence between two bytes (and nothing of the name resolution): a server that drips
a byte now and then would hold the program forever. So a thread talks to the server, and the main thread, which waits
for its chunks, leaves at the deadline whatever the server does.
"""

import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
import zlib
from typing import Iterable, Iterator, Tuple, Union

from lenet.data.mnist_files import RawFile, SourceError, check
from lenet.support import progress

_CHUNK = 1 << 16
_HEADROOM = 1 << 16  # the .gz of incompressible bytes is a little larger than they are
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # tells zlib to expect gzip's header and trailer


def read(url: str, files: Iterable[RawFile], timeout: float, deadline: float) -> Iterator[Tuple[RawFile, bytes]]:
    """Downloads <url>/<name>.gz for each of `files`.

    Args:
      url: address of the directory on the server.
      files: what to get.
      timeout: seconds without a byte after which the server is given up.
      deadline: seconds for one whole file.

    Yields:
      (file, its raw content, verified).

    Raises:
      SourceError: the first file that did not come, or is not what it should be.
    """
    for file in files:
        zipped = _download('%s/%s.gz' % (url.rstrip('/'), file.name), file.size + _HEADROOM, timeout, deadline)
        content = _unzip(file, zipped)
        check(file, content)
        yield file, content


def _unzip(file: RawFile, zipped: bytes) -> bytes:
    decompressor = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = decompressor.decompress(zipped, file.size + 1)  # one more shows that there is more
    except zlib.error as error:
        raise SourceError('%s.gz: damaged (%s)' % (file.name, error))
    if not decompressor.eof and len(content) <= file.size:
        raise SourceError('%s.gz: truncated after %d bytes' % (file.name, len(zipped)))
    return content


def _download(url: str, limit: int, timeout: float, deadline: float) -> bytes:
    transfer = _Transfer(url, limit, timeout)
    try:
        return transfer.body(time.monotonic() + deadline)
    finally:
        transfer.abandoned.set()


class _Transfer(threading.Thread):
    """One download: `run` is the thread's side, `body` the main thread's."""

    def __init__(self, url: str, limit: int, timeout: float) -> None:
        super().__init__(daemon=True)  # the program may end while the thread still waits for the server
        self.abandoned = threading.Event()
        self._url = url
        self._limit = limit  # bytes
        self._timeout = timeout
        self._received = queue.Queue()  # the announced length or None, chunks, b'' at the end; or an exception

    def run(self) -> None:
        try:
            with urllib.request.urlopen(self._url, timeout=self._timeout) as response:
                self._pump(response)
        except Exception as error:  # every kind: it is raised again in the main thread
            self._received.put(error)

    def _pump(self, response: http.client.HTTPResponse) -> None:
        length = response.headers.get('Content-Length')
        self._received.put(length and int(length))
        count = 0
        while not self.abandoned.is_set():
            # read1 returns what one receive brought; read(n) would wait until n bytes have dripped in.
            chunk = response.read1(_CHUNK)
            count += len(chunk)
            if count > self._limit:
                raise SourceError('more than %d bytes' % self._limit)
            self._received.put(chunk)
            if not chunk:
                return

    def body(self, end: float) -> bytes:
        """Waits until time.monotonic() is `end` at most; SourceError if the whole body has not come then."""
        self.start()
        name = self._url.rsplit('/', 1)[-1]
        try:
            with progress.bar(self._next(end), name, 'B') as advance:
                body = bytearray()
                for chunk in iter(lambda: self._next(end), b''):
                    body += chunk
                    advance(len(chunk))
        except (SourceError, OSError, http.client.HTTPException, ValueError) as error:  # ValueError: not a URL
            raise SourceError('%s: %s' % (name, _reason(error)))
        return bytes(body)

    def _next(self, end: float) -> Union[bytes, int, None]:
        try:
            item = self._received.get(timeout=max(end - time.monotonic(), 0))
        except queue.Empty:
            raise SourceError('too slow, not complete at the deadline')
        if isinstance(item, Exception):
            raise item
        return item


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return 'HTTP status %d' % error.code
    cause = getattr(error, 'reason', None) or error  # URLError wraps the socket's own error
    text = getattr(cause, 'strerror', None) or str(cause) or type(cause).__name__
    return ' '.join(text.split())
