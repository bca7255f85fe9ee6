"""What the ranks print: all of it kept in a file each, that of the leading rank also shown as it comes."""

import contextlib
import fcntl
import os
import pty
import selectors
import sys
import termios
import tty
from typing import IO, List, NamedTuple

from lenet.errors import UserError
from lenet.support import files

_CHUNK = 65536
_PIPE_CHUNKS = 64  # more than a pipe holds
_TAIL = 4096
_LONGEST = 300  # characters of a quoted line


class Channel(NamedTuple):
    """A way from the leading rank to one of this process's own streams."""

    reader: int  # file descriptor that is read here
    writer: int  # file descriptor of the rank
    target: int  # 1 or 2


class Echo:
    """Shows what comes through `stdout` and `stderr`, the ends for the leading rank, and keeps it in its log.

    Where this process's own stream is a terminal the rank gets one, too, for its bars; the log has no bars.
    """

    def __init__(self, selector: selectors.BaseSelector, log: IO[bytes]) -> None:
        """Args:
          selector: that of the loop which calls `copy` when its key's data is a Channel of this object.
          log: unbuffered.
        """
        self._selector, self._log = selector, log
        self._deaf = set()  # targets that nobody reads any more
        same = os.path.samestat(os.fstat(1), os.fstat(2))  # then one channel keeps the order of the lines
        self._channels = [_open(1)] + ([] if same else [_open(2)])
        self._unfinished = {channel.reader: b'' for channel in self._channels}
        for channel in self._channels:
            selector.register(channel.reader, selectors.EVENT_READ, channel)
        self.stdout, self.stderr = self._channels[0].writer, self._channels[-1].writer

    def release(self) -> None:
        """Closes the rank's ends in this process, once the rank has them."""
        for channel in self._channels:
            os.close(channel.writer)

    def copy(self, channel: Channel) -> bool:
        """Copies what is there; False at the end, or where nothing is and the read does not wait."""
        try:
            data = os.read(channel.reader, _CHUNK)
        except OSError:  # also a terminal's way to say that its other side is closed
            data = b''
        if not data and channel.reader in self._selector.get_map():
            self._selector.unregister(channel.reader)
        self._show(channel.target, data)
        self._keep(channel.reader, data)
        return bool(data)

    def _show(self, target: int, data: bytes) -> None:
        try:
            while data and target not in self._deaf:
                data = data[os.write(target, data):]
        except OSError:  # the reader has gone (`| head`): no reason to stop a training
            self._deaf.add(target)

    def _keep(self, reader: int, data: bytes) -> None:
        lines = (self._unfinished[reader] + data).split(b'\n')
        self._unfinished[reader] = lines.pop()
        with contextlib.suppress(OSError):  # a full disk: what is shown is more than nothing
            self._log.write(b''.join(_last_drawn(line) + b'\n' for line in lines))

    def close(self) -> None:
        """Copies what is left, without waiting for what a rank's own children may hold open."""
        for channel in self._channels:
            os.set_blocking(channel.reader, False)
            chunks = 0
            while chunks < _PIPE_CHUNKS and self.copy(channel):
                chunks += 1
            if self._unfinished[channel.reader]:
                self._keep(channel.reader, b'\n')
            os.close(channel.reader)


def _open(target: int) -> Channel:
    if not os.isatty(target):
        reader, writer = os.pipe()
        return Channel(reader, writer, target)
    reader, writer = pty.openpty()
    tty.setraw(writer)  # the real one turns \n into \r\n
    with contextlib.suppress(OSError):
        fcntl.ioctl(writer, termios.TIOCSWINSZ, fcntl.ioctl(target, termios.TIOCGWINSZ, bytes(8)))
    return Channel(reader, writer, target)


def _last_drawn(line: bytes) -> bytes:
    """What is seen of a line that was drawn over, as bars are."""
    return line.rstrip(b'\r').rpartition(b'\r')[2]


def last_line(path: str) -> str:
    """The last line of a log that is not empty, shortened, '' without any."""
    try:
        with files.opening(path, sys.maxsize) as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL))
            lines: List[str] = stream.read(_TAIL).decode(errors='replace').split('\n')
    except UserError:
        return ''
    return next((line.strip()[:_LONGEST] for line in reversed(lines) if line.strip()), '')
