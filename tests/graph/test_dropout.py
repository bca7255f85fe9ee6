import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import dropout
from lenet.graph import model
from tests import numpy_lenet
from tests import trainings


def draw(seed=1, step=0, rate=0.25, batch_size=7, features=12, stripe=None):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(dropout.masks(seed, tf.constant(step, tf.int64), rate, batch_size, features,
                                         stripe or (0, batch_size)))


@pytest.mark.parametrize('rate', [0.1, 0.25, 0.9])
def test_the_share_is_left_out_and_the_mean_kept(rate):
    masks = np.concatenate([draw(step=step, rate=rate, batch_size=101, features=784) for step in range(5)])
    dropped = round(256 * rate) / 256
    assert set(np.unique(masks)) == {0, np.float32(1 / (1 - dropped))}
    deviation = np.sqrt(dropped * (1 - dropped) / masks.size)
    assert abs((masks == 0).mean() - dropped) < 5 * deviation
    # Each feature and each image by itself: none is spared, and none is always left out.
    for axis in (0, 1):
        shares = (masks == 0).mean(axis=axis)
        assert abs(shares - dropped).max() < 6 * np.sqrt(dropped * (1 - dropped) / masks.shape[axis])


def test_it_is_a_function_of_seed_and_step():
    assert (draw() == draw()).all()
    for other in (dict(seed=2), dict(step=1)):
        assert (draw(batch_size=101) != draw(batch_size=101, **other)).mean() > 0.3


def test_ranks_draw_what_one_of_all_their_images_draws():
    parts = [draw(batch_size=21, stripe=(first, first + 7)) for first in (0, 7, 14)]
    assert (np.concatenate(parts) == draw(batch_size=21)).all()


def test_nothing_is_dropped_at_a_rate_of_0():
    assert (draw(rate=0.0) == 1).all()


@pytest.mark.parametrize('convolution', ['direct', 'folded'])
def test_the_network_sees_the_masked_features(convolution):
    """Against a network whose first dense weights are masked instead, an image at a time."""
    images = trainings.random_split(5).images / np.float32(255)
    masks = draw(batch_size=5, features=model.FEATURES)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = model.create_variables('relu', 1)
        form = model.Form('relu', convolution)
        answer = model.forward(tf.constant(images), model.prepare_weights(variables, form), form, tf.constant(masks))
        session.run(tf.global_variables_initializer())
        values, logits = session.run([variables, answer])
    for i in range(5):
        own = dict(values)
        own['fc_1/weight'] = values['fc_1/weight'] * masks[i][:, np.newaxis]
        expected = numpy_lenet.lenet(images[i:i + 1], own, numpy_lenet.ACTIVATIONS['relu'])
        np.testing.assert_allclose(logits[i], expected[0], atol=2e-5)


def train(**values):
    return trainings.train_in_memory(trainings.random_dataset(), 6, batch_size=12, dropout=0.25, **values)


@pytest.fixture(scope='module')
def trained():
    """Variables, losses, outputs of six steps in three calls."""
    return train(iterations_per_loop=2)


@pytest.mark.parametrize('n', [1, 6])
def test_n_changes_no_bit(trained, n):
    variables, losses, _ = train(iterations_per_loop=n)
    trainings.require_equal((variables, losses), trained)


@pytest.mark.parametrize('values', [dict(replicas=1), dict(replicas=3), dict(conv='direct'), dict(input='stream')],
                         ids=['r=1', 'r=3', 'direct', 'stream'])
def test_replicas_convolutions_and_inputs_see_the_same_masks(trained, values):
    np.testing.assert_allclose(train(iterations_per_loop=2, **values)[1], trained[1], rtol=1e-5)


def test_a_resume_in_the_middle_ends_with_the_same_bytes(trained):
    trainings.require_resume_to_the_same_bytes(trained, batch_size=12, dropout=0.25)


def test_without_it_another_network_is_trained(trained):
    plain = trainings.train_in_memory(trainings.random_dataset(), 6, batch_size=12, iterations_per_loop=2)
    assert (plain[1] != trained[1]).any()
