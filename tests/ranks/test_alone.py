import tensorflow.compat.v1 as tf

from lenet.ranks.alone import Alone


def test_one_rank_is_its_own_mean_maximum_and_whole():
    alone = Alone()
    assert (alone.rank, alone.size, alone.gathers) == (0, 1, True)
    with tf.Graph().as_default(), tf.Session() as session:
        vector, number = tf.constant([1.5, -2.0]), tf.constant(7)
        got = session.run([alone.mean(vector), alone.gather(vector), alone.max(number)])
        assert [value.tolist() for value in got] == [[1.5, -2.0], [1.5, -2.0], 7]
    assert alone.exchange('x') == ['x'] and alone.broadcast([], []) is None
