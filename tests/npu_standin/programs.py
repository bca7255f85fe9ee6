"""The parts of the small programs that the stand-in's own tests run on it."""

import contextlib
import importlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from tests import npu_standin
from tests.processes import ROOT

OFF = rewriter_config_pb2.RewriterConfig.OFF
SINKING = {'iterations_per_loop': 5}

all_generations = pytest.mark.parametrize('standin', npu_standin.GENERATIONS, indirect=True)


@contextlib.contextmanager
def breaks(rule):
    """The block breaks this rule first."""
    with pytest.raises(sys.modules['standin'].StandinViolation) as caught:
        yield
    assert caught.value.rule == rule, caught.value


def bridge(name):
    """The module npu_bridge.`name`."""
    return importlib.import_module('npu_bridge.' + name)


def util():
    return bridge('estimator.npu.util')


def config(optimizer='NpuOptimizer', fields=(), **parameters):
    """A right ConfigProto but for `parameters` (None removes one) and `fields`, {key: field} of a wrong field."""
    proto = tf.ConfigProto(allow_soft_placement=True)
    rewriters = proto.graph_options.rewrite_options
    rewriters.remapping, rewriters.memory_optimization = OFF, OFF
    item = rewriters.custom_optimizers.add(name=optimizer)
    values = dict({'use_off_line': True, 'enable_data_pre_proc': True, 'mix_compile_mode': False,
                   'precision_mode': 'must_keep_origin_dtype'}, **parameters)
    for key, value in values.items():
        if value is not None:
            field = dict(fields).get(key) or {bool: 'b', int: 'i', str: 's'}[type(value)]
            setattr(item.parameter_map[key], field, tf.compat.as_bytes(value) if field == 's' else value)
    return proto


class Net:
    """One weight that learns the mean of its data: [4] batches of x in {1, 2, 3, 4}, gradient w - mean(x)."""

    def __init__(self, optimizer=None, repeat=True, drop_remainder=True, dtype=tf.float32, resource=False,
                 iterator=tf.data.make_initializable_iterator):
        dataset = tf.data.Dataset.from_tensor_slices(np.arange(1, 5)).map(lambda x: tf.cast(x, dtype))
        dataset = (dataset.repeat() if repeat else dataset).batch(4, drop_remainder)
        self.iterator = iterator(dataset)
        self.weight = tf.get_variable('weight', [], dtype, tf.zeros_initializer(), use_resource=resource)
        self.step = tf.train.get_or_create_global_step()
        self.loss = tf.reduce_mean(tf.square(self.weight - self.iterator.get_next())) / 2
        optimizer = optimizer or tf.train.GradientDescentOptimizer(0.5)
        self.train = optimizer.minimize(self.loss, global_step=self.step)

    @contextlib.contextmanager
    def session(self, initialize=True, **parameters):
        with tf.Session(config=config(**parameters)) as session:
            if initialize:
                session.run(tf.global_variables_initializer())
                session.run(self.iterator.initializer)
            yield session


def loss_scale_optimizer(manager, **options):
    optimizer = bridge('estimator.npu.npu_loss_scale_optimizer')
    return optimizer.NPULossScaleOptimizer(tf.train.GradientDescentOptimizer(0.5), manager, **options)


def fixed_manager(scale):
    return bridge('estimator.npu.npu_loss_scale_manager').FixedLossScaleManager(scale)


def run_python(code, generation, **options):
    """Runs `code` with the stand-in in a process of its own; `options` are npu_standin.environment's."""
    return subprocess.run([sys.executable, '-c', code], env=npu_standin.environment(generation, **options),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60,
                          cwd=ROOT)
