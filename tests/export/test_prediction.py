import json
import os

import numpy as np
import pytest

from lenet.errors import UserError
from lenet.export import prediction
from lenet.run.network_record import NetworkRecord
from tests import checkpoints
from tests import data_files
from tests import graphs
from tests import numpy_lenet

IMAGES = data_files.images(7)[..., np.newaxis]
PATHS = ['%d.png' % index for index in range(7)]


def request(**changes):
    return prediction.Request(None, None, 'nowhere', None)._replace(**changes)


@pytest.fixture
def photo(monkeypatch):
    """A file is a picture if its name has an item of IMAGES."""
    def as_mnist(path):
        if path not in PATHS:
            raise UserError('%s: no picture' % path)
        return IMAGES[PATHS.index(path)]
    monkeypatch.setattr(prediction.picture, 'as_mnist', as_mnist)


def predict(paths, several=False, **changes):
    refused = []
    with prediction.open_network(request(**changes)) as (network, dark_on_light):
        answers = list(prediction.predict(network, dark_on_light, paths, lambda error: refused.append(str(error)),
                                          several))
    return answers if several else [digit for digit, in answers], refused


@pytest.mark.parametrize('at_a_time', [1, 3, 64])
def test_pictures_are_answered_in_their_order_by_a_frozen_graph(tmp_path, monkeypatch, photo, at_a_time):
    monkeypatch.setattr(prediction, 'AT_A_TIME', at_a_time)
    answers, refused = predict(PATHS[:4] + ['x', 'y', 'z'] + PATHS[4:], model_path=graphs.write(tmp_path / 'x.pb'))
    assert [answer.path for answer in answers] == PATHS
    np.testing.assert_array_equal([answer.image for answer in answers], IMAGES)
    np.testing.assert_allclose([answer.probabilities for answer in answers], graphs.probabilities(IMAGES), atol=1e-5)
    assert refused == ['x: no picture', 'y: no picture', 'z: no picture']


def test_the_digits_of_a_picture_are_answered_together(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction, 'AT_A_TIME', 2)
    parts = {'a': IMAGES[:1], 'b': IMAGES[1:5], 'c': IMAGES[5:]}
    monkeypatch.setattr(prediction.picture, 'digits_of', lambda path: list(parts[path]))
    answers, _ = predict(['a', 'b', 'c'], several=True, model_path=graphs.write(tmp_path / 'x.pb'))
    assert [[digit.path for digit in digits] for digits in answers] == [['a'], ['b'] * 4, ['c'] * 2]
    given = [digit for digits in answers for digit in digits]
    np.testing.assert_array_equal([digit.image for digit in given], IMAGES)
    np.testing.assert_allclose([digit.probabilities for digit in given], graphs.probabilities(IMAGES), atol=1e-5)


def test_a_checkpoint_answers_with_the_activation_that_is_asked_for(tmp_path, photo):
    weights = checkpoints.weights(scale=0.2)
    answers, _ = predict(PATHS, checkpoint=checkpoints.write(tmp_path, weights), activation='tanh')
    logits = numpy_lenet.lenet(IMAGES / 255, weights, np.tanh)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose([answer.probabilities for answer in answers], odds / odds.sum(axis=1, keepdims=True),
                               atol=1e-4)


def test_a_network_that_learned_dark_digits_on_light_is_shown_such(tmp_path, photo):
    weights = checkpoints.weights(scale=0.2)
    path = checkpoints.write(tmp_path, weights, record=NetworkRecord('tanh', 10, dark_on_light=True))
    answers, _ = predict(PATHS, checkpoint=path)
    np.testing.assert_array_equal([answer.image for answer in answers], 255 - IMAGES)
    logits = numpy_lenet.lenet((255 - IMAGES) / 255, weights, np.tanh)
    assert [answer.probabilities.argmax() for answer in answers] == logits.argmax(axis=1).tolist()


def test_where_nothing_was_trained_the_ways_out_are_named():
    def open_network():
        with prediction.open_network(request()):
            pass
    assert data_files.error_of(open_network) == ('--output_dir=nowhere: holds no checkpoint; train first '
                                                 '(./run_1p.sh), or give --checkpoint or --model_path')


def test_json_holds_any_name_on_one_line():
    name = os.fsdecode(b'a\n\xff.png')
    digit = prediction.Prediction(name, IMAGES[0], np.float32([0.25, 0.75]))
    line = prediction.as_json([digit])
    assert '\n' not in line and '\\udcff' in line
    assert json.loads(line) == {'file': name, 'class': 1, 'probabilities': [0.25, 0.75]}
    other = digit._replace(probabilities=np.float32([0.5, 0.25]))
    assert json.loads(prediction.as_json([digit, other], several=True)) == {
        'file': name, 'classes': [1, 0], 'probabilities': [[0.25, 0.75], [0.5, 0.25]]}
