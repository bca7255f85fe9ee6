"""Ends a rank that waits for another one without end: what neither the collectives nor the launcher notice."""

import contextlib
import os
import sys
import threading
from typing import Iterator


class Watchdog:
    """Ends this process, in one line and with status 1, when `beat` is not called for too long."""

    def __init__(self, seconds: float, rank: int) -> None:
        """Args:
          seconds: the longest time between two beats.
          rank: this one's number.
        """
        self._seconds, self._rank = seconds, rank
        self._beaten = threading.Event()
        self._done = False

    def beat(self) -> None:
        self._beaten.set()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watches within the block."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done = True
            self.beat()
            thread.join()

    def _watch(self) -> None:
        while self._beaten.wait(self._seconds):
            self._beaten.clear()
            if self._done:
                return
        print('error: rank %d: no session.run has ended for --rank_timeout=%g seconds: this rank or another one stands '
              'still; --resume goes on from the newest checkpoint' % (self._rank, self._seconds), file=sys.stderr,
              flush=True)
        os._exit(1)  # the main thread may be inside a session.run that never ends
