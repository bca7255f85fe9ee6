"""What the emulated device does with a session.run: steps, fetched values, variables."""

import pytest
import tensorflow.compat.v1 as tf

from tests.npu_standin.programs import Net, all_generations, util


@all_generations
@pytest.mark.parametrize('resource', [False, True])
def test_a_sinking_run_does_n_steps_and_returns_the_last_one_s_values(standin, journal, resource):
    net = Net(resource=resource)
    with net.session(iterations_per_loop=5) as session:
        train = util().set_iteration_per_loop(session, net.train, 5)
        assert train.name == 'IterationOp'
        for _ in range(2):
            _, loss = session.run([train, net.loss])
        assert session.run(net.step) == 10
        assert session.run(net.weight) == pytest.approx(2.5 * (1 - 0.5 ** 10), rel=1e-6)
    errors = [1.25, 2.5 ** 2 * 0.25 ** 9]  # variance of the data, square of the weight's error before the tenth step
    assert loss == pytest.approx(sum(errors) / 2, rel=1e-5)
    assert [(run['iterations'], run['step']) for run in journal('run') if run['kind'] == 'train'] == [(5, 0), (5, 5)]
    assert [run['kind'] for run in journal('run')] == ['initialize', 'iterator', 'train', 'train', 'other', 'other']
    assert journal('session')[0]['parameter_map']['iterations_per_loop'] == 5
    compiled = [entry for entry in journal('compile') if entry['kind'] == 'train']
    assert [entry['fetches'] for entry in compiled] == [[train.name, net.loss.name]]
    assert not journal('violation', 'silent')


def test_silent_mode_zeroes_variables_initialized_with_an_iterator(standin, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_MODE', 'silent')
    net = Net()
    other = tf.get_variable('other', [3], initializer=tf.ones_initializer())
    with net.session(initialize=False) as session:
        session.run([net.iterator.initializer, tf.global_variables_initializer()])
        assert session.run(other).tolist() == [0, 0, 0]
