"""N steps per session.run: how a program asks for them, and each way to get one step instead."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.npu_standin.programs import Net, SINKING, breaks, util


def test_the_loop_variables_are_local_int64_resources(standin):
    net = Net()
    with net.session(**SINKING) as session:
        util().set_iteration_per_loop(session, net.train, 5)
        variables = tf.local_variables()
        assert {variable.op.name: session.run(variable) for variable in variables} == {
            'npu_runconfig/iterations_per_loop': 4, 'npu_runconfig/loop_cond': 0, 'npu_runconfig/zero': 0,
            'npu_runconfig/one': 1}
        assert {(variable.dtype, variable.op.type) for variable in variables} == {(tf.int64, 'VarHandleOp')}


def test_one_iteration_returns_the_op_itself(standin):
    net = Net()
    with net.session() as session:
        assert util().set_iteration_per_loop(session, net.train, 1) is net.train
        session.run(net.train)
        assert session.run(net.step) == 1


def test_a_finalized_graph_sinks_by_the_class(standin):
    net = Net()
    loop = util().IterationPerLoop()
    train = loop.create_iteration_per_loop_var(net.train)
    initializer = tf.global_variables_initializer()
    tf.get_default_graph().finalize()
    with net.session(initialize=False, **SINKING) as session:
        session.run(initializer)
        session.run(net.iterator.initializer)
        loop.load_iteration_per_loop_var(session, 5)
        session.run(train)
        assert session.run(net.step) == 5


def test_set_iteration_per_loop_raises_what_the_real_one_raises(standin):
    net = Net()
    with net.session(**SINKING) as session:
        for error, arguments in ((ValueError, (net.loss, 5)), (TypeError, (net.train, np.int64(5))),
                                 (TypeError, (net.train, 5.0)), (ValueError, (net.train, 0))):
            with pytest.raises(error):
                util().set_iteration_per_loop(session, *arguments)
        for _ in range(2):
            tf.add_to_collection('npu_runconfig_zero', net.step)
        with pytest.raises(RuntimeError, match='npu_runconfig/zero'):
            util().set_iteration_per_loop(session, net.train, 5)


def test_set_iteration_per_loop_is_called_once(standin):
    net = Net()
    with net.session(**SINKING) as session:
        util().set_iteration_per_loop(session, net.train, 5)
        with breaks('sink-twice'):
            util().set_iteration_per_loop(session, net.train, 5)


@pytest.mark.parametrize('scope', [tf.name_scope, tf.variable_scope])
def test_set_iteration_per_loop_is_called_outside_scopes(standin, scope):
    net = Net()
    with net.session(**SINKING) as session, breaks('sink-scope'), scope('train'):
        util().set_iteration_per_loop(session, net.train, 5)


def test_set_iteration_per_loop_comes_after_initialization(standin):
    net = Net()
    with net.session(initialize=False, **SINKING) as session, breaks('sink-uninitialized'):
        util().set_iteration_per_loop(session, net.train, 5)


@pytest.mark.parametrize('iterations', [1, 4])
def test_both_values_of_n_must_agree(standin, iterations):
    net = Net()
    with net.session(**SINKING) as session, breaks('sink-value'):
        util().set_iteration_per_loop(session, net.train, iterations)


def test_a_host_session_does_not_sink(standin):
    net = Net()
    with tf.Session() as session, breaks('sink-host'):
        session.run(tf.global_variables_initializer())
        util().set_iteration_per_loop(session, net.train, 5)


def test_local_variables_are_not_initialized_after_loading(standin):
    net = Net()
    with net.session(**SINKING) as session:
        util().set_iteration_per_loop(session, net.train, 5)
        with breaks('sink-reset'):
            session.run(tf.local_variables_initializer())


def test_the_loop_variables_are_loaded_in_the_session_that_runs(standin):
    net = Net()
    with net.session(**SINKING) as session:
        train = util().set_iteration_per_loop(session, net.train, 5)
    with net.session(**SINKING) as session, breaks('sink-not-loaded'):
        session.run(train)


def test_the_bare_training_op_does_not_loop(standin):
    net = Net()
    with net.session(**SINKING) as session:
        util().set_iteration_per_loop(session, net.train, 5)
        with breaks('sink-bypassed'):
            session.run(net.train)


def _twice(session, train):
    util().set_iteration_per_loop(session, train, 5)
    return util().set_iteration_per_loop(session, train, 5)


def _in_a_scope(session, train):
    with tf.name_scope('train'):
        return util().set_iteration_per_loop(session, train, 5)


def _other_value(session, train):
    return util().set_iteration_per_loop(session, train, 4)


def _reset(session, train):
    looped = util().set_iteration_per_loop(session, train, 5)
    session.run(tf.local_variables_initializer())
    return looped


def _right(session, train):
    return util().set_iteration_per_loop(session, train, 5)


@pytest.mark.parametrize('sink, parameters, rule', [
    (_twice, {}, 'sink-twice'), (_in_a_scope, {}, 'sink-scope'), (_other_value, {}, 'sink-value'),
    (_reset, {}, 'sink-reset'), (lambda session, train: train, {}, 'sink-bypassed'),
    (_right, {'iterations_per_loop': 1}, 'sink-value'), (_right, {'enable_data_pre_proc': False}, 'config-sinking'),
    (_right, {'mix_compile_mode': True}, 'config-sinking'), (_right, {'iteration_per_loop': 5}, 'config-key'),
    (_right, {'fields': {'iterations_per_loop': 'b'}}, 'config-field'),
])
def test_silent_mode_does_one_step(standin, journal, monkeypatch, sink, parameters, rule):
    monkeypatch.setenv('NPU_STANDIN_MODE', 'silent')
    net = Net()
    if rule == 'config-key':
        parameters = dict(parameters, iterations_per_loop=None)
    with net.session(**dict(SINKING, **parameters)) as session:
        session.run(sink(session, net.train))
        assert session.run(net.step) == 1
    assert rule in [entry['rule'] for entry in journal('silent')]
    assert not journal('violation')
