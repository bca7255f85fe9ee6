"""Ranks of this machine: where they listen, and the cores that are theirs."""

import contextlib
import os
import socket
import subprocess
import sys
from typing import List, Optional

from lenet.launcher import closed_network
from lenet.support import modules
from lenet.support import progress

_FIRST_PORT = 2222  # TensorFlow's habit
_HOST = '127.0.0.1:%d'


def find_addresses(ranks: int, open_ports: bool, data_path: Optional[str]) -> List[str]:
    """host:port of each rank: out of reach from the network, which this process leaves for that, unless it is waived.

    Args:
      data_path: of the ranks.

    Raises:
      UserError: the system does not allow it.
      SystemExit: MNIST cannot be fetched, which has been told.
    """
    if ranks == 1:
        return [_HOST % _FIRST_PORT]  # where nobody will listen
    if open_ports:
        progress.warn('%s: whoever reaches the ports of the ranks, on any interface, can run programs as you' %
                      closed_network.OPTION)
        return [_HOST % port for port in find_free_ports(ranks)]
    if data_path is None:
        _fetch_mnist()  # the ranks could not
    closed_network.enter()
    return [_HOST % (_FIRST_PORT + rank) for rank in range(ranks)]


def _fetch_mnist() -> None:
    """As training does, but in a process of its own: it imports what starts threads, and this one must have none.

    Raises:
      SystemExit: it failed, and has told why.
    """
    status = subprocess.call(modules.command('lenet.data.fetch', []), stdout=subprocess.DEVNULL)
    if status != 0:
        sys.exit(status if status > 0 else 128 - status)


def find_free_ports(count: int) -> List[int]:
    """Ports that nobody listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(('', 0))
        return [each.getsockname()[1] for each in sockets]


def share_cores(ranks: int) -> List[List[int]]:
    """The cores of each rank: its share of those that this process may run on; none where there are too few, or the
    system cannot tell."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else []
    if not 1 < ranks <= len(cores):
        return [[]] * ranks
    return [cores[rank * len(cores) // ranks:(rank + 1) * len(cores) // ranks] for rank in range(ranks)]
