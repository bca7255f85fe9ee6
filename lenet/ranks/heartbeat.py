"""Whether the other ranks are there. TensorFlow's collectives do not notice when one is not: they wait without end."""

import contextlib
import os
import threading
import time
from typing import Dict, Iterator, List, Optional

import grpc

from lenet.support import progress

_INTERVAL = 1.0  # seconds between two rounds of questions
_PATIENCE = 10.0  # seconds for an answer. Twice in a row without one, and the rank counts as lost
# A call that no server of TensorFlow knows. Its answer, that it knows none, comes from the threads of gRPC itself, also
# while all that compute are busy.
_QUESTION = '/lenet.Ranks/AreYouThere'
_OPTIONS = [('grpc.enable_http_proxy', 0), ('grpc.use_local_subchannel_pool', 1)]
_SILENCE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_LOST = 'rank %d: rank %d at %s has ended or no longer answers; its log tells why, --resume goes on from the ' \
        'newest checkpoint'


def answers(address: str, patience: float = _PATIENCE) -> bool:
    """Whether the rank at host:port answers within `patience` seconds. A dead process is known at once, by its host's
    refusal; one that is stopped, or a host that is cut off, by its silence."""
    with grpc.insecure_channel(address, options=_OPTIONS) as channel:
        try:
            channel.unary_unary(_QUESTION)(b'', timeout=patience)
        except grpc.RpcError as error:
            return error.code() not in _SILENCE
    return True


def wait_for(peers: Dict[int, str], seconds: float) -> List[int]:
    """Waits until all of {rank: address} answer; returns those that still do not after `seconds`."""
    missing, deadline = sorted(peers), time.monotonic() + seconds
    while True:
        missing = [rank for rank in missing if not answers(peers[rank], 1.0)]
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(0.1)


class Heartbeat:
    """Ends this process, in one line and with status 1, when another rank is lost."""

    def __init__(self, rank: int, addresses: List[str]) -> None:
        """Args:
          rank: this one's number. Rank 0 watches all, and the others watch rank 0, with which all end.
          addresses: host:port of all, by rank.
        """
        self._rank = rank
        self._others = {other: address for other, address in enumerate(addresses) if other != rank}
        self.peers = {other: address for other, address in self._others.items() if 0 in (rank, other)}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watches within the block."""
        done = threading.Event()
        threads = [threading.Thread(target=self._watch, args=(other, done), daemon=True) for other in self.peers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()  # not waited for: a question may be under way for long

    def lost(self, seconds: float) -> Optional[int]:
        """A rank that does not answer, looked for until one is found or `seconds` are over."""
        deadline = time.monotonic() + seconds
        while True:
            for other, address in self._others.items():
                if not answers(address, 1.0):
                    return other
            if time.monotonic() > deadline:
                return None
            time.sleep(0.1)

    def end(self, other: int) -> None:
        """Ends this process because that rank is lost. At once: the main thread may be inside a session.run that never
        ends, and the launcher's SIGTERM, on its way by then, must not take the place of the line that tells why."""
        progress.tell('error: ' + _LOST % (self._rank, other, self._others[other]))
        os._exit(1)

    def _watch(self, other: int, done: threading.Event) -> None:
        address, silences = self.peers[other], 0
        while not done.is_set():
            # Twice: the first may have been under way while this very process was stopped, and its time ran out.
            silences = 0 if answers(address) else silences + 1
            if silences == 2 and not done.is_set():
                self.end(other)
            done.wait(0 if silences else _INTERVAL)
