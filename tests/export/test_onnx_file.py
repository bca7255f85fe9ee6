import numpy as np
import pytest

from lenet.export import frozen
from lenet.export import onnx_file
from lenet.export.inputs import flatten
from lenet.graph import model
from tests import checkpoints
from tests import exports
from tests import graphs
from tests import numpy_lenet
from tests import trainings
from tests.data_files import error_of

exports.skip_without(*onnx_file.WRITING)
import onnx  # noqa: E402
from onnx import helper  # noqa: E402

IMAGES = trainings.random_split(13).images


@pytest.mark.parametrize('activation, batch, num_classes', [('sigmoid', None, 10), ('tanh', 3, 10), ('relu', 1, 26)],
                         ids=['sigmoid', 'batch', 'classes'])
def test_the_file_agrees_with_the_network_in_float64(activation, batch, num_classes):
    weights = checkpoints.weights(num_classes=num_classes)
    content = onnx_file.convert(frozen.build(weights, model.Form(activation), batch))
    assert onnx_file.recognizes(content)
    with onnx_file.open_network(onnx_file.parse(content, 'x'), None, 'x') as network:
        answers = network.answer(flatten(IMAGES), 5)
        assert network.nodes() == exports.nodes(batch, num_classes)
    logits = numpy_lenet.lenet(IMAGES / 255.0, weights, numpy_lenet.ACTIVATIONS[activation])
    tolerance = 1e-5 * np.abs(logits).max()
    np.testing.assert_allclose(answers.logits, logits, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(answers.classes, logits.argmax(axis=1))
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1, atol=1e-5)


def test_it_is_of_opset_13_and_old_enough_for_old_runtimes():
    loaded = onnx.load_model_from_string(exports.content('onnx'))
    assert {entry.domain: entry.version for entry in loaded.opset_import}[''] == 13 and loaded.ir_version <= 7
    assert loaded.graph.input[0].type.tensor_type.shape.dim[0].dim_param == 'batch'


def test_nothing_is_printed(capfd):
    onnx_file.convert(frozen.build(graphs.weights(), model.Form('relu')))
    use(exports.content('onnx'))
    assert capfd.readouterr() == ('', '')


def use(content):
    with onnx_file.open_network(onnx_file.parse(content, 'x.onnx'), None, 'x.onnx') as network:
        network.answer(flatten(IMAGES[:2]), 1)


def changed(change):
    loaded = onnx.load_model_from_string(exports.content('onnx'))
    change(loaded)
    return loaded.SerializeToString()


def loop(loaded):
    body = helper.make_graph([], 'body', [helper.make_tensor_value_info('i', 7, []),
                                          helper.make_tensor_value_info('c', 9, [])],
                             [helper.make_tensor_value_info('c', 9, [])])
    loaded.graph.node.append(helper.make_node('Loop', ['', ''], [], body=body))


def outside(loaded):
    tensor = loaded.graph.initializer[0]
    tensor.ClearField('raw_data')
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key='location', value='weights.bin')


def sparse(loaded):
    tensor = loaded.graph.initializer[0]
    loaded.graph.sparse_initializer.add().values.CopyFrom(tensor)


def renamed(loaded):
    loaded.graph.input[0].name = 'picture'
    for node in loaded.graph.node:
        node.input[:] = ['picture' if name == 'input_image' else name for name in node.input]


@pytest.mark.parametrize('change, words', [
    (loop, ''), (outside, ''), (renamed, 'it has no input_image, but class, logits, picture, probabilities'),
    (lambda loaded: loaded.graph.node[0].__setattr__('op_type', 'Nonsense'), ''),
    (lambda loaded: loaded.graph.node[0].__setattr__('domain', 'com.microsoft'), ''),
    (lambda loaded: loaded.graph.node.pop(), '')],
    ids=['loop', 'outside', 'input', 'operator', 'domain', 'output'])
def test_another_graph_is_refused(change, words):
    message = error_of(use, changed(change))
    assert message.startswith('x.onnx: ') and words in message and '\n' not in message


def test_what_opens_files_loops_or_calls_is_refused_before_it_runs():
    for change, words in ((loop, "the operator(s) 'Loop', "), (outside, 'parts in other files'),
                          (sparse, 'sparse tensors')):
        loaded = onnx.load_model_from_string(changed(change))
        assert words in onnx_file._problem(loaded)


@pytest.mark.parametrize('length', [0, 1, 7, 1000, 200000, -50])
def test_a_truncated_file_is_told(length):
    assert error_of(use, exports.content('onnx')[:length]).startswith('x.onnx: is no ONNX file, or a damaged one (')


def test_a_flipped_bit_ends_in_an_answer_or_one_line(capfd):
    whole, told = exports.content('onnx'), 0
    text = np.frombuffer(whole, np.uint8)
    places = np.flatnonzero(np.convolve((text >= 32) & (text < 127), np.ones(64) / 64, 'same') > 0.6)
    for place in np.random.RandomState(2).choice(places, 24, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 128
        try:
            use(bytes(damaged))
        except onnx_file.UserError as error:
            assert str(error).startswith('x.onnx: ') and '\n' not in str(error)
            told += 1
    assert told > 3 and capfd.readouterr() == ('', '')


@pytest.mark.parametrize('missing', onnx_file.READING)
def test_a_missing_package_is_told_with_its_remedy(monkeypatch, missing):
    content = exports.content('onnx')

    def find(name, *unused):
        if name == missing:
            raise ImportError('No module named %r' % name)
    monkeypatch.setattr(onnx_file.importlib, 'import_module', find)
    assert error_of(onnx_file.parse, content, 'x.onnx') == (
        'x.onnx: reading ONNX needs onnx, onnxruntime (No module named %r): pip install -r requirements-export.txt' %
        missing)
