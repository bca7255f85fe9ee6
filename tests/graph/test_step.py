import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.data.splits import Dataset
from lenet.graph import model
from lenet.graph import step
from tests import numpy_lenet
from tests import trainings


def test_cross_entropy_equals_numpys():
    logits = np.random.RandomState(0).randn(13, 7).astype(np.float32) * 5
    labels = np.random.RandomState(1).randint(0, 7, 13).astype(np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        got = session.run(step.cross_entropy(tf.constant(logits), tf.constant(labels)))
    expected = numpy_lenet.softmax_cross_entropy(logits.astype(np.float64), labels)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_images_are_normalized_to_the_unit_interval():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    with tf.Graph().as_default(), tf.Session() as session:
        got = session.run(step.normalize(tf.constant(images)))
    np.testing.assert_allclose(got, images / 255.0, rtol=1e-6)
    assert got.min() == 0 and got.max() == 1


def test_adam_makes_the_updates_of_the_paper():
    """Kingma & Ba 2015, algorithm 1, on f(x) = sum((x - target)^2), in float64 by hand."""
    target, rates = np.array([3.0, -2.0, 0.5]), [0.1, 0.05, 0.02]
    x, m, v, expected = np.zeros(3), np.zeros(3), np.zeros(3), []
    for t, rate in enumerate(rates, 1):
        gradient = 2 * (x - target)
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient ** 2
        # TensorFlow's epsilon is the paper's epsilon-hat, outside the bias correction of v.
        x = x - rate * np.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * m / (np.sqrt(v) + 1e-8)
        expected.append(x)
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable('x', initializer=np.zeros(3, np.float32), use_resource=True)
        count = tf.get_variable('n', initializer=0, use_resource=True, trainable=False)
        adam = step.Adam(lambda: tf.gather(tf.constant(rates, tf.float32), count.read_value()))
        adam.create_variables([variable])
        update = adam.minimize(tf.reduce_sum((variable - target.astype(np.float32)) ** 2), var_list=[variable])
        with tf.control_dependencies([update]):
            update = count.assign_add(1).op
        session.run(tf.global_variables_initializer())
        got = []
        for _ in rates:
            session.run(update)
            got.append(session.run(variable))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_gradient_of_the_batch_loss_equals_finite_differences():
    """Central differences of the NumPy network's loss in float64, along a random direction for each variable."""
    split, random = trainings.random_split(13), np.random.RandomState(4)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = model.create_variables('tanh', seed=2)
        loss = step.batch_loss(tf.constant(split.images), tf.constant(split.labels), variables, model.Form('tanh'), 1)
        gradients = dict(zip(variables, tf.gradients(loss, list(variables.values()))))
        session.run(tf.global_variables_initializer())
        values, gradients = session.run([dict(variables), gradients])

    def numpy_loss(**changed):
        at = {name: changed.get(name, value.astype(np.float64)) for name, value in values.items()}
        return numpy_lenet.softmax_cross_entropy(numpy_lenet.lenet(split.images / 255.0, at, np.tanh),
                                                 split.labels).mean()
    for name, value in values.items():
        direction = random.randn(*value.shape)
        direction /= np.linalg.norm(direction)
        ahead, behind = (numpy_loss(**{name: value + sign * 1e-6 * direction}) for sign in (1, -1))
        expected = (ahead - behind) / 2e-6
        assert (gradients[name] * direction).sum() == pytest.approx(expected, rel=1e-3, abs=1e-6), name


def test_one_step_records_the_loss_and_counts():
    dataset = trainings.random_dataset()
    _, losses, outputs = trainings.train_in_memory(dataset, 3, batch_size=13, iterations_per_loop=3)
    assert outputs['steps_run'] == 3 and outputs['global_step'] == 3
    assert losses.shape == (3,) and len(set(losses)) == 3
    assert outputs['learning_rate'] == pytest.approx(0.001)


@pytest.mark.parametrize('dtype', [tf.float32, tf.int64])
@pytest.mark.parametrize('n', [1, 3])
def test_what_is_appended_is_the_last_of_the_n_most_recent(dtype, n):
    with tf.Graph().as_default(), tf.Session() as session:
        recent = step.local_variable('recent/x', [n], dtype)
        value = tf.placeholder(dtype, [])
        append = step._append(value, recent)
        session.run(recent.initializer)
        for number in range(5, 10):
            session.run(append, {value: number})
        assert session.run(recent).tolist() == list(range(10 - n, 10))


def test_replicas_give_the_same_training_within_float_tolerance():
    dataset = trainings.random_dataset()
    one, losses_one, _ = trainings.train_in_memory(dataset, 6, batch_size=12, iterations_per_loop=3, replicas=1)
    three, losses_three, _ = trainings.train_in_memory(dataset, 6, batch_size=12, iterations_per_loop=3, replicas=3)
    np.testing.assert_allclose(losses_one, losses_three, rtol=1e-5)
    for name in one:
        np.testing.assert_allclose(one[name], three[name], rtol=1e-3, atol=2e-5, err_msg=name)


def test_an_optimum_is_reached():
    """Ten images, learned by heart."""
    few = trainings.random_split(10)
    dataset = Dataset(few, few, 'ten', True)
    _, losses, _ = trainings.train_in_memory(dataset, 200, batch_size=10, iterations_per_loop=50, activation='relu')
    assert losses[0] > 2 and losses[-1] < 0.01


def test_the_learning_rate_follows_the_schedule_by_steps_run():
    _, _, outputs = trainings.train_in_memory(trainings.random_dataset(), 8, batch_size=5, iterations_per_loop=4,
                                            learning_rate_schedule='linear', learning_rate=0.01)
    assert outputs['learning_rate'] == pytest.approx(0.01 * (1 - 7 / 8))
