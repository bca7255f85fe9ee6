import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.export import inputs
from lenet.graph import step


def test_images_are_flattened_row_by_row_and_scaled_to_the_bit_as_in_training():
    images = np.random.RandomState(3).randint(0, 256, (13, 28, 28, 1)).astype(np.uint8)
    flat = inputs.flatten(images)
    assert flat.dtype == np.float32 and flat.shape == (13, 784)
    assert flat[7, 28 * 5 + 3] == pytest.approx(images[7, 5, 3, 0] / 255)
    with tf.Graph().as_default(), tf.Session() as session:
        trained_on = session.run(step.normalize(tf.constant(images)))
    assert flat.tobytes() == trained_on.tobytes()


def test_zero_is_black_and_255_white():
    assert set(inputs.flatten(np.array([0, 255] * 392, np.uint8).reshape(1, 28, 28, 1)).ravel()) == {0, 1}


def test_padding_is_zeros_behind_the_images():
    images = np.ones((7, 784), np.float32)
    padded = inputs.pad(images, 13)
    assert padded.shape == (13, 784) and padded[:7].all() and not padded[7:].any() and padded.dtype == np.float32
    assert inputs.pad(images, 7).tobytes() == images.tobytes()
