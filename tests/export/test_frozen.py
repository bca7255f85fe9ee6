import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import platforms
from lenet.export import frozen
from lenet.export import inputs
from lenet.export import opening
from lenet.export.network import CLASS, INPUT, LOGITS, PROBABILITIES
from lenet.graph import model
from tests import checkpoints
from tests import exports
from tests import graphs
from tests import numpy_lenet
from tests import trainings
from tests.data_files import error_of

# What a graph of inference may consist of: no variable, queue, iterator, gradient, summary or random op is here.
OPS = {'Placeholder', 'Const', 'Reshape', 'Conv2D', 'MaxPool', 'BiasAdd', 'Sigmoid', 'Tanh', 'Relu', 'MatMul',
       'Softmax', 'ArgMax', 'Identity'}
FOLDED_OPS = {'Cast', 'Pad', 'Transpose', 'Max', 'Tile'}


@pytest.fixture(scope='module')
def config():
    return platforms.inference_config('cpu')


@pytest.mark.parametrize('convolution', ['direct', 'folded'])
@pytest.mark.parametrize('activation, batch, num_classes', [('sigmoid', None, 10), ('tanh', 7, 10), ('relu', 1, 26)])
def test_the_graph_agrees_with_the_network_in_float64(config, convolution, activation, batch, num_classes):
    weights = checkpoints.weights(num_classes=num_classes)
    images = trainings.random_split(13).images
    graph_def = frozen.build(weights, model.Form(activation, convolution), batch)
    with frozen.open_network(graph_def, config, 'x') as network:
        answers = network.answer(inputs.flatten(images), 5)
        assert network.batch == batch and network.num_classes == num_classes
        assert network.nodes() == exports.nodes(batch, num_classes)
    logits = numpy_lenet.lenet(images / 255.0, weights, numpy_lenet.ACTIVATIONS[activation])
    assert len(set(logits.argmax(axis=1))) > 1
    tolerance = 1e-5 * np.abs(logits).max()
    np.testing.assert_allclose(answers.logits, logits, rtol=0, atol=tolerance)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(answers.probabilities, exponentials / exponentials.sum(axis=1, keepdims=True),
                               rtol=0, atol=2 * tolerance)
    np.testing.assert_array_equal(answers.classes, logits.argmax(axis=1))


@pytest.mark.parametrize('convolution, more', [('direct', set()), ('folded', FOLDED_OPS)])
def test_the_graph_holds_nothing_of_training(convolution, more):
    graph_def = frozen.build(checkpoints.weights(), model.Form('sigmoid', convolution))
    nodes = list(graph_def.node)
    assert {node.op for node in nodes} <= OPS | more
    assert [node.name for node in nodes if node.op == 'Placeholder'] == ['input_image']
    assert not any('_gradient_op_type' in node.attr for node in nodes)
    assert not graph_def.library.function


