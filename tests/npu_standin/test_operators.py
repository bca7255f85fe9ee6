"""The list of supported operators: without it nothing runs on the device, and what it lacks does not either."""

import json

import pytest
import tensorflow.compat.v1 as tf

from tests.npu_standin.programs import Net, SINKING, breaks, util


@pytest.fixture
def operators(monkeypatch, tmp_path, standin):
    """Makes the list lack some operators, in its older or newer place."""
    def use(without=(), folder='built-in/framework/tensorflow'):
        listed = sorted(standin.operators.listed() - set(without))
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / 'npu_supported_ops.json').write_text(json.dumps({name: {} for name in listed}))
        monkeypatch.setenv('ASCEND_OPP_PATH', str(tmp_path))
    return use


def test_without_the_list_nothing_runs_on_the_device(standin, monkeypatch):
    monkeypatch.setenv('ASCEND_OPP_PATH', '/nowhere')
    net = Net()
    with net.session() as session, breaks('ops-list'):
        session.run(net.train)


@pytest.mark.parametrize('folder', ['built-in/framework/tensorflow', 'framework/built-in/tensorflow'])
def test_either_place_of_the_list_will_do(operators, folder):
    operators(folder=folder)
    net = Net()
    with net.session(**SINKING) as session:
        session.run(util().set_iteration_per_loop(session, net.train, 5))
        assert session.run(net.step) == 5


def test_one_operator_of_the_step_ends_the_loop(standin, operators):
    operators(without=['Square'])
    net = Net()
    with net.session(**SINKING) as session:
        train = util().set_iteration_per_loop(session, net.train, 5)
        with breaks('ops-step'):
            session.run(train)


def test_in_silent_mode_it_does_one_step(standin, operators, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_MODE', 'silent')
    operators(without=['Square'])
    net = Net()
    with net.session(**SINKING) as session:
        session.run(util().set_iteration_per_loop(session, net.train, 5))
        assert session.run(net.step) == 1
    assert [entry['rule'] for entry in journal('silent')] == ['ops-step']
    assert journal('on_host')[0]['ops'] == ['Square']


def test_after_the_step_it_costs_nothing(standin, operators):
    operators(without=['Exp'])
    net = Net()
    with net.session(**SINKING) as session:
        train = util().set_iteration_per_loop(session, net.train, 5)
        session.run([train, tf.exp(net.loss)])
        assert session.run(net.step) == 5


def gathering(use_resource):
    """A weight that learns 1, 2, 3, 4, ... as the iterator yields their places in a variable."""
    table = tf.get_variable('table', initializer=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], trainable=False,
                            use_resource=use_resource)
    iterator = tf.data.make_initializable_iterator(tf.data.Dataset.range(6).repeat())
    seen = tf.get_variable('seen', [], initializer=tf.zeros_initializer(), trainable=True)
    return iterator, seen, tf.assign_add(seen, tf.gather(table, iterator.get_next())).op


@pytest.mark.parametrize('use_resource, mode, sum_seen', [
    (False, 'strict', 1 + 2 + 3 + 4 + 5), (True, 'silent', 5 * 1)], ids=['gather', 'resource gather'])
def test_what_needs_nothing_of_the_step_is_computed_once(standin, monkeypatch, use_resource, mode, sum_seen):
    monkeypatch.setenv('NPU_STANDIN_MODE', mode)
    iterator, seen, train = gathering(use_resource)
    with Net().session(initialize=False, **SINKING) as session:
        session.run(tf.global_variables_initializer())
        session.run(iterator.initializer)
        session.run(util().set_iteration_per_loop(session, train, 5))
        assert session.run(seen) == sum_seen


def test_that_is_a_violation(standin):
    iterator, _, train = gathering(use_resource=True)
    with Net().session(initialize=False, **SINKING) as session:
        session.run(tf.global_variables_initializer())
        session.run(iterator.initializer)
        looped = util().set_iteration_per_loop(session, train, 5)
        with breaks('ops-fixed'):
            session.run(looped)
