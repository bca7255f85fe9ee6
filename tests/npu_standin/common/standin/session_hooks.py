"""The patches of TensorFlow's sessions: what the real adapter does inside TensorFlow, the stand-in does here."""

import itertools
from typing import Any, Callable, Dict

from tensorflow.python.client import session as client

from standin import config_rules, journal, rank_rules
from standin.device_session import DeviceSession
from standin.engine import engine

_originals: Dict[str, Callable[..., Any]] = {}
_host_numbers = itertools.count()


def _init(self: Any, target: Any = '', graph: Any = None, config: Any = None) -> None:
    self._session = None  # TensorFlow's __del__ asks for it, even after a violation
    on_device = config_rules.has_optimizer(config)
    values = config_rules.check(config) if on_device else {}
    if on_device:
        rank_rules.check()
    _originals['__init__'](self, target, graph, config)
    if on_device:
        self._standin = DeviceSession(self, values, config)
        engine.open_sessions.add(self._standin)
    else:
        journal.record('host_session', session=next(_host_numbers))


def _run(self: Any, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
    device = engine.device_session(self)
    if device is None:
        return _originals['run'](self, fetches, feed_dict, options, run_metadata)
    return device.run(fetches, feed_dict, options, run_metadata)


def _make_callable(self: Any, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Callable[..., Any]:
    if engine.device_session(self) is None:
        return _originals['make_callable'](self, fetches, feed_list, accept_options)
    return lambda *values, **options: self.run(fetches, dict(zip(feed_list or (), values)), **options)


def _partial_run_setup(self: Any, fetches: Any, feeds: Any = None) -> Any:
    if engine.device_session(self) is None:
        return _originals['partial_run_setup'](self, fetches, feeds)
    raise NotImplementedError('the npu_bridge stand-in does not emulate partial runs')


def _close(self: Any) -> None:
    device = engine.device_session(self)
    if device in engine.open_sessions:
        engine.open_sessions.remove(device)
        journal.record('session_closed', session=device.number)
    _originals['close'](self)


_PATCHES = {'__init__': _init, 'run': _run, 'make_callable': _make_callable,
            'partial_run_setup': _partial_run_setup, 'close': _close}


def install() -> None:
    """Patches the base class of all sessions."""
    for name, patch in _PATCHES.items():
        _originals[name] = getattr(client.BaseSession, name)
        setattr(client.BaseSession, name, patch)
    engine.plain_run = _originals['run']


def remove() -> None:
    """Puts TensorFlow's own methods back."""
    for name, original in _originals.items():
        setattr(client.BaseSession, name, original)
