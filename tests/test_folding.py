import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import folding


def direct(images, kernel):
    maps = tf.nn.conv2d(images, kernel, strides=1, padding='SAME')
    return tf.nn.max_pool2d(maps, ksize=2, strides=2, padding='VALID')


def folded(images, kernel):
    return folding.pool(folding.convolve(images, kernel))


def values_and_gradients(function, images, kernel, upstream):
    with tf.Graph().as_default(), tf.Session() as session:
        images, kernel = tf.constant(images), tf.constant(kernel)
        pooled = function(images, kernel)
        return session.run([pooled] + tf.gradients(pooled, [images, kernel], tf.constant(upstream)))


@pytest.mark.parametrize('dtype, tolerance', [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize('k, shape, channels', [(5, (7, 28, 28, 1), 6), (5, (3, 14, 14, 6), 16), (5, (1, 2, 6, 3), 1),
                                                (1, (5, 4, 2, 3), 7), (3, (13, 10, 6, 1), 3), (7, (3, 8, 12, 5), 11),
                                                (9, (2, 6, 4, 3), 5)])
def test_values_and_gradients_equal_those_of_convolution_and_pooling(dtype, tolerance, k, shape, channels):
    random = np.random.RandomState(k)
    b, h, w, c = shape
    images, kernel = random.randn(*shape).astype(dtype), random.randn(k, k, c, channels).astype(dtype)
    upstream = random.randn(b, h // 2, w // 2, channels).astype(dtype)
    expected = values_and_gradients(direct, images, kernel, upstream)
    for got, wanted in zip(values_and_gradients(folded, images, kernel, upstream), expected):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


def test_of_equal_values_the_same_one_takes_the_gradient():
    """A small range of integers makes ties everywhere, exact in float32."""
    random = np.random.RandomState(0)
    images = random.randint(0, 2, (5, 8, 6, 1)).astype(np.float32)
    kernel = random.randint(-1, 2, (5, 5, 1, 3)).astype(np.float32)
    upstream = random.randint(1, 9, (5, 4, 3, 3)).astype(np.float32)
    for got, wanted in zip(values_and_gradients(folded, images, kernel, upstream),
                           values_and_gradients(direct, images, kernel, upstream)):
        np.testing.assert_array_equal(got, wanted)


def test_the_matrix_places_each_tap_once_for_each_output_position():
    for k, size in ((1, 1), (3, 3), (5, 3), (7, 5)):
        matrix = folding.fold_matrix(k)
        assert matrix.shape == (size * size * 16, k * k)
        np.testing.assert_array_equal(matrix.sum(axis=0), 4)  # 4 positions in a window
        assert matrix.sum(axis=1).max() == 1


@pytest.mark.parametrize('shape', [(4, 4, 1, 3), (5, 3, 1, 3)])
def test_an_even_or_oblong_kernel_is_refused(shape):
    with pytest.raises(ValueError, match='kernel: expected'):
        folding.fold_kernel(tf.zeros(shape))
