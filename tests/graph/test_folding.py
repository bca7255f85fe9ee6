import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import folding


def direct(images, kernel):
    maps = tf.nn.conv2d(images, kernel, strides=1, padding='SAME')
    return tf.nn.max_pool2d(maps, ksize=2, strides=2, padding='VALID')


def folded(side):
    """Of images, as the first layer's; the result's blocks are put together again, to be compared."""
    def function(images, kernel):
        blocks = folding.cut(images, kernel.shape.as_list()[0], side)
        pooled = folding.pool(*folding.convolve(blocks, folding.fold_kernel(kernel, side), 'VALID'))
        return tf.depth_to_space(pooled, side // 2) if side > 2 else pooled
    return function


def folded_in_blocks(images, kernel):
    """Of blocks without their padding, as the second layer's."""
    blocks = tf.space_to_depth(images, 2)
    return folding.pool(*folding.convolve(blocks, folding.fold_kernel(kernel, 2), 'SAME'))


def values_and_gradients(function, images, kernel, upstream):
    with tf.Graph().as_default(), tf.Session() as session:
        images, kernel = tf.constant(images), tf.constant(kernel)
        pooled = function(images, kernel)
        return session.run([pooled] + tf.gradients(pooled, [images, kernel], tf.constant(upstream)))


def random_case(k, shape, channels, dtype):
    random = np.random.RandomState(k)
    b, h, w, c = shape
    return (random.randn(*shape).astype(dtype), random.randn(k, k, c, channels).astype(dtype),
            random.randn(b, h // 2, w // 2, channels).astype(dtype))


def assert_same(function, case, tolerance):
    expected = values_and_gradients(direct, *case)
    for got, wanted in zip(values_and_gradients(function, *case), expected):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


each_dtype = pytest.mark.parametrize('dtype, tolerance', [(np.float32, 1e-5), (np.float64, 1e-12)])


@each_dtype
@pytest.mark.parametrize('side, k, shape, channels', [
    (2, 5, (7, 28, 28, 1), 6), (2, 5, (3, 14, 14, 6), 16), (2, 5, (1, 2, 6, 3), 1), (2, 1, (5, 4, 2, 3), 7),
    (2, 3, (13, 10, 6, 1), 3), (2, 7, (3, 8, 12, 5), 11), (2, 9, (2, 6, 4, 3), 5), (4, 5, (7, 28, 28, 1), 6),
    (4, 3, (3, 8, 4, 3), 5), (4, 7, (1, 4, 12, 1), 3), (4, 1, (5, 8, 8, 3), 7), (6, 5, (3, 12, 6, 3), 1)])
def test_values_and_gradients_equal_those_of_convolution_and_pooling(dtype, tolerance, side, k, shape, channels):
    assert_same(folded(side), random_case(k, shape, channels, dtype), tolerance)


@each_dtype
@pytest.mark.parametrize('shape, channels', [((3, 14, 14, 6), 16), ((13, 2, 6, 3), 5)])
def test_padding_may_be_of_whole_blocks(dtype, tolerance, shape, channels):
    assert_same(folded_in_blocks, random_case(5, shape, channels, dtype), tolerance)


@pytest.mark.parametrize('function', [folded(2), folded(4), folded_in_blocks])
def test_of_equal_values_the_same_one_takes_the_gradient(function):
    """A small range of integers makes ties everywhere, exact in float32."""
    random = np.random.RandomState(0)
    images = random.randint(0, 2, (5, 8, 4, 1)).astype(np.float32)
    kernel = random.randint(-1, 2, (5, 5, 1, 3)).astype(np.float32)
    upstream = random.randint(1, 9, (5, 4, 2, 3)).astype(np.float32)
    for got, wanted in zip(values_and_gradients(function, images, kernel, upstream),
                           values_and_gradients(direct, images, kernel, upstream)):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize('k, side, blocks', [(1, 2, 1), (3, 2, 2), (5, 2, 3), (7, 2, 4), (5, 4, 2), (7, 4, 3)])
def test_each_tap_is_placed_once_for_each_output_position(k, side, blocks):
    taps = folding.fold_taps(k, side)
    assert folding.blocks_across(k, side) == blocks
    assert taps.shape == (blocks * blocks * side ** 4,)
    counts = np.bincount(taps)
    np.testing.assert_array_equal(counts[:k * k], side * side)
    assert len(counts) <= k * k + 1  # the rest is zeros


@pytest.mark.parametrize('side, padding, d', [(4, 'VALID', 2), (2, 'SAME', 3)])
def test_the_convolution_without_a_gradient_is_the_same(side, padding, d):
    random = np.random.RandomState(0)
    blocks = random.randn(7, 5, 6, side * side * 3).astype(np.float32)
    kernel = random.randn(5, 5, 3, 11).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        trained, untrained = session.run([
            convolve(tf.constant(blocks), fold(tf.constant(kernel), side), padding) for convolve, fold in (
                (folding.convolve, folding.fold_kernel), (folding.convolve_untrained, folding.fold_kernel_untrained))])
    np.testing.assert_allclose(untrained, np.concatenate(trained, axis=3), rtol=1e-5, atol=1e-4)


def test_the_maximum_without_a_gradient_is_the_same():
    windows = np.random.RandomState(0).randint(-3, 3, (7, 3, 5, 4 * 13)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        np.testing.assert_array_equal(*session.run([folding.pool(*tf.split(tf.constant(windows), 2, axis=3)),
                                                    folding.pool_untrained(tf.constant(windows))]))


@pytest.mark.parametrize('dtype', [np.uint8, np.int64])
@pytest.mark.parametrize('k, side, height', [(5, 4, 8), (5, 2, 6), (3, 4, 4), (7, 6, 12)])
def test_arrays_and_tensors_are_cut_alike(k, side, height, dtype):
    images = np.random.RandomState(0).randint(0, 256, (3, height, 12, 1)).astype(dtype)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(folding.cut(tf.constant(images), k, side)),
                                      folding.cut_array(images, k, side))


@pytest.mark.parametrize('shape', [(4, 4, 1, 3), (5, 3, 1, 3)])
def test_an_even_or_oblong_kernel_is_refused(shape):
    with pytest.raises(ValueError, match='kernel: expected'):
        folding.fold_kernel(tf.zeros(shape), 2)
