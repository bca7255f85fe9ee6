"""The frozen graph: the network with its weights as constants, as a GraphDef, in memory or in a .pb file.

Nodes: `input_image` float32 [B, 784] in [0, 1], a placeholder; `logits` and `probabilities` float32 [B, C]; `class`
int64 [B]. Letters: n images, B batch (any, unless it was fixed), C classes.
"""

import contextlib
import os
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf import message

from lenet import model
from lenet import progress
from lenet import quiet
from lenet.errors import UserError
from lenet.inputs import PIXELS, flatten, padded

__all__ = ['INPUT', 'LOGITS', 'PROBABILITIES', 'CLASS', 'Answers', 'Network', 'build', 'flatten', 'opened', 'read']

INPUT, LOGITS, PROBABILITIES, CLASS = 'input_image', 'logits', 'probabilities', 'class'


class Answers(NamedTuple):
    """What the network says of n images."""

    logits: np.ndarray  # float32 [n, C]
    probabilities: np.ndarray  # float32 [n, C]
    classes: np.ndarray  # int64 [n]


def build(weights: Dict[str, np.ndarray], form: model.Form, batch: Optional[int] = None) -> tf.GraphDef:
    """The network as a graph of constants.

    Args:
      weights: float32, by the names of model.variable_shapes.
      batch: B where it is fixed, None for any.
    """
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [batch, PIXELS], INPUT)
        constants = {name: tf.constant(value, tf.float32, name=name) for name, value in weights.items()}
        logits = model.logits(tf.reshape(images, [-1 if batch is None else batch, 28, 28, 1]), constants, form)
        tf.identity(logits, LOGITS)
        tf.nn.softmax(logits, name=PROBABILITIES)
        tf.argmax(logits, axis=1, name=CLASS)
        return graph.as_graph_def()


def read(path: str) -> tf.GraphDef:
    """Reads a .pb file.

    Raises:
      UserError: it cannot be read, or is no frozen graph with the nodes above.
    """
    graph_def = tf.GraphDef()
    path = os.path.expanduser(path)
    if os.path.exists(path) and not os.path.isfile(path):  # and opening a pipe would wait for its other end
        raise UserError('%s: is %s, not a .pb file; python -m lenet.freeze writes one' %
                        (path, 'a directory' if os.path.isdir(path) else 'no regular file'))
    try:
        with open(path, 'rb') as stream, quiet.without_stderr_lines('libprotobuf'):
            graph_def.ParseFromString(stream.read())
    except OSError as error:
        raise UserError('%s: cannot be read (%s); python -m lenet.freeze writes one' % (path, error.strerror))
    except message.DecodeError:
        raise UserError('%s: is no frozen graph, or a damaged one; python -m lenet.freeze writes one' % path)
    missing = {INPUT, LOGITS, PROBABILITIES, CLASS} - {node.name for node in graph_def.node}
    if missing:
        raise UserError('%s: is no frozen graph of this program, it has no node %s; python -m lenet.freeze writes one' %
                        (path, ', '.join(sorted(missing))))
    return graph_def


class Network:
    """A frozen graph in a session."""

    def __init__(self, session: tf.Session, graph: tf.Graph) -> None:
        self._session = session
        self._input = graph.get_tensor_by_name(INPUT + ':0')
        self._outputs = [graph.get_tensor_by_name(name + ':0') for name in (LOGITS, PROBABILITIES, CLASS)]
        self.batch: Optional[int] = self._input.shape[0].value  # None: any
        self.num_classes: int = self._outputs[0].shape[1].value
        self.seconds: List[float] = []  # of each session.run so far

    def run(self, images: np.ndarray) -> Answers:
        """One session.run.

        Args:
          images: float32 [B, 784] in [0, 1]; B is `batch` where that is fixed.
        """
        began = time.perf_counter()
        arrays = self._session.run(self._outputs, {self._input: images})
        self.seconds.append(time.perf_counter() - began)
        return Answers(*arrays)

    def answer(self, images: np.ndarray, batch_size: int) -> Answers:
        """All images, in batches of `batch` or, where that is free, of `batch_size`; the last one is padded with
        zeros, which are cut off again.

        Args:
          images: float32 [n, 784] in [0, 1], n >= 1.
        """
        size = self.batch or batch_size
        parts = []
        with progress.bar(len(images), 'inference', 'image') as advance:
            for start in range(0, len(images), size):
                part = images[start:start + size]
                answers = self.run(padded(part, size))
                parts.append(Answers(*(array[:len(part)] for array in answers)))
                advance(len(part))
        return Answers(*(np.concatenate(arrays) for arrays in zip(*parts)))


@contextlib.contextmanager
def opened(graph_def: tf.GraphDef, config: Any, source: str) -> Iterator[Network]:
    """Opens a session on a frozen graph.

    Args:
      config: a ConfigProto.
      source: what errors call the graph: its file.

    Raises:
      UserError: TensorFlow cannot import the graph or, within the block, not run it, or it is not this program's.
    """
    with tf.Graph().as_default() as graph:
        _import(graph_def, graph, source)
        try:
            with tf.Session(config=config) as session:
                yield Network(session, graph)
        except tf.errors.OpError as error:
            raise UserError('%s: TensorFlow cannot run it (%s)' % (source, error.message.strip().splitlines()[0]))


def _import(graph_def: tf.GraphDef, graph: tf.Graph, source: str) -> None:
    try:
        tf.import_graph_def(graph_def, name='')
        found = {name: graph.get_tensor_by_name(name + ':0') for name in (INPUT, LOGITS, PROBABILITIES, CLASS)}
    except (ValueError, KeyError, tf.errors.OpError) as error:
        raise UserError('%s: is no graph that TensorFlow can run (%s); freeze again' %
                        (source, str(error).splitlines()[0]))
    shapes = {name: tensor.shape.as_list() if tensor.shape.ndims else [] for name, tensor in found.items()}
    batch, classes = shapes[INPUT][:1], shapes[LOGITS][1:]
    wanted = {INPUT: (tf.float32, batch + [PIXELS]), LOGITS: (tf.float32, batch + classes),
              PROBABILITIES: (tf.float32, batch + classes), CLASS: (tf.int64, batch)}
    types = {name: (tensor.dtype, shapes[name]) for name, tensor in found.items()}
    if len(batch + classes) != 2 or None in classes or types != wanted:
        raise UserError('%s: is no frozen graph of this program, its nodes are %s; freeze again' % (source, ', '.join(
            '%s %s %s' % (name, tensor.dtype.name, tensor.shape) for name, tensor in found.items())))
