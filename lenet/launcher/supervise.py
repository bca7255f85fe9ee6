"""The processes of the ranks: started, watched, stopped together, never left behind."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set

from lenet.errors import UserError
from lenet.launcher import rank_output
from lenet.support import progress
from lenet.support import signals

GRACE = 10.0     # seconds from SIGTERM to SIGKILL for the others, when a rank has failed
PATIENCE = 60.0  # seconds from the user's signal to SIGKILL: the current call ends, a checkpoint is written
_TURN = 0.5      # seconds; what happens wakes the loop earlier


class Start(NamedTuple):
    """What makes a rank."""

    number: int
    environment: Mapping[str, str]
    log: str
    cores: Sequence[int] = ()  # it is kept on them; none: it runs where this process may


class _Rank:
    """A started one."""

    def __init__(self, start: Start, process: subprocess.Popen) -> None:
        self.number, self.log = start.number, start.log
        self._process = process
        self.status: Optional[int] = None  # 128 + the signal that ended it

    def has_just_ended(self) -> bool:
        if self.status is not None or self._process.poll() is None:
            return False
        code = self._process.returncode
        self.status = code if code >= 0 else 128 - code
        self.send(signal.SIGKILL)  # what it may have started itself
        return True

    def send(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signum)

    def kill(self) -> None:
        if self.status is None:
            self.send(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)

    def stands_still(self) -> bool:
        """Whether SIGSTOP, a terminal or a debugger has stopped it; unknown, so False, where Python cannot ask."""
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
        except (AttributeError, ChildProcessError):  # macOS has no waitid; it may be ending
            return False

    def was_killed(self) -> bool:
        return self._process.returncode < 0

    def how(self) -> str:
        code = self._process.returncode
        return 'was killed by %s' % signal.Signals(-code).name if self.was_killed() else 'ended with status %d' % code


def run(command: List[str], starts: List[Start], stopped_timeout: float) -> int:
    """Runs `command` once for each of `starts`, and returns when all have ended.

    The output of the first is shown. A rank that fails ends the others, and so does one that is stopped (as by SIGSTOP)
    for `stopped_timeout` seconds. SIGINT and SIGTERM go to all ranks, once; a second one kills them.

    Returns:
      The status of the rank that failed first, or, if the user stopped them, the worst.

    Raises:
      UserError: a rank cannot be started.
      signals.Interrupted: the second signal.
    """
    with signals.deferred() as request, _waking() as selector:
        ranks: List[_Rank] = []
        try:
            with _starting(command, starts, selector, ranks) as echo:
                watch = _Watch(ranks, request, stopped_timeout)
                watch.until_all_have_ended(selector, echo)
            watch.report()
            return watch.status()
        finally:
            for rank in ranks:
                rank.kill()


@contextlib.contextmanager
def _waking() -> Iterator[selectors.BaseSelector]:
    """A selector that signals wake, SIGCHLD among them: who failed first is known to the millisecond."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    former = signal.signal(signal.SIGCHLD, lambda *unused: None)
    former_fd = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        try:
            yield selector
        finally:
            signal.set_wakeup_fd(former_fd)
            signal.signal(signal.SIGCHLD, former)
            os.close(reader)
            os.close(writer)


@contextlib.contextmanager
def _starting(command: List[str], starts: List[Start], selector: selectors.BaseSelector,
             ranks: List[_Rank]) -> Iterator[rank_output.Echo]:
    """Starts all, each into `ranks` at once, the first with its output through the echo."""
    with contextlib.ExitStack() as stack:
        logs = [stack.enter_context(_open_log(start.log)) for start in starts]
        echo = rank_output.Echo(selector, logs[0])
        stack.callback(echo.close)
        try:
            ranks.append(_start(command, starts[0], echo.stdout, echo.stderr))
        finally:
            echo.release()
        for start, log in zip(starts[1:], logs[1:]):
            ranks.append(_start(command, start, log.fileno(), log.fileno()))
        yield echo


def _open_log(path: str):
    try:
        return open(path, 'wb', buffering=0)
    except OSError as error:
        raise UserError('%s: cannot be written (%s); choose another --output_dir' % (path, error.strerror))


