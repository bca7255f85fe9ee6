"""Graphs that would do something else than answer, or take more memory than there is."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.export import frozen
from lenet.export import opening
from lenet.export import operators
from lenet.graph import model
from tests import graphs
from tests.data_files import error_of


def extended(tmp_path, build):
    """Writes a right graph, before whose logits something is done that `build` adds; returns the path."""
    graph_def = frozen.build(graphs.weights(), model.Form('tanh'))
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
        before = set(graph.get_operations())
        build(graph.get_tensor_by_name('input_image:0'))
        added = [operation for operation in graph.get_operations() if operation not in before]
        graph_def = graph.as_graph_def()
    node, = [node for node in graph_def.node if node.name == 'logits']
    node.input.append('^' + added[-1].name)
    return write(tmp_path, graph_def)


def write(tmp_path, graph_def):
    (tmp_path / 'x.pb').write_bytes(graph_def.SerializeToString())
    return str(tmp_path / 'x.pb')


def run(path):
    with frozen.open_network(opening.read_file(path).parsed, tf.ConfigProto(), path) as network:
        return network.answer(np.zeros([2, 784], np.float32), 2)


@pytest.mark.parametrize('name, build', [
    ('WriteFile', lambda images: tf.io.write_file('written', 'x')),
    ('ReadFile', lambda images: tf.io.read_file('/etc/passwd')),
    ('PyFunc', lambda images: tf.py_func(lambda: 0, [], tf.int64)),
    ('RandomUniform', lambda images: tf.random.uniform([2])),
    ('PrintV2', lambda images: tf.print('x')),
    ('VariableV2', lambda images: tf.Variable([1.0], use_resource=False)),
    ('Enter', lambda images: tf.while_loop(lambda x: x >= 0, lambda x: x * 1, [tf.constant(1)])),
    ('Fill', lambda images: tf.raw_ops.Fill(dims=tf.constant([2 ** 20, 2 ** 20]), value=1.0)),
])
def test_an_operator_that_no_such_network_needs_is_refused(tmp_path, monkeypatch, name, build):
    monkeypatch.chdir(tmp_path)
    with tf.Graph().as_default():
        tf.disable_control_flow_v2()
        message = error_of(run, extended(tmp_path, build))
    assert message.startswith(str(tmp_path / 'x.pb') + ': refused, its graph has the operator(s) ')
    assert repr(name) in message and 'allowed are ' + ' '.join(sorted(operators.ALLOWED)) in message
    assert '\n' not in message and not (tmp_path / 'written').exists()


def outer(images):
    column = tf.reshape(images, [-1, 1])
    tf.reshape(tf.matmul(tf.reshape(tf.matmul(column, column, transpose_b=True), [-1, 1]), tf.ones([1, 1])), [-1])


def convolve(images):
    tf.nn.conv2d(tf.pad(tf.reshape(images, [-1, 28, 28, 1]), [[0, 0], [2 ** 15] * 2, [2 ** 15] * 2, [0, 0]]),
                 tf.constant(1.0, shape=[1, 1, 1, 1]), [1, 1, 1, 1], 'SAME')


def many(images):
    for _ in range(100):
        tf.tile(tf.constant([1.0]), [2 ** 23])
    tf.identity(images)


@pytest.mark.parametrize('build, words', [
    (lambda images: tf.constant('text'), 'holds data of type 7, not numbers'),
    (lambda images: tf.placeholder(tf.resource), 'holds data of type 20, not numbers'),
    (lambda images: tf.tile(tf.constant([1.0]), tf.cast(images[0, :1], tf.int32)), 'StridedSlice'),
    (lambda images: tf.reshape(images, tf.cast(tf.constant([-1.0]), tf.int32)), 'computes a shape'),
    (lambda images: tf.zeros([5, 5, 1, 0]), 'is empty'),
    (lambda images: tf.placeholder(tf.float32, [0, 3]), 'is empty'),
    (lambda images: tf.tile(tf.constant([[1.0]]), [1, 0]), 'is empty'),
    (lambda images: tf.reshape(images, [0, -1]), 'is empty'),
    (lambda images: tf.tile(tf.constant([[1.0]]), [2 ** 20, 2 ** 20]), 'numbers in memory'),
    (lambda images: tf.tile(images, [1, 10 ** 6]), 'numbers in memory'),
    (outer, 'numbers in memory'), (convolve, 'numbers in memory'), (many, 'numbers in memory')],
    ids=['string', 'resource', 'slice', 'computed', 'no filter', 'no images', 'no times', 'no shape', 'terabytes',
         'images', 'outer', 'convolution', 'many'])
def test_what_would_hide_something_or_fill_the_memory_is_refused(tmp_path, build, words):
    message = error_of(run, extended(tmp_path, build))
    assert message.startswith(str(tmp_path / 'x.pb') + ': refused, ') and words in message and '\n' not in message


def test_a_constant_of_2_to_the_40_numbers_from_a_small_file_is_refused(tmp_path):
    graph_def = frozen.build(graphs.weights(), model.Form('tanh'))
    node = graph_def.node.add(name='huge', op='Const')
    node.attr['dtype'].type = tf.float32.as_datatype_enum
    value = node.attr['value'].tensor
    value.CopyFrom(tf.make_tensor_proto([1.0]))
    value.tensor_shape.dim[0].size = 2 ** 40
    assert "its node 'huge' is a constant of more than" in error_of(run, write(tmp_path, graph_def))


def test_functions_are_refused(tmp_path):
    graph_def = frozen.build(graphs.weights(), model.Form('tanh'))
    graph_def.library.function.add().signature.name = 'f'
    assert 'its graph has functions' in error_of(run, write(tmp_path, graph_def))
    graph_def = frozen.build(graphs.weights(), model.Form('tanh'))
    graph_def.node[0].attr['x'].func.name = 'f'
    assert 'calls a function' in error_of(run, write(tmp_path, graph_def))


def test_a_cycle_is_an_error(tmp_path):
    graph_def = frozen.build(graphs.weights(), model.Form('tanh'))
    for name, other in (('a', 'b'), ('b', 'a')):
        node = graph_def.node.add(name=name, op='Identity', input=[other])
        node.attr['T'].type = tf.float32.as_datatype_enum
    assert 'is no graph that TensorFlow can run' in error_of(run, write(tmp_path, graph_def))


def test_devices_of_another_machine_do_not_matter(tmp_path):
    graph_def = frozen.build(graphs.weights(), model.Form('tanh'))
    expected = run(write(tmp_path, graph_def))
    for node in graph_def.node:
        node.device = '/job:ps/task:3/device:GPU:7'
    np.testing.assert_array_equal(run(write(tmp_path, graph_def)).logits, expected.logits)


def reference(images):
    """As the reference freezes its network: weights behind Identity, xw_plus_b, the share of right answers."""
    labels = tf.placeholder(tf.float32, [None, 10], 'input_label')
    weights = tf.identity(tf.constant(0.0, shape=[784, 10]))
    logits = tf.nn.xw_plus_b(tf.sigmoid(images), weights, tf.constant(0.0, shape=[10]))
    right = tf.equal(tf.argmax(logits, 1), tf.argmax(labels, 1))
    tf.reduce_mean(tf.cast(right, tf.float32))


@pytest.mark.parametrize('batch', [None, 1, 60000])
@pytest.mark.parametrize('convolution', ['direct', 'folded'])
@pytest.mark.parametrize('num_classes', [2, 65536])
def test_what_freeze_writes_passes(tmp_path, batch, convolution, num_classes):
    path = graphs.write(tmp_path / 'x.pb', batch, num_classes, convolution)
    assert len(opening.read_file(path).parsed.node) > 20


def test_the_operators_of_the_references_graph_pass(tmp_path):
    path = extended(tmp_path, reference)
    assert {'Equal', 'Mean'} <= {node.op for node in opening.read_file(path).parsed.node}
