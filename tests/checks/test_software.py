"""Python, TensorFlow and the adapter, from what a probe found."""

import pytest

from lenet.checks import FAIL, PASS, WARN
from lenet.checks import software
from lenet.checks.import_probe import Found, Module
from lenet.platforms import npu_modules

TENSORFLOW = Module('/site/tensorflow/__init__.py', '1.15.0')
BRIDGE = Module('/tfplugin/bridge/__init__.py')
UTIL = {'bridge.estimator.npu.util': Module('/tfplugin/bridge/estimator/npu/util.py')}
HCCL = Module('/cann/hccl/__init__.py')
NO_HCCL = Module(error="No module named 'hccl'")


def found(*modules, printed=(), capabilities=(), **named):
    merged = {}
    for each in modules + (named,):
        merged.update(each)
    return Found(merged, printed, frozenset(capabilities))


@pytest.mark.parametrize('version, npu, status', [
    ((3, 7, 5), True, PASS), ((3, 7, 11), True, PASS), ((3, 7, 4), True, WARN), ((3, 7, 16), True, WARN),
    ((3, 7, 16), False, PASS), ((3, 6, 9), True, FAIL), ((3, 8, 1), False, WARN),
    ((3, 8, 1), True, FAIL), ((3, 10, 0), False, PASS), ((3, 13, 9), False, PASS), ((3, 13, 9), True, FAIL),
    ((3, 14, 0), False, WARN)])
def test_python_s_version(version, npu, status):
    assert software.python(version, npu).status == status


@pytest.mark.parametrize('module, npu, status, words', [
    (TENSORFLOW, False, PASS, '1.15.0 from /site/tensorflow'),
    (TENSORFLOW, True, PASS, '1.15.0 from /site/tensorflow'),
    (Module('/site/tensorflow/__init__.py', '2.21.0'), False, PASS, '2.21.0 from /site/tensorflow'),
    (Module('/site/tensorflow/__init__.py', '2.21.0'), True, FAIL, '2.21.0 from /site/tensorflow'),
    (Module('/site/tensorflow/__init__.py', '2.4.0'), False, WARN, '2.4.0 from /site/tensorflow'),
    (Module('/site/tensorflow/__init__.py', '1.14.0'), False, FAIL, '1.14.0 from /site/tensorflow'),
    (Module('/site/tensorflow/__init__.py'), False, FAIL, '/site/tensorflow'),
    (Module(error="No module named 'tensorflow'"), False, FAIL, "No module named 'tensorflow'")])
def test_tensorflow(module, npu, status, words):
    result = software.tensorflow(found(tensorflow=module), npu)
    assert (result.status, result.found) == (status, words)


@pytest.mark.parametrize('modules, status, words', [
    (found(UTIL, bridge=BRIDGE), PASS, '/tfplugin/bridge, adapter before r1.5 (July 2021); estimator.npu.util'),
    (found(UTIL, bridge=BRIDGE, capabilities=[npu_modules.CLOSES]), PASS,
     '/tfplugin/bridge, adapter r1.5 to r1.12; estimator.npu.util'),
    (found(UTIL, bridge=BRIDGE, capabilities=[npu_modules.CLOSES, npu_modules.INF_NAN]), PASS,
     '/tfplugin/bridge, adapter r1.13 or later; estimator.npu.util'),
    (found(bridge=Module(error="No module named 'bridge'")), FAIL, "No module named 'bridge'"),
    (found({'bridge.estimator.npu.util': Module(error="cannot import name 'handle'")}, bridge=BRIDGE,
           printed=['hello', '_tf_adapter.so: undefined symbol: x', 'bye']), FAIL,
     "bridge.estimator.npu.util: cannot import name 'handle' (_tf_adapter.so: undefined symbol: x)")],
    ids=['first', 'second', 'third', 'absent', 'library'])
def test_the_adapter(modules, status, words):
    result = software.adapter(modules, 'bridge')
    assert (result.status, result.found, result.name) == (status, words, 'bridge')
    assert ('set_env.sh' in result.remedy) == (status == FAIL)


def test_an_adapter_that_is_not_there_is_to_be_installed_one_that_fails_to_be_set_up():
    assert 'install' in software.adapter(found(bridge=Module(error="No module named 'bridge'")), 'bridge').remedy
    assert 'install' not in software.adapter(found(bridge=NO_HCCL), 'bridge').remedy


@pytest.mark.parametrize('modules, status', [
    (found(bridge=BRIDGE, hccl=HCCL), PASS),
    (found(bridge=BRIDGE, hccl=NO_HCCL), PASS),  # imported without it, so it does without
    (found(bridge=NO_HCCL, hccl=NO_HCCL), FAIL),
    (found(bridge=Module(error='no'), hccl=NO_HCCL), WARN),
    (found(bridge=Module(error='importing it ended the process (SIGABRT)')), WARN)],
    ids=['there', 'needless', 'needed', 'unknown', 'not tried'])
def test_hccl_fails_only_where_the_adapter_needs_it(modules, status):
    result = software.collectives(modules, 'bridge')
    assert (result.status, result.name) == (status, 'hccl')
