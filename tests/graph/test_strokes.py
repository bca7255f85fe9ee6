import math

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import strokes
from tests import trainings


def drawn(images, most=1.6, at=0, seed=1):
    return trainings.compute(lambda: strokes.draw(seed, tf.constant(at, tf.int64), images, most))


def changed(images, drawn_strokes):
    return trainings.compute(lambda: strokes.change(tf.constant(images), tf.constant(drawn_strokes)))


def noise(images=7, size=(13, 9, 1)):
    return np.random.RandomState(3).randint(0, 256, (images,) + size).astype(np.uint8)


def test_a_factor_of_one_changes_no_byte():
    images = noise()
    np.testing.assert_array_equal(changed(images, drawn(7, most=1.0)), images)


@pytest.mark.parametrize('size', [(13, 9, 1), (8, 8, 16)], ids=['image', 'blocks'])
def test_levels_are_what_numpy_computes(size):
    images, values = noise(size=size), drawn(7)
    each = (-1,) + (1,) * len(size)
    gains, levels = (column.astype(np.float64).reshape(each) for column in values.T)
    expected = np.floor(np.clip(images * gains + levels - 0.5, 0, 255) + 0.5).astype(np.uint8)
    np.testing.assert_array_equal(changed(images, values), expected)


def test_half_the_images_keep_the_ground_and_grow_the_others_keep_ink_and_shrink():
    values = drawn(4000)
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8), (4000, 256)).copy()
    after = changed(ramp, values).astype(int)
    assert (after[:, 0] == 0).all() and (after[:, 255] == 255).all() and (np.diff(after, axis=1) >= 0).all()
    grows, shrinks = (after >= ramp).all(axis=1), (after <= ramp).all(axis=1)
    assert (grows | shrinks).all() and abs(grows.mean() - 0.5) < 0.03 and abs(shrinks.mean() - 0.5) < 0.03


def test_logarithms_of_gains_fill_their_bound_uniformly():
    logarithms = np.log(drawn(16000)[:, 0].astype(np.float64)) / math.log(1.6)
    assert logarithms.min() == 0 and 0.99 < logarithms.max() < 1.005
    assert logarithms.mean() == pytest.approx(0.5, abs=0.01) and logarithms.std() == pytest.approx(12 ** -0.5, rel=0.02)


def test_gains_and_levels_are_whole_so_that_no_product_is_rounded():
    values = 256 * drawn(500).astype(np.float64)
    np.testing.assert_array_equal(values, np.round(values))


def test_draws_are_a_pure_function_of_seed_and_step_and_each_image_has_its_own():
    values = drawn(100, at=5)
    np.testing.assert_array_equal(drawn(100, at=5), values)
    assert len(np.unique(values, axis=0)) > 60  # of 240 that there are
    for other in (drawn(100, at=6), drawn(100, at=5, seed=2)):
        assert np.mean(np.any(other != values, axis=1)) > 0.9
