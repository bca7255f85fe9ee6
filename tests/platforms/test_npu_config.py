import json
import os

import pytest
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from lenet import flags
from lenet.platforms import npu_config


def parameters(size=1, **values):
    return npu_config.parameters(flags.make_params(platform='npu', **values), size)


def parameter_map(chosen):
    optimizer, = npu_config.session_config(chosen).graph_options.rewrite_options.custom_optimizers
    assert optimizer.name == 'NpuOptimizer'
    return {key: (value.WhichOneof('value'), getattr(value, value.WhichOneof('value')))
            for key, value in optimizer.parameter_map.items()}


def test_the_default_training_config_is_explicit_in_every_field():
    config = npu_config.session_config(parameters())
    rewrite = config.graph_options.rewrite_options
    assert rewrite.remapping == rewrite.memory_optimization == RewriterConfig.OFF
    assert config.allow_soft_placement
    assert parameter_map(parameters()) == {
        'use_off_line': ('b', True), 'enable_data_pre_proc': ('b', True), 'iterations_per_loop': ('i', 10),
        'mix_compile_mode': ('b', False), 'precision_mode': ('s', b'allow_mix_precision'), 'graph_run_mode': ('i', 1),
        'hcom_parallel': ('b', False)}


@pytest.mark.parametrize('values, expected', [
    (dict(over_dump=True, dump_debug_mode='aicore_overflow'),
     {'enable_dump_debug': True, 'dump_debug_mode': b'aicore_overflow'}),
    (dict(data_dump_flag=1, data_dump_step='0|10-20', dump_mode='all'),
     {'enable_dump': True, 'dump_step': b'0|10-20', 'dump_mode': b'all'}),
    (dict(precision_mode='must_keep_origin_dtype'), {'precision_mode': b'must_keep_origin_dtype'}),
    (dict(iteration_per_loop=50), {'iterations_per_loop': 50}),
    (dict(op_debug_level=2, hcom_parallel=True), {'op_debug_level': 2, 'hcom_parallel': True}),
    (dict(precision_mode='allow_mix_precision_bf16'), {'precision_mode': b'allow_mix_precision_bf16'}),
    (dict(precision_mode_v2='mixed_float16'), {'precision_mode_v2': b'mixed_float16'}),
    (dict(op_execute_timeout=90), {'op_execute_timeout': 90}),
    (dict(size=2, hccl_timeout=600), {'hccl_timeout': 600})])
def test_a_flag_reaches_its_parameter(values, expected):
    found = parameter_map(parameters(**values))
    for key, value in expected.items():
        assert found[key][1] == value


def test_the_two_names_of_precision_exclude_each_other():
    assert 'precision_mode' not in parameter_map(parameters(precision_mode='force_fp32', precision_mode_v2='origin'))
    assert 'precision_mode_v2' not in parameter_map(parameters())


def test_dumps_and_profiles_lie_in_the_output_directory_by_absolute_path(tmp_path):
    values = dict(output_dir=str(tmp_path / 'a b'), profiling=True, over_dump=True, profiling_fp_point='layer_1/Conv2D')
    params = flags.make_params(platform='npu', **values)
    npu_config.make_directories(params)
    chosen = npu_config.parameters(params)
    options = json.loads(chosen['profiling_options'])
    assert options == {'output': str(tmp_path / 'a b' / 'profiling'), 'task_trace': 'on', 'training_trace': 'on',
                       'aicpu': 'on', 'fp_point': 'layer_1/Conv2D', 'bp_point': ''}
    assert os.path.isdir(options['output']) and os.path.isdir(chosen['dump_path'])


def test_a_mixlist_is_named_by_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parameters(modify_mixlist='mix.json')['modify_mixlist'] == str(tmp_path / 'mix.json')


def test_a_parameter_that_is_not_in_the_table_cannot_be_sent():
    with pytest.raises(KeyError, match='use_offline'):
        npu_config.session_config({'use_offline': True})


@pytest.mark.parametrize('key, value', [
    ('use_off_line', 1), ('iterations_per_loop', 0), ('iterations_per_loop', True), ('precision_mode', 'bf16'),
    ('graph_run_mode', 2), ('dump_mode', 'none'), ('op_debug_level', 5), ('hccl_timeout', 17341), ('dump_path', '')])
def test_an_illegal_value_cannot_be_sent(key, value):
    with pytest.raises(ValueError, match=key):
        npu_config.session_config({key: value})
