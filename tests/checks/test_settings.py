"""What the flags ask for."""

import json

import pytest

from lenet import flags
from lenet.checks import FAIL, PASS, WARN
from lenet.checks import settings
from lenet.platforms import npu_config


def npu_params(**overrides):
    return flags.make_params(platform='npu', **overrides)


def test_steps_are_counted_in_calls():
    assert settings.steps(npu_params(steps=40, epochs=3)).found == '3 epochs of 40: 12 calls of session.run of 10 steps'


def test_sinking_stands_on_the_session_config():
    right = npu_config.parameters(npu_params())
    assert settings.sinking(right).status == PASS
    assert settings.sinking(npu_config.parameters(npu_params(iterations_per_loop=1))).status == WARN
    assert settings.sinking(dict(right, mix_compile_mode=True)).status == FAIL
    assert settings.sinking(dict(right, enable_data_pre_proc=False)).status == FAIL


@pytest.mark.parametrize('mode, status', [
    ('allow_mix_precision', PASS), ('allow_fp32_to_fp16', PASS), ('force_fp32', PASS), ('force_fp16', WARN),
    ('must_keep_origin_dtype', WARN), ('cube_fp16in_fp32out', PASS), ('allow_mix_precision_fp16', PASS),
    ('allow_mix_precision_bf16', WARN), ('allow_fp32_to_bf16', WARN)])
def test_precision_modes_that_training_should_not_use(mode, status):
    result = settings.precision(npu_params(precision_mode=mode))
    assert (result.status, result.alert) == (status, status == WARN)


@pytest.mark.parametrize('mode, status', [('mixed_float16', PASS), ('origin', WARN), ('fp16', WARN),
                                          ('mixed_bfloat16', WARN), ('cube_hif8', WARN)])
def test_the_later_names_of_precision_take_the_place_of_the_first(mode, status):
    result = settings.precision(npu_params(precision_mode_v2=mode))
    assert (result.name, result.status, result.alert) == ('--precision_mode_v2', status, status == WARN)
    assert mode in result.found


@pytest.mark.parametrize('overrides, status, words', [
    ({'precision_mode_v2': 'mixed_float16'}, WARN, 'none, with --precision_mode=mixed_float16'),
    ({'precision_mode_v2': 'mixed_bfloat16'}, PASS, 'none'), ({'precision_mode': 'allow_fp32_to_bf16'}, PASS, 'none'),
    ({}, WARN, 'none, with --precision_mode=allow_mix_precision'),
    ({'precision_mode': 'allow_fp32_to_fp16'}, WARN, 'none, with --precision_mode=allow_fp32_to_fp16'),
    ({'precision_mode': 'force_fp32'}, PASS, 'none'),
    ({'loss_scale': 'dynamic'}, PASS, 'dynamic from 32768'),
    ({'loss_scale_flag': 1}, WARN, 'dynamic from 4.29497e+09: about 34 updates are skipped'),
    ({'loss_scale': 'dynamic', 'loss_scale_init': 2 ** 20, 'loss_scale_decrement_every': 3,
      'loss_scale_decrement_ratio': 0.25}, WARN, 'about 9 updates are skipped'),
    ({'loss_scale_flag': 1, 'loss_scale_value': 1024}, PASS, 'fixed at 1024'),
    ({'loss_scale': 'fixed', 'loss_scale_value': 2 ** 17}, WARN, 'fixed at 131072')])
def test_loss_scales(overrides, status, words):
    result = settings.loss_scale(npu_params(**overrides))
    assert (result.status, words in result.found) == (status, True), result
    assert result.alert == ('fixed at 131072' in words)


@pytest.mark.parametrize('content, status, words', [
    (json.dumps({'black-list': {'to-add': ['A', 'B'], 'to-remove': []}, 'white-list': {'to-remove': ['C']}}), PASS,
     'mix.json: 3 operators'),
    ('{}', PASS, '0 operators'),
    ('[]', FAIL, 'the file is not an object'),
    ('{"black_list": {}}', FAIL, 'the file has "black_list", not only black-list and white-list'),
    ('{"black-list": []}', FAIL, 'black-list is not an object'),
    ('{"black-list": {"add": []}}', FAIL, 'black-list has "add", not only to-add and to-remove'),
    ('{"black-list": {"to-add": "A"}}', FAIL, 'to-add of black-list is not a list of names'),
    ('{"black-list": {"to-add": [1]}}', FAIL, 'to-add of black-list is not a list of names'),
    ('{"black-list": {}, "black-list": {}}', FAIL, 'appears twice'),
    ('{"black-list": {},}', FAIL, 'no JSON at line 1')])
def test_the_list_of_operators(tmp_path, content, status, words):
    path = tmp_path / 'mix.json'
    path.write_text(content)
    result = settings.mixlist(npu_params(modify_mixlist=path))
    assert (result.status, words in result.found) == (status, True), result


def test_a_list_of_operators_that_is_not_given_or_not_there():
    assert settings.mixlist(npu_params()).status == PASS
    assert settings.mixlist(npu_params(modify_mixlist='/nowhere')).found == (
        '/nowhere: cannot be read (No such file or directory); name a file of JSON')
