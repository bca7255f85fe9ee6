"""Keeping known noise of TensorFlow's C++ side from the terminal."""

import contextlib
import ctypes
import os
import re
import signal
import sys
import tempfile
from typing import Iterator, NoReturn


@contextlib.contextmanager
def without_stderr_lines(pattern: str) -> Iterator[None]:
    """Holds back what the block writes to file descriptor 2, then prints the lines that do not match `pattern`.

    For short blocks only: the lines of a process that is aborted inside are lost (see `filtering_stderr`).
    """
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # no place for temporary files: noise is better than no program
            yield
            return
        try:
            with _stderr_into(held.fileno()):
                yield
        finally:
            held.seek(0)
            for line in held:
                _write_unless(pattern, line)


@contextlib.contextmanager
def _stderr_into(file_descriptor: int) -> Iterator[None]:
    sys.stderr.flush()
    saved = os.dup(2)
    os.dup2(file_descriptor, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


def _write_unless(pattern: str, line: bytes) -> None:
    if not re.search(pattern, line.decode(errors='replace')):
        os.write(2, line)


@contextlib.contextmanager
def without_stdout() -> Iterator[None]:
    """Discards what the block writes to file descriptor 1, also by way of C's buffers."""
    sys.stdout.flush()
    flush_c = ctypes.CDLL(None).fflush
    flush_c(None)
    saved = os.dup(1)
    with open(os.devnull, 'w') as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        flush_c(None)
        os.dup2(saved, 1)
        os.close(saved)


@contextlib.contextmanager
def filtering_stderr(pattern: str) -> Iterator[None]:
    """As `without_stderr_lines`, but the other lines come as they are written, and also if this process is aborted: a
    child reads them. It is forked, so that this must come before there are threads.
    """
    sys.stderr.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        _pass_on(reader, pattern)
    os.close(reader)
    try:
        with _stderr_into(writer):
            os.close(writer)
            yield
    finally:
        os.waitpid(child, 0)


def _pass_on(reader: int, pattern: str) -> NoReturn:
    """The child's side: ends with the last process that has the pipe."""
    try:
        for signum in (signal.SIGINT, signal.SIGTERM):  # the parent's to obey
            signal.signal(signum, signal.SIG_IGN)
        with os.fdopen(reader, 'rb') as lines:
            for line in lines:
                _write_unless(pattern, line)
    finally:
        os._exit(0)
