import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import evaluation
from lenet.graph import model
from lenet.run import accuracy
from tests import numpy_lenet
from tests import trainings


@pytest.mark.parametrize('batch_size, replicas', [(1, 3), (7, 1), (7, 3), (37, 2), (500, 1)])
def test_every_image_counts_once_whatever_the_batch_size(batch_size, replicas):
    split = trainings.random_split(37)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = model.create_variables('sigmoid', seed=2)
        graph = evaluation.build(split, variables, model.Form(), batch_size, replicas)
        session.run(tf.global_variables_initializer())
        (counts, found), (again, _) = accuracy.run(session, graph), accuracy.run(session, graph)
        values = session.run(dict(variables))
    logits = numpy_lenet.lenet(split.images / 255.0, values, numpy_lenet.sigmoid)
    expected = np.zeros((10, 10), int)
    for label, prediction in zip(split.labels, logits.argmax(axis=1)):
        expected[label, prediction] += 1
    np.testing.assert_allclose(found, logits, atol=1e-5)
    np.testing.assert_array_equal(counts.confusion, expected)
    np.testing.assert_array_equal(again.confusion, expected)
    assert counts.images == 37 and counts.correct == np.trace(expected)
    assert counts.mean_loss == pytest.approx(numpy_lenet.softmax_cross_entropy(logits, split.labels).mean(), rel=1e-5)
