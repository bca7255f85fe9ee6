"""How many cores a measurement may use."""

import os
from typing import Optional

from lenet.errors import UsageError
from lenet.support import machine


def restrict(count: Optional[int]) -> None:
    """From now on this process, and what it starts, runs on the first `count` of its cores; None: on all.

    Must come before TensorFlow is imported, which sizes its thread pools by the cores it finds.

    Raises:
      UsageError: there are fewer.
    """
    if count is None:
        return
    check(count)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def check(count: int) -> None:
    """Raises:
      UsageError: fewer than `count` cores are usable, or --cores cannot be had on this system.
    """
    if not hasattr(os, 'sched_setaffinity'):
        raise UsageError('--cores=%d: this system cannot restrict a process to some cores; leave it out' % count)
    if not 1 <= count <= machine.usable_cores():
        raise UsageError('--cores=%d: %d can be used here' % (count, machine.usable_cores()))
