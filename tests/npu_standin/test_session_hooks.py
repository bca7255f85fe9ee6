"""What becomes of TensorFlow's sessions: callables and sessions without NpuOptimizer."""

import tensorflow.compat.v1 as tf

from tests.npu_standin.programs import Net, SINKING, util


def test_evaluation_is_not_looped_and_callables_are(standin):
    net = Net()
    evaluation = tf.data.make_initializable_iterator(tf.data.Dataset.range(9).repeat())
    batch = evaluation.get_next()
    with net.session(**SINKING) as session:
        session.run(evaluation.initializer)
        session.make_callable([util().set_iteration_per_loop(session, net.train, 5)])()
        assert [session.run(batch) for _ in range(3)] == [0, 1, 2]
        assert session.run(net.step) == 5


def test_host_sessions_are_allowed_and_journaled(standin, journal):
    with tf.Session() as session:
        assert session.run(tf.constant(7)) == 7
    assert len(journal('host_session')) == 1 and not journal('session', 'run')
