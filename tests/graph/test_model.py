import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import model
from tests import numpy_lenet
from tests.trainings import forward


@pytest.mark.parametrize('convolution', ['direct', 'folded'])
@pytest.mark.parametrize('activation', sorted(numpy_lenet.ACTIVATIONS))
def test_logits_equal_the_network_computed_in_numpy(activation, convolution):
    images = np.random.RandomState(3).rand(7, 28, 28, 1).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = model.create_variables(activation, seed=5)
        logits = forward(tf.constant(images), variables, model.Form(activation, convolution))
        session.run(tf.global_variables_initializer())
        got, values = session.run([logits, dict(variables)])
    expected = numpy_lenet.lenet(images.astype(np.float64), {k: v.astype(np.float64) for k, v in values.items()},
                                 numpy_lenet.ACTIVATIONS[activation])
    assert got.shape == (7, 10)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-5)


def test_images_laid_out_beforehand_give_the_same_logits():
    images = np.random.RandomState(3).randint(0, 256, (7, 28, 28, 1)).astype(np.uint8)
    form = model.Form('sigmoid', 'folded')
    with tf.Graph().as_default(), tf.Session() as session:
        variables = model.create_variables('sigmoid', seed=5)
        whole, laid_out = (forward(tf.cast(given, tf.float32), variables, form)
                           for given in (images, model.lay_out(images, 'folded')))
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(*session.run([whole, laid_out]))
    assert model.lay_out(images, 'folded').shape == (7,) + model.BLOCKS_SHAPE
    assert model.lay_out(images, 'direct') is images


def test_parameter_counts_are_the_references():
    shapes = model.variable_shapes()
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    assert sizes == [5 * 5 * 1 * 6, 6, 5 * 5 * 6 * 16, 16, 784 * 120, 120, 120 * 84, 84, 84 * 10, 10]
    assert [a + b for a, b in zip(sizes[::2], sizes[1::2])] == [156, 2416, 94200, 10164, 850]
    assert sum(sizes) == 107786


def test_trainable_variables_keep_the_references_names_and_shapes():
    with tf.Graph().as_default():
        model.create_variables('sigmoid', seed=1)
        created = {v.op.name: tuple(v.shape.as_list()) for v in tf.trainable_variables()}
    assert created == dict(model.variable_shapes())


def initial_values(activation, seed):
    with tf.Graph().as_default(), tf.Session() as session:
        variables = model.create_variables(activation, seed)
        session.run(tf.global_variables_initializer())
        return session.run(dict(variables))


def test_initial_values_depend_on_the_seed_alone():
    first, again, other = initial_values('sigmoid', 4), initial_values('sigmoid', 4), initial_values('sigmoid', 5)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


def test_sigmoid_starts_from_glorot_uniform_weights_and_biases():
    values = initial_values('sigmoid', 9)
    limit = np.sqrt(6 / (784 + 120))
    assert 0.99 * limit < np.abs(values['fc_1/weight']).max() <= limit
    assert np.abs(values['fc_1/bias']).max() > 0


def test_relu_starts_from_he_normal_weights_and_zero_biases():
    values = initial_values('relu', 9)
    assert values['fc_1/weight'].std() == pytest.approx(np.sqrt(2 / 784), rel=0.02)
    assert not values['fc_1/bias'].any()


@pytest.mark.parametrize('convolution, shape', [('direct', (13, 32, 32, 1)), ('direct', (13, 8, 8, 16)),
                                                ('folded', (13, 32, 32, 1))])
def test_images_of_another_shape_are_named(convolution, shape):
    with tf.Graph().as_default():
        variables = model.create_variables('sigmoid', seed=1)
        with pytest.raises(ValueError, match=re.escape('images: expected [B, 28, 28, 1], got %s' % (shape,))):
            forward(tf.zeros(shape), variables, model.Form('sigmoid', convolution))
