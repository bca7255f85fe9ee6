"""Full-integer files; what TensorFlow Lite for Microcontrollers makes of them where its interpreter is installed."""

import numpy as np
import pytest

from lenet.export import frozen
from lenet.export import quantization
from lenet.export import tflite
from lenet.export import tflite_operators
from lenet.export.inputs import flatten
from lenet.graph import model
from tests import checkpoints
from tests import data_files
from tests import exports
from tests import graphs

IMAGES = data_files.images(37, 2)[..., None]
# Of the operators that its MicroMutableOpResolver can add, those that a network like this one could meet.
MICRO = {'ADD', 'ARG_MAX', 'AVERAGE_POOL_2D', 'CONV_2D', 'DEPTHWISE_CONV_2D', 'DEQUANTIZE', 'FULLY_CONNECTED',
         'LEAKY_RELU', 'LOGISTIC', 'MAX_POOL_2D', 'MEAN', 'MUL', 'QUANTIZE', 'RELU', 'RELU6', 'RESHAPE', 'SOFTMAX',
         'SQUEEZE', 'TANH', 'TRANSPOSE'}


@pytest.mark.parametrize('activation', ['sigmoid', 'relu'])
def test_its_operators_are_in_tflite_micro_s_list_and_none_computes_in_floats(activation):
    graph_def = frozen.build(checkpoints.weights(), model.Form(activation), 1)
    names = set(tflite_operators.names(quantization.convert(graph_def, 1, flatten(IMAGES))))
    assert names >= {'CONV_2D', 'MAX_POOL_2D', 'FULLY_CONNECTED'} and names <= MICRO
    assert not names & {'QUANTIZE', 'DEQUANTIZE'}


def test_a_pixel_is_the_input_and_logits_are_near_the_network_s():
    content = exports.content('int8')
    with tflite.open_network(content, None, 'x') as network:
        nodes, answers = network.nodes(), network.answer(flatten(IMAGES), 1)
    assert set(nodes) == {'input_image', 'logits'} and {node['dtype'] for node in nodes.values()} == {'int8'}
    assert nodes['input_image']['scale'] == pytest.approx(1 / 255) and nodes['input_image']['zero_point'] == -128
    integers = tflite._to_integers(flatten(IMAGES), {'quantization': (nodes['input_image']['scale'], -128),
                                                     'dtype': np.int8})
    np.testing.assert_array_equal(integers, IMAGES.reshape(37, 784).astype(int) - 128)
    expected = graphs.probabilities(IMAGES)
    assert (answers.classes == expected.argmax(axis=1)).mean() > 0.9
    np.testing.assert_allclose(answers.probabilities, expected, atol=0.3)
    assert 0 < len(content) < 130000


def test_a_batch_that_the_images_do_not_fill_is_no_hindrance():
    graph_def = frozen.build(graphs.weights(), model.Form('relu'), 5)
    with tflite.open_network(quantization.convert(graph_def, 5, flatten(IMAGES)), None, 'x') as network:
        assert network.batch == 5 and len(network.answer(flatten(IMAGES), 1).classes) == 37


def test_the_seed_chooses_the_images():
    images = np.arange(2000 * 784, dtype=np.int64).reshape(2000, 28, 28, 1) // 784 % 251
    images = images.astype(np.uint8)
    first, again, other = (quantization.choose(images, seed) for seed in (1, 1, 2))
    assert first.shape == (500, 784) and first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(quantization.choose(images[:7], 1), flatten(images[:7]))


def test_tflite_micro_answers_alike():
    runtime = pytest.importorskip('tflite_micro.python.tflite_micro.runtime',
                                  reason='not installed: pip install tflite-micro (Linux on x86_64)')
    content = exports.content('int8')
    micro = runtime.Interpreter.from_bytes(content, arena_size=16000)
    with tflite.open_network(content, None, 'x') as network:
        expected, scale = network.answer(flatten(IMAGES), 1), network.nodes()['logits']['scale']
        zero_point = network.nodes()['logits']['zero_point']
    for image, logits in zip(IMAGES, expected.logits):
        micro.set_input((image.reshape(1, 784).astype(int) - 128).astype(np.int8), 0)
        micro.invoke()
        assert np.abs(scale * (micro.get_output(0)[0].astype(int) - zero_point) - logits).max() < 6.5 * scale
