"""Where Horovod's ranks of this machine find each other: Horovod's own server, on the loopback address alone."""

import contextlib
import importlib.util
import socket
import threading
from typing import Dict, Iterator, List

from lenet.errors import UserError

REQUIREMENTS = 'requirements-distributed.txt'
_ADDRESS = '127.0.0.1'


def check() -> None:
    """Raises:
      UserError: Horovod is not installed.
    """
    if importlib.util.find_spec('horovod') is None:
        raise UserError('Horovod is not installed: LENET_STACK=tf1 ./run_np.sh builds it, for TensorFlow 1.15 alone '
                        '(with g++ and cmake, from %s)' % REQUIREMENTS)


@contextlib.contextmanager
def serving(ranks: int) -> Iterator[List[Dict[str, str]]]:
    """Answers within the block.

    Yields:
      The variables that tell each rank who it is and where the server is.

    Raises:
      UserError: Horovod is not installed.
    """
    check()
    from horovod.runner import gloo_run
    from horovod.runner.common.util import hosts
    from horovod.runner.http import http_server
    slots = hosts.get_host_assignments(hosts.parse_hosts('localhost:%d' % ranks), ranks)
    # Not http_server.RendezvousServer, which listens to the whole network.
    server = http_server.RendezvousHTTPServer((_ADDRESS, 0), http_server.RendezvousHandler, 0)
    server.init(slots)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    common = gloo_run.create_run_env_vars(_ADDRESS, [_loopback()], str(server.server_address[1]))
    try:
        yield [dict(common, **gloo_run.create_slot_env_vars(slot)) for slot in slots]
    finally:
        server.shutdown()
        server.server_close()


def _loopback() -> str:
    """The interface's name: lo on Linux, lo0 on macOS."""
    return next(name for _, name in socket.if_nameindex() if name.startswith('lo'))
