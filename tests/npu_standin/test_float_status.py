"""Overflow: when the flag is set, what it skips, and what becomes of Inf and NaN."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.npu_standin.programs import Net, all_generations, bridge, config, fixed_manager, loss_scale_optimizer, util


@all_generations
def test_overflow_skips_the_update_and_global_step(standin, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_FAULT', 'overflow_at=1,3-4')
    net = Net(loss_scale_optimizer(fixed_manager(8)))
    with net.session(iterations_per_loop=6) as session:
        session.run(util().set_iteration_per_loop(session, net.train, 6))
        assert session.run(net.step) == 3
        assert session.run(net.weight) == pytest.approx(2.5 * (1 - 0.5 ** 3), rel=1e-6)
    assert [entry['step'] for entry in journal('overflow')] == [1, 3, 4]


def test_overflow_is_that_of_float16_under_mixed_precision_only(standin):
    net = Net(loss_scale_optimizer(fixed_manager(2. ** 17)))  # gradients: -2.5 x 2**17
    with net.session(precision_mode='allow_mix_precision') as session:
        session.run(net.train)
        assert session.run([net.step, net.weight]) == [0, 0]
    standin.engine.engine.held.clear()  # as in a new process
    with net.session(precision_mode='force_fp32') as session:
        session.run(net.train)
        assert session.run([net.step, net.weight]) == [1, 1.25]


@pytest.mark.parametrize('standin', ['v23', 'v26'], indirect=True)
def test_a_device_with_inf_and_nan_checks_the_gradients_whatever_the_manager_says(standin, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_DEVICE', 'A2')
    manager = bridge('estimator.npu.npu_loss_scale_manager').FixedLossScaleManager(1, enable_overflow_check=False)
    weight = tf.get_variable('weight', initializer=[0.0, 1.0])
    loss = tf.reduce_sum(weight * [float('inf'), 0.5])
    step = tf.train.get_or_create_global_step()
    train = loss_scale_optimizer(manager).minimize(loss, step)
    assert bridge('estimator.npu.npu_plugin').is_inf_nan_enabled()
    with tf.Session(config=config()) as session:
        session.run(tf.global_variables_initializer())
        assert np.isnan(session.run([train, loss])[1])
        assert session.run(weight).tolist() == [0, 1] and session.run(step) == 0


def test_without_overflow_check_the_saturated_gradients_are_applied(standin):
    manager = bridge('estimator.npu.npu_loss_scale_manager').FixedLossScaleManager(1, enable_overflow_check=False)
    weight = tf.get_variable('weight', initializer=[0.0, 0.0, 1.0])
    loss = tf.reduce_sum(weight * [float('inf'), float('nan'), 0.5])
    step = tf.train.get_or_create_global_step()
    train = loss_scale_optimizer(manager).minimize(loss, step)
    with tf.Session(config=config()) as session:
        session.run(tf.global_variables_initializer())
        assert session.run([train, loss])[1] == 0  # NaN comes back as 0
        largest = np.finfo(np.float32).max
        np.testing.assert_allclose(session.run(weight), [-largest / 2, 0, 0.75], rtol=1e-6)
        assert session.run(step) == 1
