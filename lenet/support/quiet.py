"""Keeping known noise of TensorFlow's C++ side from the terminal."""

import contextlib
import os
import re
import sys
import tempfile
from typing import Iterator


@contextlib.contextmanager
def without_stderr_lines(pattern: str) -> Iterator[None]:
    """Holds back what the block writes to file descriptor 2, then prints the lines that do not match `pattern`.

    For short blocks only: the lines of a process that is aborted inside are lost.
    """
    sys.stderr.flush()
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # no place for temporary files: noise is better than no program
            yield
            return
        saved = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held:
                if not re.search(pattern, line.decode(errors='replace')):
                    os.write(2, line)
