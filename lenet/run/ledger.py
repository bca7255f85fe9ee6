"""Where the wall time of a run went; the parts and 'unexplained' sum to the total."""

import contextlib
import time
from typing import Dict, Iterator

PARTS = ('imports', 'platform', 'data', 'graph', 'first_call', 'steady_steps', 'evaluation', 'saving', 'logging')


class Ledger:
    """Seconds by part, from `start` (a time.perf_counter value) on."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._seconds = dict.fromkeys(PARTS, 0.0)

    def add(self, part: str, seconds: float) -> None:
        self._seconds[part] += seconds

    @contextlib.contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """Adds the block's duration to `part`, also when the block raises."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(part, time.perf_counter() - began)

    def total(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    def report(self) -> Dict[str, float]:
        """Every part, 'unexplained' and their sum, 'total', in seconds."""
        total = self.total()
        return dict(self._seconds, unexplained=total - sum(self._seconds.values()), total=total)
