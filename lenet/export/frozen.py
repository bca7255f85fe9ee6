"""The frozen graph: the network with its weights as constants, as a GraphDef, in memory or in a .pb file.

Nodes: `input_image` float32 [B, 784] in [0, 1], a placeholder; `logits` and `probabilities` float32 [B, C]; `class`
int64 [B]. Letters: n images, B batch (any, unless it was fixed), C classes.
"""

import contextlib
from typing import Any, Dict, Iterator, Optional

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf import message

from lenet.errors import UserError
from lenet.export import operators
from lenet.export import protobuf
from lenet.export.inputs import PIXELS
from lenet.export.network import CLASS, INPUT, LOGITS, PROBABILITIES, Answers, Network, converting_errors
from lenet.graph import model
from lenet.support import stack

IMPORT_ERRORS = (ValueError, KeyError, TypeError, tf.errors.OpError)


def build(weights: Dict[str, np.ndarray], form: model.Form, batch: Optional[int] = None) -> tf.GraphDef:
    """The network as a graph of constants.

    Args:
      weights: float32, by the names of model.variable_shapes.
      batch: B where it is fixed, None for any.
    """
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [batch, PIXELS], INPUT)
        constants = {name: tf.constant(value, tf.float32, name=name) for name, value in weights.items()}
        form = form._replace(is_trained=False)
        shaped = tf.reshape(images, [-1 if batch is None else batch, 28, 28, 1])
        logits = model.forward(shaped, model.prepare_weights(constants, form), form)
        tf.identity(logits, LOGITS)
        tf.nn.softmax(logits, name=PROBABILITIES)
        tf.argmax(logits, axis=1, name=CLASS)
        graph_def = stack.portable_graph_def(graph)
    for node in graph_def.node:
        node.attr.pop('_gradient_op_type', None)  # of folded convolutions' own gradients: nothing is trained here
    return graph_def


def recognizes(content: bytes) -> bool:
    """Whether a file may be of this format: nothing marks one, so that `parse` has to tell."""
    return True


def parse(content: bytes, path: str) -> tf.GraphDef:
    """The graph of a .pb file, without importing it.

    Args:
      path: of the file, for errors.

    Raises:
      UserError: it is no frozen graph with the nodes above, or holds what operators.py refuses.
    """
    graph_def = tf.GraphDef()
    try:
        with protobuf.parsing():
            graph_def.ParseFromString(content)
    except message.DecodeError:
        raise UserError('%s: is no frozen graph, or a damaged one; python -m lenet.freeze writes one' % path)
    missing = {INPUT, LOGITS, PROBABILITIES, CLASS} - {node.name for node in graph_def.node}
    if missing:
        raise UserError('%s: is no frozen graph of this program, it has no node %s; python -m lenet.freeze writes one' %
                        (path, ', '.join(sorted(missing))))
    operators.check(graph_def, path)
    with converting_errors(path, 'TensorFlow', *IMPORT_ERRORS):
        operators.check_sizes(graph_def, INPUT, path)
    return graph_def


class GraphNetwork(Network):
    """A graph in a session."""

    errors = (tf.errors.OpError,)

    def __init__(self, session: tf.Session, graph: tf.Graph, name: str) -> None:
        """
        Raises:
          KeyError: the graph lacks one of the four nodes.
          ValueError: one of them has another dtype or shape than this program gives it.
        """
        self._session = session
        self._input = graph.get_tensor_by_name(INPUT + ':0')
        self._outputs = [graph.get_tensor_by_name(name + ':0') for name in (LOGITS, PROBABILITIES, CLASS)]
        super().__init__(name)

    def nodes(self) -> Dict[str, Dict[str, Any]]:
        return {tensor.op.name: {'dtype': tensor.dtype.name, 'shape': tensor.shape.as_list()}
                for tensor in [self._input] + self._outputs}

    def compute(self, images: np.ndarray) -> Answers:
        return Answers(*self._session.run(self._outputs, {self._input: images}))


@contextlib.contextmanager
def open_network(graph_def: tf.GraphDef, config: Any, name: str) -> Iterator[Network]:
    """Opens a session on a frozen graph.

    Args:
      config: a ConfigProto.
      name: what errors call the graph: its file.

    Raises:
      UserError: TensorFlow cannot import the graph, its nodes are not this program's, or (within the block) a
        session.run fails.
    """
    with tf.Graph().as_default() as graph, tf.Session(config=config) as session:
        with converting_errors(name, 'TensorFlow', *IMPORT_ERRORS):
            tf.import_graph_def(graph_def, name='')
            network = GraphNetwork(session, graph, name)
        yield network