def test_the_same_weights_give_the_same_bytes():
    first, second = (frozen.build(checkpoints.weights(), model.Form('relu', 'folded')) for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


def test_answers_come_batch_by_batch(config):
    images = inputs.flatten(trainings.random_split(13).images)
    with frozen.open_network(frozen.build(checkpoints.weights(), model.Form()), config, 'x') as network:
        sizes = []
        whole, parts = network.answer(images, 13), network.answer(images, 5, sizes.append)
    assert sizes == [5, 5, 3]
    np.testing.assert_allclose(parts.logits, whole.logits, rtol=0, atol=1e-5)


def placeholders(graph_shape=(None, 784), dtype=tf.float32, classes=10):
    """A graph with the right names."""
    with tf.Graph().as_default() as graph:
        tf.placeholder(dtype, graph_shape, 'input_image')
        tf.placeholder(tf.float32, [None, classes], 'logits')
        tf.placeholder(tf.float32, [None, classes], 'probabilities')
        tf.placeholder(tf.int64, [None], 'class')
        return graph.as_graph_def()


def unknown_op():
    graph_def = placeholders()
    graph_def.node.add(name='x', op='Nonsense')
    return graph_def


@pytest.mark.parametrize('graph_def, message', [
    (placeholders((None, 28, 28)), 'input_image is float32 [None, 28, 28]'),
    (placeholders((None, 100)), 'input_image has shape [None, 100], not [B, 784]'),
    (placeholders(dtype=tf.uint8), 'input_image is uint8 [None, 784]'),
    (placeholders(classes=None), 'logits has shape [None, None], the number of classes is open'),
    (tf.GraphDef(), "The name 'input_image:0' refers to a Tensor which does not exist"),
    (unknown_op(), 'Nonsense')])
def test_another_graph_is_named(config, graph_def, message):
    def use():
        with frozen.open_network(graph_def, config, 'a.pb'):
            pass
    error = error_of(use)
    assert error.startswith('a.pb: is no graph that TensorFlow can run (') and message in error


def test_a_graph_that_answers_more_or_fewer_images_is_named(config):
    with tf.Graph().as_default() as graph:
        rows = tf.reshape(tf.placeholder(tf.float32, [None, 784], 'input_image'), [-1, 392])
        tf.identity(rows, 'logits')
        tf.identity(rows, 'probabilities')
        tf.argmax(rows, axis=1, name='class')

    def use():
        with frozen.open_network(graph.as_graph_def(), config, 'a.pb') as network:
            network.answer(np.zeros([7, 784], np.float32), 5)
    assert '(5 images gave answers of the shapes [(10, 392), (10, 392), (10,)])' in error_of(use)


def test_a_graph_that_fails_when_it_runs_is_named(config):
    def use():
        with frozen.open_network(placeholders(), config, 'a.pb') as network:
            network.run(np.zeros([1, 784], np.float32))
    assert 'a.pb: is no graph that TensorFlow can run (You must feed a value' in error_of(use)


@pytest.mark.parametrize('content, message', [
    (b'', 'is no frozen graph of this program, it has no node class, input_image, logits, probabilities'),
    (b'garbage', 'is no frozen graph, or a damaged one'), (b'\x0c', 'is no frozen graph, or a damaged one'),
    (None, 'cannot be read (No such file or directory)')])
def test_files_that_are_no_frozen_graph_are_named(tmp_path, content, message):
    path = tmp_path / 'a.pb'
    if content is not None:
        path.write_bytes(content)
    error = error_of(opening.read_file, str(path))
    assert error.startswith('%s: %s' % (path, message)) and error.endswith('python -m lenet.freeze writes one')


def test_a_truncated_graph_is_named(tmp_path):
    whole = frozen.build(checkpoints.weights(), model.Form()).SerializeToString()
    (tmp_path / 'a.pb').write_bytes(whole[:200000])
    assert 'a.pb: is no frozen graph, or a damaged one' in error_of(opening.read_file, str(tmp_path / 'a.pb'))


# Files and graphs that are not what lenet.freeze writes, and the time that a call takes.


def opened(path):
    with frozen.open_network(opening.read_file(path).parsed, tf.ConfigProto(), path) as network:
        return network.batch, network.num_classes


def test_each_call_is_timed(tmp_path):
    path = graphs.write(tmp_path / 'x.pb')
    with frozen.open_network(opening.read_file(path).parsed, tf.ConfigProto(), path) as network:
        network.answer(inputs.flatten(trainings.random_split(37).images), 13)
        assert len(network.seconds) == 3 and min(network.seconds) > 0


def other_graph(**nodes):
    """A GraphDef of the right names; `nodes` replaces some."""
    with tf.Graph().as_default() as graph:
        made = dict({INPUT: lambda name: tf.placeholder(tf.float32, [None, 784], name),
                     LOGITS: lambda name: tf.placeholder(tf.float32, [None, 10], name),
                     PROBABILITIES: lambda name: tf.placeholder(tf.float32, [None, 10], name),
                     CLASS: lambda name: tf.placeholder(tf.int64, [None], name)}, **nodes)
        for name, make in made.items():
            make(name)
        return graph.as_graph_def()


def node(dtype, shape):
    return lambda name: tf.placeholder(dtype, shape, name)


@pytest.mark.parametrize('nodes', [
    {'input_image': node(tf.float32, [None, 28, 28, 1])}, {'input_image': node(tf.uint8, [None, 784])},
    {'input_image': node(tf.float32, None)}, {'logits': node(tf.float32, [None, None])},
    {'logits': node(tf.float32, [10])}, {'logits': node(tf.float32, None)}, {'logits': node(tf.float64, [None, 10])},
    {'class': node(tf.int32, [None])},
    {'class': node(tf.int64, [None, 10])}, {'class': lambda name: tf.no_op(name)}])
def test_a_graph_of_the_right_names_but_another_network_is_refused(tmp_path, nodes):
    path = str(tmp_path / 'x.pb')
    (tmp_path / 'x.pb').write_bytes(other_graph(**nodes).SerializeToString())
    message = error_of(opened, path)
    assert message.startswith('%s: is no graph that TensorFlow can run (' % path)
    assert message.endswith('freeze again')


def test_a_graph_of_the_right_nodes_passes():
    with frozen.open_network(other_graph(), tf.ConfigProto(), 'x') as network:
        assert network.num_classes == 10


def test_an_operation_that_this_tensorflow_lacks_is_told(tmp_path):
    graph_def = other_graph()
    graph_def.node.add(name='novel', op='NovelOp')
    (tmp_path / 'x.pb').write_bytes(graph_def.SerializeToString())
    assert 'NovelOp' in error_of(opened, str(tmp_path / 'x.pb'))


@pytest.mark.parametrize('content, words', [
    (lambda good: b'', 'has no node'), (lambda good: b'no protobuf at all\n', 'is no frozen graph'),
    (lambda good: np.random.RandomState(1).bytes(5000), 'is no frozen graph'),
    (lambda good: tf.Graph().as_graph_def().SerializeToString(), 'has no node')])
def test_a_file_that_is_no_frozen_graph_is_named(tmp_path, content, words):
    path = tmp_path / 'x.pb'
    graphs.write(path)
    os.unlink(str(tmp_path / 'x.json'))
    path.write_bytes(content(path.read_bytes()))
    message = error_of(opened, str(path))
    assert message.startswith(str(path)) and words in message


def test_a_damaged_name_is_refused_without_protobufs_own_line(tmp_path, capfd):
    path = tmp_path / 'x.pb'
    graphs.write(path)
    os.unlink(str(tmp_path / 'x.json'))
    path.write_bytes(path.read_bytes().replace(b'MatMul', b'Mat\xfful'))
    assert 'is no frozen graph, or a damaged one' in error_of(opening.read_file, str(path))
    assert capfd.readouterr().err == ''


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    path = tmp_path / 'x.pb'
    graphs.write(path)
    os.unlink(str(tmp_path / 'x.json'))
    whole = path.read_bytes()
    for length in list(range(0, len(whole), 9973)) + list(range(len(whole) - 150, len(whole), 7)):
        path.write_bytes(whole[:length])
        assert error_of(opened, str(path)).startswith(str(path)), length


def test_what_is_no_file_is_told(tmp_path):
    assert 'No such file' in error_of(opening.read_file, str(tmp_path / 'x.pb'))
    assert 'Is a directory' in error_of(opening.read_file, str(tmp_path))
    os.mkfifo(str(tmp_path / 'pipe'))
    assert 'no regular file' in error_of(opening.read_file, str(tmp_path / 'pipe'))
