import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.export import frozen
from lenet.export import tflite
from lenet.export.inputs import flatten
from lenet.graph import model
from tests import checkpoints
from tests import exports
from tests import graphs
from tests import numpy_lenet
from tests import trainings
from tests.data_files import error_of

IMAGES = trainings.random_split(13).images


@pytest.mark.parametrize('activation, batch, num_classes', [('sigmoid', 1, 10), ('tanh', 3, 10), ('relu', 1, 26)],
                         ids=['sigmoid', 'batch', 'classes'])
def test_the_file_agrees_with_the_network_in_float64(activation, batch, num_classes):
    weights = checkpoints.weights(num_classes=num_classes)
    content = tflite.convert_floats(frozen.build(weights, model.Form(activation), batch))
    assert tflite.recognizes(content)
    with tflite.open_network(tflite.parse(content, 'x'), None, 'x') as network:
        answers = network.answer(flatten(IMAGES), 500)
        assert network.nodes() == exports.nodes(batch, num_classes)
        assert len(network.seconds) == -(-13 // batch)
    logits = numpy_lenet.lenet(IMAGES / 255.0, weights, numpy_lenet.ACTIVATIONS[activation])
    tolerance = 1e-5 * np.abs(logits).max()
    np.testing.assert_allclose(answers.logits, logits, rtol=0, atol=tolerance)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(answers.probabilities, odds / odds.sum(axis=1, keepdims=True), rtol=0,
                               atol=2 * tolerance)
    np.testing.assert_array_equal(answers.classes, logits.argmax(axis=1))


def test_nothing_is_printed(capfd):
    content = tflite.convert_floats(frozen.build(graphs.weights(), model.Form('relu'), 1))
    with tflite.open_network(content, None, 'x') as network:
        network.answer(flatten(IMAGES[:1]), 1)
    assert capfd.readouterr() == ('', '')


def test_a_converter_that_fails_is_told_in_one_line(monkeypatch):
    def fail(*unused):
        raise RuntimeError('no such op\nand more')
    monkeypatch.setattr(tf.lite.TFLiteConverter, 'from_session', fail)
    message = error_of(tflite.convert_floats, frozen.build(graphs.weights(), model.Form(), 1))
    assert message.startswith('TensorFlow %s cannot convert this network to TFLite (no such op); ' % tf.__version__)


def use(content):
    with tflite.open_network(tflite.parse(content, 'x.tflite'), None, 'x.tflite') as network:
        network.answer(flatten(IMAGES[:2]), 1)


@pytest.mark.parametrize('kind', ['tflite', 'int8'])
def test_a_truncated_file_is_told(kind):
    whole = exports.content(kind)
    for length in (8, 20, 40, 1000, len(whole) // 2, len(whole) - 100):
        assert error_of(use, whole[:length]).startswith('x.tflite: is no '), length


def test_a_flipped_bit_ends_in_an_answer_or_one_line_but_never_the_process():
    """TensorFlow 1.15's interpreter does not verify a file: a fault in a child is told, instead of ours."""
    whole, told = exports.content('int8'), 0
    zeros = np.convolve(np.frombuffer(whole, np.uint8) == 0, np.ones(64) / 64, 'same')
    places = np.flatnonzero(zeros > 0.2)  # not among the weights, any values of which are as good
    for place in np.random.RandomState(2).choice(places, 24, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 64
        try:
            use(bytes(damaged))
        except tflite.UserError as error:
            assert str(error).startswith('x.tflite: ') and '\n' not in str(error)
            told += 1
    assert told > 3
