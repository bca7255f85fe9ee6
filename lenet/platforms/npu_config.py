"""The session config of an NPU: one table of NpuOptimizer's parameters, and what the flags make of it.

The adapter ignores an unknown key, and reads a value in the wrong field as false, 0 or empty, both without a word. So
every parameter goes through TABLE.
"""

import json
import os
from typing import Any, Callable, Dict, NamedTuple, Union

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from lenet import device_flags
from lenet.flags import Params
from lenet.support import files

Value = Union[bool, int, str]


class Parameter(NamedTuple):
    """Where NpuOptimizer expects a value, and which it takes."""

    field: str  # of the protobuf AttrValue: b, i or s
    legal: Callable[[Any], bool]


def _one_of(*values: str) -> Parameter:
    return Parameter('s', lambda value: value in values)


def _between(low: int, high: float) -> Parameter:
    return Parameter('i', lambda value: type(value) is int and low <= value <= high)


_FLAG = Parameter('b', lambda value: isinstance(value, bool))
_TEXT = Parameter('s', lambda value: isinstance(value, str) and bool(value))

# Source: the Ascend TensorFlow adapter's documentation of NpuOptimizer (CANN 20.2 to 9.1).
TABLE = {
    'use_off_line': _FLAG,
    'enable_data_pre_proc': _FLAG,
    'iterations_per_loop': _between(1, float('inf')),
    'mix_compile_mode': _FLAG,
    'precision_mode': _one_of(*device_flags.PRECISION_MODES),
    'precision_mode_v2': _one_of(*device_flags.PRECISION_MODES_V2),
    'modify_mixlist': _TEXT,
    'graph_run_mode': _between(0, 1),
    'profiling_mode': _FLAG,
    'profiling_options': _TEXT,
    'enable_dump': _FLAG,
    'enable_dump_debug': _FLAG,
    'dump_path': _TEXT,
    'dump_step': _TEXT,
    'dump_mode': _one_of(*device_flags.DUMP_MODES),
    'dump_debug_mode': _one_of(*device_flags.DUMP_DEBUG_MODES),
    'op_debug_level': _between(0, 4),
    'hcom_parallel': _FLAG,
    'hccl_timeout': _between(1, 17340),  # seconds; the 910's limit
    'op_execute_timeout': _between(1, float('inf')),  # seconds
}

_TRAINING, _INFERENCE = 1, 0  # graph_run_mode


def parameters(params: Params, size: int = 1) -> Dict[str, Value]:
    """What `params` ask of NpuOptimizer, by the names of TABLE.

    Args:
      params: completed.
      size: number of ranks.
    """
    chosen: Dict[str, Value] = {
        'use_off_line': True,  # on the device, not on the host
        'enable_data_pre_proc': True,  # GetNext on the device: sinking needs it
        'iterations_per_loop': params.iterations_per_loop,
        'mix_compile_mode': False,  # must be, for sinking
        # One of them, always: the default differs between adapters, and they exclude each other.
        **({'precision_mode_v2': params.precision_mode_v2} if params.precision_mode_v2 else
           {'precision_mode': params.precision_mode}),
        'graph_run_mode': _TRAINING,
        'hcom_parallel': params.hcom_parallel,  # its default differs too
    }
    if params.modify_mixlist is not None:
        chosen['modify_mixlist'] = os.path.abspath(params.modify_mixlist)
    if params.op_debug_level:
        chosen['op_debug_level'] = params.op_debug_level
    if params.op_execute_timeout:
        chosen['op_execute_timeout'] = params.op_execute_timeout
    if size > 1:
        chosen['hccl_timeout'] = params.hccl_timeout
    chosen.update(_profiling(params))
    chosen.update(_dump(params))
    return chosen


def inference_parameters() -> Dict[str, Value]:
    """As the reference's online inference: all of the graph in float16 on the device."""
    return {'use_off_line': True, 'mix_compile_mode': False, 'precision_mode': 'force_fp16',
            'graph_run_mode': _INFERENCE}


def profiling_directory(params: Params) -> str:
    return os.path.abspath(os.path.join(params.output_dir, 'profiling'))


def dump_directory(params: Params) -> str:
    return os.path.abspath(os.path.join(params.output_dir, 'dump'))


def _profiling(params: Params) -> Dict[str, Value]:
    if not params.profiling:
        return {}
    # Empty points let the engine find the first forward and last backward operator by itself.
    options = {'output': profiling_directory(params), 'task_trace': 'on', 'training_trace': 'on', 'aicpu': 'on',
               'fp_point': params.profiling_fp_point, 'bp_point': params.profiling_bp_point}
    return {'profiling_mode': True, 'profiling_options': json.dumps(options)}


def _dump(params: Params) -> Dict[str, Value]:
    if params.over_dump:
        return {'enable_dump_debug': True, 'dump_path': dump_directory(params),
                'dump_debug_mode': params.dump_debug_mode}
    if params.data_dump_flag:
        return {'enable_dump': True, 'dump_path': dump_directory(params), 'dump_step': params.data_dump_step,
                'dump_mode': params.dump_mode}
    return {}


def make_directories(params: Params) -> None:
    """Creates the directories that the parameters name: without them the adapter aborts the process."""
    if params.profiling:
        files.make_directory(profiling_directory(params))
    if params.over_dump or params.data_dump_flag:
        files.make_directory(dump_directory(params))


def session_config(chosen: Dict[str, Value]) -> tf.ConfigProto:
    """The ConfigProto that puts every graph of a session on the device.

    Raises:
      KeyError: a parameter is not in TABLE.
      ValueError: a value is not legal.
    """
    config = tf.ConfigProto(allow_soft_placement=True)
    rewrite = config.graph_options.rewrite_options
    rewrite.remapping = RewriterConfig.OFF
    rewrite.memory_optimization = RewriterConfig.OFF
    optimizer = rewrite.custom_optimizers.add()
    optimizer.name = 'NpuOptimizer'
    for key, value in chosen.items():
        parameter = TABLE[key]
        if not parameter.legal(value):
            raise ValueError('NpuOptimizer: %s=%r' % (key, value))
        setattr(optimizer.parameter_map[key], parameter.field, tf.compat.as_bytes(value)
                if parameter.field == 's' else value)
    return config
