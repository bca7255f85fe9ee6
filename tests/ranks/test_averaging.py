import numpy as np
import tensorflow.compat.v1 as tf

from lenet.ranks.averaging import Averaging


def test_all_gradients_travel_in_one_buffer_and_come_back_to_their_variables():
    """The other rank's gradients are this one's plus 10, so that the mean is 5 more; by hand on f = a . x + 3 b."""
    buffers = []

    def mean(flat):
        buffers.append(flat)
        return flat + 5.0

    with tf.Graph().as_default(), tf.Session() as session:
        a = tf.get_variable('a', initializer=np.zeros((2, 3), np.float32))
        b = tf.get_variable('b', initializer=np.float32(7))
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        optimizer = Averaging(tf.train.GradientDescentOptimizer(0.5), mean)
        step = tf.train.get_or_create_global_step()
        update = optimizer.apply_gradients(optimizer.compute_gradients(tf.reduce_sum(a * x) + 3 * b, var_list=[a, b]),
                                           global_step=step)
        session.run(tf.global_variables_initializer())
        session.run(update)
        np.testing.assert_allclose(session.run(a), -0.5 * (x + 5))
        assert session.run(b) == 7 - 0.5 * (3 + 5) and session.run(step) == 1
    assert [flat.shape.as_list() for flat in buffers] == [[7]]
