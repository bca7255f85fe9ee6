import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import model
from lenet.graph import precision
from tests import numpy_lenet
from tests import trainings


def half(x):
    with np.errstate(over='ignore'):
        return np.asarray(x, np.float16).astype(np.float32)


VALUES = np.array([0.1, -1 / 3, 2.0 ** -25, 2.0 ** -14 / 3, 65503.0, 65519.0, 65520.0, -1e9, np.inf, np.nan],
                  np.float32)


def test_values_and_gradients_become_those_of_float16():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(VALUES)
        rounded = precision.round_to_float16(x)
        gradient, = tf.gradients(rounded, x, tf.constant(VALUES[::-1].copy()))
        values, gradients = session.run([rounded, gradient])
    np.testing.assert_array_equal(values, half(VALUES))
    np.testing.assert_array_equal(gradients, half(VALUES[::-1]))


def saturate(x):
    return np.where(np.isnan(x), 0, np.clip(half(x), -65504, 65504))


@pytest.mark.parametrize('forward, backward, overflows', [(1.0, 1.0, 0), (1e6, 1.0, 1), (1.0, -np.inf, 1),
                                                          (np.nan, 1e5, 2)])
def test_saturation_makes_910_values_and_a_sticky_status(forward, backward, overflows):
    with tf.Graph().as_default(), tf.Session() as session:
        status = tf.get_variable('status', [], tf.int32, tf.zeros_initializer(), use_resource=True, trainable=False)
        x = tf.constant(np.array([0.1, forward], np.float32))
        rounded = precision.saturating(status)(x)
        gradient, = tf.gradients(rounded, x, tf.constant(np.array([backward, 0.2], np.float32)))
        session.run(tf.global_variables_initializer())
        values, gradients = session.run([rounded, gradient])
        assert session.run(status) == overflows
        session.run([rounded, gradient])
        assert session.run(status) == 2 * overflows
    np.testing.assert_array_equal(values, saturate(np.array([0.1, forward])))
    np.testing.assert_array_equal(gradients, saturate(np.array([backward, 0.2])))


def logits_of_mode(mode, split):
    with tf.Graph().as_default(), tf.Session() as session:
        variables = model.create_variables('tanh', seed=5)
        images = tf.constant(split.images / np.float32(255))
        logits = trainings.forward(images, variables, model.Form('tanh', precision=precision.of_mode(mode)))
        gradients = tf.gradients(tf.reduce_sum(logits), list(variables.values()))
        session.run(tf.global_variables_initializer())
        casts = {op.get_attr('DstT') for op in session.graph.get_operations() if op.type == 'Cast'}
        return session.run([logits, gradients, dict(variables)]) + [casts]


@pytest.mark.parametrize('mode', ['must_keep_origin_dtype', 'force_fp32'])
def test_float32_modes_round_nothing(mode):
    assert tf.float16 not in logits_of_mode(mode, trainings.random_split(3))[3]


@pytest.mark.parametrize('mode, vector', [('allow_mix_precision', np.asarray), ('allow_fp32_to_fp16', np.asarray),
                                          ('force_fp16', half)])
def test_a_half_mode_equals_the_network_rounded_in_numpy(mode, vector):
    split = trainings.random_split(7)
    logits, gradients, values, _ = logits_of_mode(mode, split)
    expected = numpy_lenet.rounded_lenet(split.images / 255.0, values, np.tanh, half, vector)
    np.testing.assert_allclose(logits, expected, atol=2e-3)  # an element here and there lands on the next float16
    assert np.median(np.abs(logits - expected)) < 1e-4
    for gradient, (name, value) in zip(gradients, values.items()):
        assert gradient.dtype == value.dtype == np.float32
        if not name.endswith('bias') or mode == 'force_fp16':
            np.testing.assert_array_equal(gradient, half(gradient), err_msg=name)


def test_half_precision_differs_from_float32_by_a_rounding_error():
    split = trainings.random_split(7)
    exact, mixed = logits_of_mode('force_fp32', split)[0], logits_of_mode('allow_mix_precision', split)[0]
    assert 0 < np.abs(exact - mixed).max() < 0.01
