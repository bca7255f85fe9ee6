"""The rules of a session's ConfigProto."""

import json

import pytest
import tensorflow.compat.v1 as tf

from tests import npu_standin
from tests.npu_standin.programs import OFF, breaks, config


@pytest.mark.parametrize('rule, wrong', [
    ('config-key', {'iteration_per_loop': 5}),
    ('config-field', {'iterations_per_loop': 1, 'fields': {'iterations_per_loop': 'b'}}),
    ('config-field', {'use_off_line': 1}),
    ('config-optimizer', {'optimizer': 'NPUOptimizer'}),
    ('config-value', {'precision_mode': 'bf16'}),
    ('config-value', {'precision_mode_v2': 'allow_mix_precision', 'precision_mode': None}),
    ('config-precision', {'precision_mode_v2': 'origin'}),
    ('config-precision', {'precision_mode': 'allow_mix_precision_bf16'}),
    ('config-precision', {'precision_mode_v2': 'mixed_bfloat16', 'precision_mode': None}),
    ('config-value', {'op_execute_timeout': 0}),
    ('config-value', {'graph_run_mode': 2}),
    ('config-value', {'iterations_per_loop': 0}),
    ('config-value', {'op_debug_level': 5}),
    ('config-value', {'hccl_timeout': 17341}),
    ('config-value', {'dump_mode': 'outputs'}),
    ('config-value', {'dump_debug_mode': 'aicore'}),
    ('config-value', {'dump_step': '0,5'}),
    ('config-value', {'dump_step': '9-5'}),
    ('config-value', {'dump_step': '|'.join(map(str, range(101)))}),
    ('config-required', {'use_off_line': False}),
    ('config-required', {'precision_mode': None}),
    ('config-sinking', {'iterations_per_loop': 5, 'enable_data_pre_proc': None}),
    ('config-sinking', {'iterations_per_loop': 5, 'mix_compile_mode': True}),
    ('config-dump', {'enable_dump': True}),
    ('config-dump', {'enable_dump_debug': True, 'dump_path': '/nowhere'}),
    ('config-dump', {'enable_dump': True, 'enable_dump_debug': True, 'dump_path': '/tmp'}),
    ('config-profiling', {'profiling_options': '{output: /tmp}'}),
    ('config-profiling', {'profiling_options': '{"output": "/nowhere"}'}),
    ('config-profiling', {'profiling_options': '{"output": "/tmp", "trace": "on"}'}),
    ('config-mixlist', {'modify_mixlist': '/nowhere', 'precision_mode': 'allow_mix_precision'}),
])
def test_a_wrong_parameter_is_refused(standin, rule, wrong):
    with breaks(rule):
        tf.Session(config=config(**wrong))


def test_dump_profiling_and_mixlist_are_accepted_when_right(standin, tmp_path):
    mixlist = tmp_path / 'mix.json'
    mixlist.write_text('{"black-list": {"to-add": ["Conv2D"]}, "white-list": {"to-remove": ["Conv2D"]}}')
    right = dict(precision_mode='allow_mix_precision', modify_mixlist=str(mixlist), enable_dump=True,
                 dump_path=str(tmp_path), dump_step='0|5|10-20', dump_mode='all', profiling_mode=True,
                 profiling_options=json.dumps({'output': str(tmp_path), 'task_trace': 'on', 'fp_point': ''}),
                 hccl_timeout=1836, op_debug_level=1, hcom_parallel=False, graph_run_mode=1)
    tf.Session(config=config(**right)).close()
    with breaks('config-mixlist'):
        tf.Session(config=config(modify_mixlist=str(mixlist), precision_mode='force_fp32'))
    mixlist.write_text('{"black-list": ["Conv2D"]}')
    with breaks('config-mixlist'):
        tf.Session(config=config(**right))


@pytest.mark.parametrize('right', [{'precision_mode': 'allow_mix_precision_bf16'},
                                   {'precision_mode_v2': 'mixed_bfloat16', 'precision_mode': None},
                                   {'precision_mode': 'cube_fp16in_fp32out', 'op_execute_timeout': 90}])
def test_the_later_names_are_right_on_a_later_device(standin, monkeypatch, right):
    monkeypatch.setenv('NPU_STANDIN_DEVICE', 'A2')
    tf.Session(config=config(**right)).close()


def test_the_first_generation_knows_no_later_names_and_ignores_later_keys(journal):
    with npu_standin.loaded('v21'):
        tf.Session(graph=tf.Graph(), config=config(hccl_timeout=600, op_execute_timeout=90)).close()
        with breaks('config-value'):
            tf.Session(graph=tf.Graph(), config=config(precision_mode='cube_fp16in_fp32out'))
    assert [entry['key'] for entry in journal('ignored')] == ['hccl_timeout', 'op_execute_timeout']


def test_mixlist_is_ignored_by_the_old_generation():
    with npu_standin.loaded('v21'), tf.Session(graph=tf.Graph(), config=config(modify_mixlist='/nowhere')):
        pass


def test_missing_profiling_options_abort_the_old_generation():
    with npu_standin.loaded('v21'), breaks('config-profiling'):
        tf.Session(graph=tf.Graph(), config=config(profiling_mode=True))


def test_rewriters_and_placement(standin):
    for change in (lambda rewriters: rewriters.ClearField('remapping'),
                   lambda rewriters: setattr(rewriters, 'memory_optimization', 1),
                   lambda rewriters: setattr(rewriters, 'constant_folding', OFF)):
        proto = config()
        change(proto.graph_options.rewrite_options)
        with breaks('config-rewriters'):
            tf.Session(config=proto)
    proto = config()
    proto.allow_soft_placement = False
    with breaks('config-placement'):
        tf.Session(config=proto)


def test_precision_holds_for_the_process(standin):
    tf.Session(config=config()).close()
    tf.Session(config=config()).close()
    with breaks('config-process'):
        tf.Session(config=config(precision_mode='force_fp32'))


def test_silent_mode_keeps_the_first_precision(standin, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_MODE', 'silent')
    tf.Session(config=config()).close()
    tf.Session(config=config(precision_mode='force_fp32')).close()
    assert {entry['precision'] for entry in journal('session')} == {'must_keep_origin_dtype'}
