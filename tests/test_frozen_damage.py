"""Files and graphs that are not what lenet.freeze writes, and the time that a call takes."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import frozen
from lenet import inputs
from tests import graphs
from tests import support
from tests.data_files import error_of


def opened(path):
    with frozen.opened(frozen.read(path), tf.ConfigProto(), path) as network:
        return network.batch, network.num_classes


def test_each_call_is_timed(tmp_path):
    path = graphs.write(tmp_path / 'x.pb')
    with frozen.opened(frozen.read(path), tf.ConfigProto(), path) as network:
        network.answer(inputs.flatten(support.random_split(37).images), 13)
        assert len(network.seconds) == 3 and min(network.seconds) > 0


def other_graph(**nodes):
    """A GraphDef of the right names; `nodes` replaces some."""
    with tf.Graph().as_default() as graph:
        made = dict({frozen.INPUT: lambda name: tf.placeholder(tf.float32, [None, 784], name),
                     frozen.LOGITS: lambda name: tf.placeholder(tf.float32, [None, 10], name),
                     frozen.PROBABILITIES: lambda name: tf.placeholder(tf.float32, [None, 10], name),
                     frozen.CLASS: lambda name: tf.placeholder(tf.int64, [None], name)}, **nodes)
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
    with frozen.opened(other_graph(), tf.ConfigProto(), 'x') as network:
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
    path.write_bytes(content(path.read_bytes()))
    message = error_of(opened, str(path))
    assert message.startswith(str(path)) and words in message


def test_a_damaged_name_is_refused_without_protobufs_own_line(tmp_path, capfd):
    path = tmp_path / 'x.pb'
    graphs.write(path)
    path.write_bytes(path.read_bytes().replace(b'MatMul', b'Mat\xfful'))
    assert 'is no frozen graph, or a damaged one' in error_of(frozen.read, str(path))
    assert capfd.readouterr().err == ''


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    path = tmp_path / 'x.pb'
    graphs.write(path)
    whole = path.read_bytes()
    for length in list(range(0, len(whole), 9973)) + list(range(len(whole) - 150, len(whole), 7)):
        path.write_bytes(whole[:length])
        assert error_of(opened, str(path)).startswith(str(path)), length


def test_what_is_no_file_is_told(tmp_path):
    assert 'No such file' in error_of(frozen.read, str(tmp_path / 'x.pb'))
    assert 'is a directory' in error_of(frozen.read, str(tmp_path))
    os.mkfifo(str(tmp_path / 'pipe'))
    assert 'no regular file' in error_of(frozen.read, str(tmp_path / 'pipe'))
