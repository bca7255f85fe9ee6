"""Flags that an older adapter ignores."""

import pytest

from lenet import flags
from lenet.checks import capabilities
from lenet.checks import WARN
from lenet.platforms import npu_modules
from tests import conftest


def ignored(values, size, lacks):
    params = flags.make_params(platform='npu', **values)
    return capabilities.ignored(params, size, conftest.CAPABILITIES - {lacks})


@pytest.mark.parametrize('values, size, capability, words', [
    (dict(modify_mixlist='/mix.json'), 1, npu_modules.MIXLIST, 'before r1.5 ignore it'),
    (dict(hccl_timeout=600), 2, npu_modules.TIMEOUT, 'before r1.7 ignore it'),
    (dict(loss_scale='fixed', loss_scale_value=128, overflow_check=False), 1, npu_modules.OVERFLOW_CHECK,
     'always check for overflow'),
    (dict(precision_mode_v2='origin'), 1, npu_modules.PRECISION_V2, 'ignore it'),
    (dict(precision_mode='allow_mix_precision_bf16'), 1, npu_modules.PRECISION_V2, 'may refuse this name'),
    (dict(op_execute_timeout=90), 1, npu_modules.EXECUTION_TIMEOUT, 'ignore it')],
    ids=['mixlist', 'timeout', 'overflow', 'v2', 'later name', 'execution'])
def test_a_flag_given_in_vain_is_worth_a_line(values, size, capability, words):
    result, = ignored(values, size, capability)
    assert result.status == WARN and result.alert and words in result.found and capability in result.found
    assert ignored(values, size, None) == []


@pytest.mark.parametrize('capability', sorted(conftest.CAPABILITIES))
def test_the_default_flags_on_one_device_ask_for_nothing_of_it(capability):
    assert ignored({}, 1, capability) == []
