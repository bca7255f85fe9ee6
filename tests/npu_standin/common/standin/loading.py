"""Loading, closing and unloading the stand-in."""

import atexit
import os

from standin import journal, session_hooks, settings, violations
from standin.engine import engine


def load(generation: str) -> str:
    """Starts the emulation for 'v21', 'v23' or 'v26'; returns the directory of npu_bridge's shared deep modules."""
    settings.silent()
    settings.fault('no_handle')  # an unreadable variable fails here, not in the middle of a run
    engine.generation = generation
    session_hooks.install()
    atexit.register(_at_exit)
    journal.record('load', generation=generation)
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'bridge')


def adapter_library() -> object:
    """The handle of the adapter's compiled library.

    Raises:
      OSError: it does not load (fault no_handle).
    """
    if settings.fault('no_handle'):
        raise OSError('_tf_adapter.so: cannot open shared object file: No such file or directory')
    return object()


def npu_close() -> None:
    """Shuts the device down, as adapters since r1.5 do at exit."""
    journal.record('npu_close')
    engine.closed = engine.closed or 'npu_close'


def unload() -> None:
    """Undoes `load`, for tests within one process."""
    session_hooks.remove()
    atexit.unregister(_at_exit)
    atexit.unregister(npu_close)


def _at_exit() -> None:
    for device in sorted(engine.open_sessions, key=lambda device: device.number):
        violations.note('exit-open-session', 'session %d is still open at exit' % device.number)
    violations.fail_process()
