"""Full-integer files; what TensorFlow Lite for Microcontrollers makes of them where its interpreter is installed."""

import os
import re
import shutil
import subprocess

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
from tests import processes
from tests import stacks

IMAGES = data_files.images(37, 2)[..., None]
# All that a network of this program may need; TFLite Micro's MicroMutableOpResolver has an Add function for each.
MICRO = {'ADD', 'CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'LOGISTIC', 'MAX_POOL_2D', 'RELU', 'RESHAPE', 'TANH'}


@pytest.mark.parametrize('activation', ['sigmoid', 'tanh', 'relu'])
def test_its_operators_are_in_tflite_micro_s_list_and_none_computes_in_floats(activation):
    graph_def = frozen.build(checkpoints.weights(), model.Form(activation), 1)
    names = set(tflite_operators.names(quantization.convert(graph_def, 1, flatten(IMAGES))))
    assert {'CONV_2D', 'MAX_POOL_2D', 'FULLY_CONNECTED'} <= names <= MICRO


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


@stacks.second_stack_only
def test_a_dense_layer_has_one_scale_as_old_interpreters_take_it_for():
    with tflite.open_network(exports.content('int8'), None, 'x') as network:
        tensors = network._interpreter.get_tensor_details()
    layers = [tensor for tensor in tensors
              if tensor['dtype'] == np.int8 and len(tensor['shape']) == 2 and tensor['shape'][0] > 1]
    assert [len(layer['quantization_parameters']['scales']) for layer in layers] == [1, 1, 1]


@pytest.mark.skipif(not (shutil.which('xxd') and shutil.which('g++')), reason='no xxd, or no g++')
def test_the_array_of_c_is_the_file_aligned_to_16_bytes(tmp_path):
    with open(os.path.join(processes.ROOT, 'BUILD.md'), encoding='utf-8') as stream:
        command = re.search('^xxd -i .*', stream.read(), re.MULTILINE).group()
    (tmp_path / 'lenet_int8.tflite').write_bytes(exports.content('int8'))
    (tmp_path / 'x.cc').write_text(
        '#include <cstdio>\n#include "lenet_int8.h"\nstatic_assert(alignof(lenet_int8_tflite) == 16, "");\n'
        'int main() { fwrite(lenet_int8_tflite, 1, lenet_int8_tflite_len, stdout); }\n')
    written = subprocess.check_output(command + ' && g++ -o x x.cc && ./x', shell=True, cwd=str(tmp_path))
    assert written == exports.content('int8')


def test_tflite_micro_answers_alike():
    runtime = pytest.importorskip('tflite_micro.python.tflite_micro.runtime',
                                  reason='not installed: pip install tflite-micro (Linux on x86_64)')
    content = exports.content('int8')
    micro = runtime.Interpreter.from_bytes(content, arena_size=10000)
    with tflite.open_network(content, None, 'x') as network:
        expected, scale = network.answer(flatten(IMAGES), 1), network.nodes()['logits']['scale']
        zero_point = network.nodes()['logits']['zero_point']
    for image, logits in zip(IMAGES, expected.logits):
        micro.set_input((image.reshape(1, 784).astype(int) - 128).astype(np.int8), 0)
        micro.invoke()
        assert np.abs(scale * (micro.get_output(0)[0].astype(int) - zero_point) - logits).max() < 6.5 * scale
