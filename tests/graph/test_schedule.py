import math

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import schedule


def rates(kind, total, warmup=0, base=0.5):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run([schedule.learning_rate(tf.constant(s, tf.int64), base, kind, total, warmup)
                            for s in range(total + 1)])


def test_constant_stays():
    assert set(rates('constant', 5)) == {np.float32(0.5)}


def test_linear_falls_to_zero():
    np.testing.assert_allclose(rates('linear', 4), [0.5, 0.375, 0.25, 0.125, 0], atol=1e-7)


def test_cosine_falls_to_zero_along_a_half_wave():
    expected = [0.25 * (1 + math.cos(math.pi * s / 6)) for s in range(7)]
    np.testing.assert_allclose(rates('cosine', 6), expected, atol=1e-7)


@pytest.mark.parametrize('kind', ['constant', 'linear', 'cosine'])
def test_warm_up_rises_linearly_and_the_fall_starts_after_it(kind):
    got = rates(kind, 10, warmup=4)
    np.testing.assert_allclose(got[:4], [0.125, 0.25, 0.375, 0.5], rtol=1e-6)
    assert got[4] == pytest.approx(0.5)
    assert got[10] == pytest.approx(0.5 if kind == 'constant' else 0, abs=1e-7)


def test_after_the_end_the_rate_stays_at_zero():
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(schedule.learning_rate(tf.constant(9, tf.int64), 0.5, 'linear', 5)) == 0
