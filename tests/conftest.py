"""What all tests share."""

import importlib
import re
import sys
from typing import Any, Optional

import hypothesis
import pytest

from lenet.checks import import_probe
from lenet.data import fetch
from lenet.errors import UserError
from lenet.platforms import npu_modules
from lenet.support import stack
from tests import drawn_digits
from tests import npu_standin
from tests import processes

CAPABILITIES = frozenset({npu_modules.CLOSES, npu_modules.MIXLIST, npu_modules.TIMEOUT, npu_modules.EXECUTION_TIMEOUT,
                          npu_modules.OVERFLOW_CHECK, npu_modules.INF_NAN, npu_modules.PRECISION_V2})

with stack.importing():  # before a test imports it
    importlib.import_module('tensorflow')

# Property tests try the same inputs every time, so that a change fails or passes on its own account.
# --hypothesis-profile=thorough looks further: other inputs each time, and a hundred times as many.
_ALWAYS = dict(deadline=None, database=None, suppress_health_check=[
    hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile('same', derandomize=True, max_examples=100, **_ALWAYS)
hypothesis.settings.register_profile('thorough', max_examples=10000, print_blob=True, **_ALWAYS)
hypothesis.settings.load_profile('same')


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list) -> None:
    def is_slow(item: pytest.Item) -> bool:
        return item.get_closest_marker('slow') is not None

    # The quick tests answer first. sort() keeps the order otherwise.
    items.sort(key=is_slow)
    for item in items:  # a process takes a file's quick tests, or its slow ones, and their fixtures once
        item.add_marker(pytest.mark.xdist_group('%s%s' % (item.location[0], ', slow' if is_slow(item) else '')))


_LONGEST_ID = 32  # characters of one parameter


def pytest_make_parametrize_id(config: pytest.Config, val: Any, argname: str) -> Optional[str]:
    """The name of a parameter that its test does not name: its first words.

    Two processes that collect the tests must find the same names (pytest-xdist compares them), so nothing of a value's
    bytes, which may hold the time, nor of its address gets into one.
    """
    if isinstance(val, bytes):
        return '%d bytes' % len(val)
    if callable(val):
        name = getattr(val, '__name__', type(val).__name__)
        return argname if name == '<lambda>' else name
    if isinstance(val, (set, frozenset)):
        val = sorted(val, key=str)
    words = re.findall(r'[A-Za-z0-9_.,=:/-]+', str(val).replace(sys.executable, 'python')) or [argname]
    while len(' '.join(words)) > _LONGEST_ID and len(words) > 1:
        words.pop()
    return ' '.join(words)[:_LONGEST_ID]


@pytest.fixture
def no_npu_variables(monkeypatch):
    for name in ('ASCEND_DEVICE_ID', 'DEVICE_ID', 'RANK_SIZE', 'RANK_ID', 'RANK_TABLE_FILE', 'JOB_ID'):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def probed(monkeypatch):
    """Makes every probe find what it is told instead of starting a process; returns the purposes it was asked for.

    The adapter is one of the newest generation, and the device has a list of operators."""
    asked = []
    monkeypatch.setenv('ASCEND_OPP_PATH', npu_standin.OPP)

    def use(**errors):
        version = '1.15.0' if stack.IS_FIRST else '2.21.0'
        modules = {'tensorflow': import_probe.Module('/site/tensorflow/__init__.py', version),
                   npu_modules.PACKAGE: import_probe.Module('/site/bridge/__init__.py'),
                   'hccl': import_probe.Module('/hccl/x')}
        modules.update({name: import_probe.Module(error=error) for name, error in errors.items()})
        monkeypatch.setattr(import_probe, 'find',
                            lambda purposes: asked.append(list(purposes)) or import_probe.Found(
                                modules, capabilities=CAPABILITIES))
        return asked
    return use


@pytest.fixture(scope='session')
def mnist() -> str:
    """The directory of real MNIST, fetched as training does."""
    try:
        return fetch.ensure()
    except UserError as error:
        pytest.skip('real MNIST is not to be had here: %s' % error)


@pytest.fixture(scope='session')
def digits() -> str:
    """A directory of four IDX files: 2000 and 1007 digits that the program draws."""
    return drawn_digits.PATH


@pytest.fixture(scope='session')
def trained_run(digits, tmp_path_factory) -> str:
    """The directory of a short run on `digits`; tests only read it."""
    output_dir = str(tmp_path_factory.mktemp('trained') / 'output')
    ended = processes.run_module('lenet.train', '--output_dir=' + output_dir, '--data_path=' + digits, '--steps=40',
                               '--epochs=2', '--iterations_per_loop=20', '--batch_size=32')
    assert ended.returncode == 0, ended.stderr
    return output_dir
