"""What NPU training asks before it starts."""

import sys

import pytest

from lenet import flags
from lenet.checks import import_probe
from lenet.checks import ready
from lenet.errors import UserError
from lenet.platforms import npu_modules
from tests import npu_standin
from tests.stacks import first_stack_only

ABSENT = "No module named '%s'" % npu_modules.PACKAGE

pytestmark = [first_stack_only, pytest.mark.usefixtures('no_npu_variables')]


def npu_params(**overrides):
    return flags.make_params(platform='npu', **overrides)


def test_training_does_not_start_without_the_adapter_and_one_line_says_why(probed, capsys):
    probed(**{npu_modules.PACKAGE: ABSENT, 'hccl': 'missing'})
    with pytest.raises(UserError) as raised:
        ready.require(npu_params())
    message = str(raised.value)
    assert message.startswith("not ready for the NPU: %s: %s (install CANN's" % (npu_modules.PACKAGE, ABSENT))
    assert message.endswith('`python -m lenet.doctor` with the same flags shows all') and '\n' not in message
    assert capsys.readouterr() == ('', '')


def test_every_failure_is_named_at_once(probed, monkeypatch, tmp_path):
    probed()
    monkeypatch.setenv('ASCEND_DEVICE_ID', 'x')
    monkeypatch.setenv('RANK_ID', '1')
    (tmp_path / 'file').touch()
    with pytest.raises(UserError) as raised:
        ready.require(npu_params(output_dir=tmp_path / 'file'))
    for name in ('ASCEND_DEVICE_ID: ', 'RANK_ID: ', '--output_dir: '):
        assert name in str(raised.value)


def test_what_is_only_odd_lets_training_start_and_little_of_it_is_said(probed, capsys, tmp_path):
    probed()
    ready.require(npu_params(output_dir=tmp_path, loss_scale_flag=1))
    output, errors = capsys.readouterr()
    assert output == '' and [line.split(': ')[:2] for line in errors.splitlines()] == [
        ['warning', 'CANN'], ['warning', 'device files']]


def test_an_adapter_that_this_process_has_imported_is_not_probed_in_another(monkeypatch, tmp_path):
    monkeypatch.setattr(import_probe, 'find', None)
    with npu_standin.loaded('v23'):
        ready.require(npu_params(output_dir=tmp_path))
        assert npu_modules.PACKAGE + '.estimator.npu.util' in sys.modules


def test_the_real_probe_is_enough_to_start(monkeypatch, tmp_path):
    monkeypatch.setenv('ASCEND_OPP_PATH', npu_standin.OPP)
    monkeypatch.syspath_prepend(npu_standin.path('v21'))
    ready.require(npu_params(output_dir=tmp_path))
    assert npu_modules.PACKAGE not in sys.modules
