"""npu_bridge's own modules, common/bridge: what differs between generations, and loss scaling."""

import sys

import pytest
import tensorflow.compat.v1 as tf

from tests.npu_standin.programs import all_generations, breaks, bridge, config, fixed_manager, loss_scale_optimizer


@all_generations
def test_generations_differ_as_documented(standin):
    managers, plugin = bridge('estimator.npu.npu_loss_scale_manager'), bridge('estimator.npu.npu_plugin')
    new = standin.engine.engine.since('v23')
    assert hasattr(sys.modules['npu_bridge'], 'npu_close') == new
    for name in ('npu_close', 'is_inf_nan_enabled', 'set_device_sat_mode'):
        assert hasattr(plugin, name) == new
    assert ('hccl' in sys.modules, 'npu_bridge.tf_adapter' in sys.modules) == (new, True)
    with pytest.raises(ValueError):
        managers.FixedLossScaleManager(0.5)
    if new:
        managers.FixedLossScaleManager(2, False)
        assert plugin.is_inf_nan_enabled() is False
        plugin.set_device_sat_mode(0)
    else:
        with pytest.raises(TypeError):
            managers.FixedLossScaleManager(2, False)


def test_npu_init_must_not_be_imported(standin):
    with breaks('import-npu-init'):
        bridge('npu_init')


@pytest.mark.parametrize('resource', [False, True])
def test_the_dynamic_scale_follows_its_table(standin, resource):
    tf.get_variable_scope().set_use_resource(resource)
    manager = bridge('estimator.npu.npu_loss_scale_manager').ExponentialUpdateLossScaleManager(4, 3, 2, 2, 0.25)
    finite = tf.placeholder(tf.bool, [])
    update = manager.update_loss_scale(finite)
    assert [variable.op.name for variable in tf.global_variables()] == ['loss_scale', 'good_steps', 'bad_steps']
    assert not tf.trainable_variables()
    table = [  # finite, then loss_scale, good_steps, bad_steps
        (True, 4, 1, 0), (True, 4, 2, 0), (True, 8, 0, 0),  # three in a row double it
        (True, 8, 1, 0), (False, 8, 0, 1), (True, 8, 1, 1), (True, 8, 2, 1),  # a bad step ends the row, and is kept
        (False, 2, 0, 0),  # the second bad one shrinks it
        (False, 2, 0, 1), (False, 1, 0, 0),  # 0.5, but never below 1
        (False, 1, 0, 1), (True, 1, 1, 1), (True, 1, 2, 1), (True, 2, 0, 0),  # growing forgets bad steps
    ]
    with tf.Session(config=config()) as session:
        session.run(tf.global_variables_initializer())
        for row in table:
            session.run(update, {finite: row[0]})
            assert tuple(session.run(tf.global_variables())) == row[1:]


def test_loss_scaling_goes_through_its_own_classes(standin):
    with tf.control_dependencies([tf.no_op()]), breaks('scale-control-dependencies'):
        bridge('estimator.npu.npu_loss_scale_manager').ExponentialUpdateLossScaleManager(4, 3)
    with breaks('scale-manager'):
        loss_scale_optimizer(8)
    weight = tf.get_variable('weight', [])
    with breaks('scale-raw-gradients'):
        loss_scale_optimizer(fixed_manager(8)).apply_gradients([(tf.gradients(weight * 2, weight)[0], weight)])