def _start(command: List[str], start: Start, stdout: int, stderr: int) -> _Rank:
    """In a session of its own, so that a terminal's Ctrl-C reaches it through this process only."""
    try:
        with _kept_on(set(start.cores)):
            return _Rank(start, subprocess.Popen(command, env=dict(start.environment), stdin=subprocess.DEVNULL,
                                                 stdout=stdout, stderr=stderr, start_new_session=True))
    except OSError as error:
        raise UserError('rank %d cannot be started (%s)' % (start.number, error.strerror))


@contextlib.contextmanager
def _kept_on(cores: Set[int]) -> Iterator[None]:
    """What is started within the block runs on `cores` alone, from its first instruction on."""
    if not cores:
        yield
        return
    former = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, former)


class _Watch:
    """What happens to the ranks, and what is done about it."""

    def __init__(self, ranks: List[_Rank], request: signals.StopRequest, stopped_timeout: float) -> None:
        self._ranks, self._request, self._stopped_timeout = ranks, request, stopped_timeout
        self._running = list(ranks)
        self._forwarded = False             # the user's signal
        self._culprits: List[_Rank] = []    # failed by themselves, first
        self._stopped: Dict[_Rank, float] = {}  # since when
        self._cause: Optional[_Rank] = None  # stopped when another one failed, or for too long
        self._deadline: Optional[float] = None

    def until_all_have_ended(self, selector: selectors.BaseSelector, echo: rank_output.Echo) -> None:
        while self._running:
            for key, _ in selector.select(_TURN):
                if isinstance(key.data, rank_output.Channel):
                    echo.copy(key.data)
                else:
                    os.read(key.fd, 512)
            self._turn()

    def status(self) -> int:
        blamed = self._ranks if self._forwarded else self._culprits
        return max([rank.status for rank in blamed], default=0) or int(self._cause is not None)

    def report(self) -> None:
        """One line about the rank that failed first; what the leading rank said itself has been shown."""
        if self._cause is not None:
            progress.tell('error: rank %d did not go on after it had been stopped (by SIGSTOP, a terminal or a '
                          'debugger), so all were ended; its output is in %s' % (self._cause.number, self._cause.log))
            return
        expected = (0, 128 + self._request.signum) if self._forwarded else (0,)
        blamed = [rank for rank in (self._culprits or self._ranks) if rank.status not in expected]
        if not blamed:
            return
        rank, quoted = blamed[0], rank_output.last_line(blamed[0].log)
        shown = rank is self._ranks[0]
        if shown and quoted.startswith('error: '):  # all is said
            return
        said = '' if shown or not quoted else ': ' + quoted
        others = ', so the others were stopped' if len(self._ranks) > 1 and not self._forwarded else ''
        progress.tell('error: rank %d %s%s; its output is in %s%s' % (rank.number, rank.how(), others, rank.log, said))

    def _turn(self) -> None:
        ended = [rank for rank in self._running if rank.has_just_ended()]
        self._running = [rank for rank in self._running if rank.status is None]
        if self._request.signum is not None and not self._culprits and not self._forwarded:
            self._forwarded = True
            self._send(self._request.signum)
            self._deadline = time.monotonic() + PATIENCE
        # Of those that ended within one turn, one that was killed is the reason for one that ended by itself.
        failed = sorted([rank for rank in ended if rank.status], key=lambda rank: not rank.was_killed())
        self._note_stopped()
        if not self._culprits and not self._forwarded:
            self._end_if_need_be(failed)
        if self._deadline is not None and time.monotonic() > self._deadline:
            self._kill()

    def _note_stopped(self) -> None:
        now = time.monotonic()
        self._stopped = {rank: self._stopped.get(rank, now) for rank in self._running if rank.stands_still()}

    def _end_if_need_be(self, failed: List[_Rank]) -> None:
        """Ends all where some have failed, or one has been stopped for too long."""
        first = min(self._stopped, key=self._stopped.__getitem__, default=None)
        too_long = first is not None and time.monotonic() - self._stopped[first] > self._stopped_timeout
        if not failed and not too_long:
            return
        self._cause = first
        self._culprits = failed or [first]
        self._send(signal.SIGTERM)
        self._deadline = time.monotonic() + GRACE

    def _send(self, signum: int) -> None:
        for rank in self._running:
            rank.send(signum)
            rank.send(signal.SIGCONT)  # a stopped one would never hear of it

    def _kill(self) -> None:
        progress.warn('rank %s did not stop and is killed' % ', '.join(str(rank.number) for rank in self._running))
        self._send(signal.SIGKILL)
        self._deadline = None
