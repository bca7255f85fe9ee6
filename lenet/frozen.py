"""The frozen graph: the network with its weights as constants, as a GraphDef, in memory or in a .pb file.

Nodes: `input_image` float32 [B, 784] in [0, 1], a placeholder; `logits` and `probabilities` float32 [B, C]; `class`
int64 [B]. Letters: n images, B batch (any, unless it was fixed), C classes.
"""

import contextlib
import warnings
from typing import Any, Dict, Iterator, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf import message

from lenet import model
from lenet.errors import UserError

INPUT, LOGITS, PROBABILITIES, CLASS = 'input_image', 'logits', 'probabilities', 'class'
PIXELS = 28 * 28


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
    try:
        with open(path, 'rb') as stream, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            graph_def.ParseFromString(stream.read())
        if caught:  # that not all of the file could be taken in
            raise message.DecodeError(caught[0].message)
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

    def run(self, images: np.ndarray) -> Answers:
        """One session.run.

        Args:
          images: float32 [B, 784] in [0, 1]; B is `batch` where that is fixed.
        """
        return Answers(*self._session.run(self._outputs, {self._input: images}))

    def answer(self, images: np.ndarray, batch_size: int) -> Answers:
        """All images, in batches of `batch` or, where that is free, of `batch_size`; the last one is padded with
        zeros, which are cut off again.

        Args:
          images: float32 [n, 784] in [0, 1], n >= 1.
        """
        size = self.batch or batch_size
        parts = []
        for start in range(0, len(images), size):
            part = images[start:start + size]
            answers = self.run(padded(part, size))
            parts.append(Answers(*(array[:len(part)] for array in answers)))
        return Answers(*(np.concatenate(arrays) for arrays in zip(*parts)))


def padded(images: np.ndarray, size: int) -> np.ndarray:
    """`images` filled up with zeros to `size` of them."""
    return np.concatenate([images, np.zeros((size - len(images),) + images.shape[1:], images.dtype)])


def flatten(images: np.ndarray) -> np.ndarray:
    """uint8 [n, 28, 28, 1] -> float32 [n, 784] in [0, 1], as the graph's input takes them."""
    return images.reshape(len(images), PIXELS).astype(np.float32) * np.float32(1 / 255)


@contextlib.contextmanager
def opened(graph_def: tf.GraphDef, config: Any, source: str) -> Iterator[Network]:
    """Opens a session on a frozen graph.

    Args:
      config: a ConfigProto.
      source: what errors call the graph: its file.

    Raises:
      UserError: TensorFlow cannot import the graph, or its input is not this program's.
    """
    with tf.Graph().as_default() as graph:
        try:
            tf.import_graph_def(graph_def, name='')
            shape = graph.get_tensor_by_name(INPUT + ':0').shape
        except (ValueError, KeyError, tf.errors.OpError) as error:
            raise UserError('%s: is no graph that TensorFlow can run (%s); freeze again' %
                            (source, str(error).splitlines()[0]))
        if shape.ndims != 2 or shape[1].value != PIXELS:
            raise UserError('%s: %s has shape %s, not [B, %d]; freeze again' % (source, INPUT, shape, PIXELS))
        with tf.Session(config=config) as session:
            yield Network(session, graph)
