import numpy as np
import pytest

from lenet.export import network
from tests.data_files import error_of

NODES = {'input_image': {'dtype': 'float32', 'shape': [3, 784]}, 'logits': {'dtype': 'float32', 'shape': [3, 7]}}


class Doubling(network.Network):
    """Its logits are the first seven pixels, doubled."""

    runtime = 'the test'
    errors = (ZeroDivisionError,)

    def __init__(self, nodes=NODES):
        self._nodes = nodes
        super().__init__('x.test')

    def nodes(self):
        return self._nodes

    def compute(self, images):
        if images.max() > 1:
            raise ZeroDivisionError('too bright')
        return network.complete(2 * images[:-1 if images.min() < 0 else None, :7], {})


def images(n):
    return np.random.RandomState(1).rand(n, 784).astype(np.float32)


def test_answers_come_batch_by_batch_without_the_padding():
    opened, sizes = Doubling(), []
    answers = opened.answer(images(7), 99, sizes.append)
    assert (opened.batch, opened.num_classes, len(opened.seconds), sizes) == (3, 7, 3, [3, 3, 1])
    np.testing.assert_array_equal(answers.logits, 2 * images(7)[:, :7])


def test_what_a_file_does_not_give_follows_from_its_logits():
    logits = np.array([[1, 3, 2], [1000, 0, -1000]], np.float32)
    answers = network.complete(logits, {})
    odds = np.exp([[-2, 0, -1], [0, -1000, -2000]])
    np.testing.assert_allclose(answers.probabilities, odds / odds.sum(axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_array_equal(answers.classes, [1, 0])
    given = network.complete(logits, {'probabilities': logits, 'class': np.array([7, 7])})
    assert given.probabilities is logits and given.classes.tolist() == [7, 7]


@pytest.mark.parametrize('image, words', [
    (2.0, 'too bright'), (-1.0, '3 images gave answers of the shapes [(2, 7), (2, 7), (2,)]')],
    ids=['fails', 'too few'])
def test_a_call_that_goes_wrong_is_an_error_in_the_name_of_the_file(image, words):
    assert error_of(Doubling().answer, np.full([3, 784], image, np.float32), 3) == (
        'x.test: is no graph that the test can run (%s); freeze again' % words)


@pytest.mark.parametrize('changes, words', [
    (dict(classes=np.array([0, 7, 1])), '(it answers with classes from 0 to 7, and has 7)'),
    (dict(classes=np.array([-1, 0, 0])), '(it answers with classes from -1 to 0, and has 7)'),
    (dict(probabilities=np.ones([3, 6], np.float32)), 'of the shapes [(3, 7), (3, 6), (3,)]'),
    (dict(logits=np.full([3, 7], np.inf, np.float32)), 'x.test: its answer to image 0 (and 2 more) is NaN or infinite'),
    (dict(probabilities=np.full([3, 7], np.nan)), 'x.test: its answer to image 0 (and 2 more) is NaN or infinite')],
    ids=['class 7', 'class -1', 'probabilities of 6', 'infinite', 'nan'])
def test_answers_that_no_network_means_are_told(monkeypatch, changes, words):
    right = network.complete(np.ones([3, 7], np.float32), {})
    monkeypatch.setattr(Doubling, 'compute', lambda self, images: right._replace(**changes))
    assert words in error_of(Doubling().answer, images(3), 3)


@pytest.mark.parametrize('name, node, words', [
    ('input_image', None, 'it has no input_image, but logits'), ('logits', None, 'it has no logits, but input_image'),
    ('input_image', {'dtype': 'float32', 'shape': [3, 28, 28]}, 'input_image is float32 [3, 28, 28]'),
    ('input_image', {'dtype': 'uint8', 'shape': [3, 784]}, 'input_image is uint8 [3, 784]'),
    ('input_image', {'dtype': 'float32', 'shape': [3, 783]}, 'input_image has shape [3, 783], not [B, 784]'),
    ('logits', {'dtype': 'float32', 'shape': [3, None]}, 'logits has shape [3, None], the number of classes is open'),
    ('class', {'dtype': 'int32', 'shape': [3]}, 'class is int32 [3]'),
    ('class', {'dtype': 'int8', 'shape': [3], 'scale': 0.5}, 'class is int8 [3]')],
    ids=['no input', 'no logits', 'rank', 'dtype', 'pixels', 'open', 'class', 'class scaled'])
def test_other_inputs_and_outputs_are_named(name, node, words):
    nodes = dict(NODES, **{name: node})
    with pytest.raises(ValueError) as raised:
        Doubling({key: value for key, value in nodes.items() if value})
    assert str(raised.value) == words


def test_integers_with_a_scale_stand_for_floats():
    node = {'dtype': 'int8', 'shape': [3, 784], 'scale': 1 / 255, 'zero_point': -128}
    assert Doubling(dict(NODES, input_image=node)).batch == 3
