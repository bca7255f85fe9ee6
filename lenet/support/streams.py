"""The standard streams of a command: always there, one way to fail, and no character that moves a terminal."""

import contextlib
import io
import os
import re
import sys
from typing import TextIO

from lenet.errors import UserError

# Of Unicode's control characters those that text in a file could steer a terminal with: all but tab and the end of a
# line, and what turns the direction of writing. Bars begin their line anew, so stderr may have \r.
_CONTROLS = '\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069'


class OutputLost(UserError):
    """What was printed on stdout could not be written."""


class _Raw(io.FileIO):
    """One of the three by its number, which it leaves open."""

    def __init__(self, number: int, loses: bool) -> None:
        super().__init__(number, 'w', closefd=False)
        self._loses = loses

    def write(self, data: bytes) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            if self._loses:
                return len(data)
            raise
        except OSError as error:
            if self._loses:
                return len(data)
            raise OutputLost('standard output: cannot be written (%s), its end is lost; send it to another place' %
                             error.strerror)


class _Text(io.TextIOWrapper):
    """Shows escapes for control characters, and for what the encoding lacks."""

    def __init__(self, number: int, like: TextIO, loses: bool) -> None:
        super().__init__(io.BufferedWriter(_Raw(number, loses)), like.encoding, 'backslashreplace',
                         line_buffering=loses or os.isatty(number) or like.write_through)  # python -u
        self._controls = re.compile('[%s]' % (_CONTROLS if loses else _CONTROLS + '\r'))

    def write(self, text: str) -> int:
        super().write(self._controls.sub(lambda found: found.group().encode('unicode_escape').decode(), text))
        return len(text)


def open_all() -> None:
    """Gives this process its own sys.stdout and sys.stderr, before another file gets the number of one that is closed.

    From now on a failed write to stdout raises OutputLost, or BrokenPipeError where the reader has gone; one to stderr
    is lost, as there is nobody left to tell.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest free number, this one; writing fails as before
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)
    like = sys.stdout or sys.stderr or sys.stdin
    sys.stdout, sys.stderr = _Text(1, like, loses=False), _Text(2, like, loses=True)


def give_up_output() -> None:
    """Lets go of a stdout that cannot be written: what is printed, and what Python still holds of it, vanishes."""
    with contextlib.suppress(OSError, ValueError):  # a stream without a number
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
