"""Imports in another process: whatever they do, this process gets an answer."""

import sys

import pytest
import tensorflow.compat.v1 as tf

from lenet.checks import import_probe
from lenet.platforms import npu_modules
from lenet.support import modules
from tests import conftest
from tests import npu_standin

ABSENT = "No module named '%s'" % npu_modules.PACKAGE


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes a package of the given code where the other process finds it first."""
    def write(name, code):
        (tmp_path / name).mkdir()
        (tmp_path / name / '__init__.py').write_text(code)
        monkeypatch.syspath_prepend(str(tmp_path))
    return write


def test_tensorflow_alone_is_tried_without_a_purpose():
    found = import_probe.find()
    assert list(found.modules) == ['tensorflow'] and found.module('tensorflow').error is None
    assert found.module('tensorflow').version == tf.__version__
    assert found.module(npu_modules.PACKAGE).error == 'not tried'


def test_what_is_missing_here():
    found = import_probe.find(['sinking'])
    assert found.module(npu_modules.PACKAGE).error == ABSENT
    assert found.module('hccl').error == "No module named 'hccl'"
    assert found.capabilities == frozenset()
    assert npu_modules.PACKAGE not in sys.modules


@pytest.mark.parametrize('generation', npu_standin.GENERATIONS)
def test_the_stand_in_is_found_and_nothing_runs_at_the_probe_s_end(tmp_path, monkeypatch, generation):
    journal = str(tmp_path / 'journal')
    monkeypatch.setenv('NPU_STANDIN_JOURNAL', journal)
    monkeypatch.syspath_prepend(npu_standin.path(generation))
    found = import_probe.find(['sinking', 'loss scaling', 'ranks'])
    errors = {name for name, module in found.modules.items() if module.error}
    assert errors == ({'hccl'} if generation == 'v21' else set())
    assert found.capabilities == (frozenset() if generation == 'v21' else conftest.CAPABILITIES)
    names = [name for purpose in npu_modules.MODULES.values() for name in purpose]
    assert {npu_modules.PACKAGE + '.' + name for name in names} < set(found.modules)
    assert found.module(npu_modules.PACKAGE).file.startswith(npu_standin.path(generation))
    assert [entry['event'] for entry in npu_standin.read_journal(journal)] == ['load']  # no npu_close, no exit


@pytest.mark.parametrize('code, error', [
    ('import os; os.kill(os.getpid(), 9)', 'importing it ended the process (SIGKILL)'),
    ('import os; os._exit(3)', 'importing it ended the process (exit status 3)'),
    ('import sys; sys.exit("no\\n  device")', 'no device'),
    ('raise ValueError', 'ValueError'),
    ('raise ValueError("a" * 1000)', 'a' * 300 + ' ...')])
def test_an_import_that_ends_the_process_is_named(package, code, error):
    package('tensorflow', code)
    found = import_probe.find(['sinking'])
    assert found == import_probe.Found({'tensorflow': import_probe.Module(error=error)}, [])


def test_so_is_an_adapter_that_ends_the_process(package):
    package(npu_modules.PACKAGE, 'print("no device"); import os; os.kill(os.getpid(), 9)')
    found = import_probe.find(['sinking'])
    assert found.module('tensorflow').error is None
    assert found.module(npu_modules.PACKAGE).error == 'importing it ended the process (SIGKILL)'
    assert 'hccl' not in found.modules


def test_an_import_that_hangs_is_given_up(package):
    package('tensorflow', 'import time; print("x.so: waits", flush=True); time.sleep(60)')
    found = import_probe.find(timeout=2)
    assert found.module('tensorflow').error.endswith('did not end within 2 s')
    assert found.printed == ['x.so: waits']


def test_what_the_imports_print_is_kept_apart_from_the_report(package):
    package('tensorflow', 'import os; print("_x.so: bad"); os.write(1, b"more\\n"); __version__ = "1.15.5"')
    found = import_probe.find()
    assert found.module('tensorflow').version == '1.15.5'
    assert sorted(found.printed) == ['_x.so: bad', 'more']


def test_a_probe_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr(sys, 'path', [])
    monkeypatch.setattr(modules, 'ROOT', '/')
    assert 'lenet' in import_probe.find().module('tensorflow').error


def test_here_an_adapter_that_is_already_imported_is_tried_in_this_process():
    with npu_standin.loaded('v23'):
        found = import_probe.find_here(['sinking', 'ranks'])
        assert npu_modules.PACKAGE + '.hccl.hccl_ops' in sys.modules
    assert [name for name, module in found.modules.items() if module.error] == []
    assert found.capabilities == conftest.CAPABILITIES
