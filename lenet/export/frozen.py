"""The frozen graph: the network with its weights as constants, as a GraphDef, in memory or in a .pb file.

Nodes: `input_image` float32 [B, 784] in [0, 1], a placeholder; `logits` and `probabilities` float32 [B, C]; `class`
int64 [B]. Letters: n images, B batch (any, unless it was fixed), C classes.
"""

import contextlib
import time
import warnings
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf import message

from lenet.errors import UserError, first_line
from lenet.export import operators
from lenet.export.inputs import PIXELS, flatten, pad
from lenet.export import sidecar
from lenet.graph import model
from lenet.support import files
from lenet.support import quiet
from lenet.support import signals
from lenet.support import stack

__all__ = ['INPUT', 'LOGITS', 'PROBABILITIES', 'CLASS', 'Answers', 'Network', 'build', 'convert_errors', 'flatten',
           'open_network', 'read']

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


def read(path: str) -> tf.GraphDef:
    """Reads a .pb file, whose sidecar it must fit.

    Raises:
      UserError: it cannot be read, is not what its sidecar describes, is no frozen graph with the nodes above, or holds
        what operators.py refuses.
    """
    return read_described(path)[0]


def read_described(path: str) -> Tuple[tf.GraphDef, Dict[str, Any]]:
    """As `read`, with the contents of the sidecar, {} where there is none."""
    graph_def = parse(path)
    return graph_def, sidecar.read(path)


def parse(path: str) -> tf.GraphDef:
    """As `read`, but for a file that has no sidecar yet."""
    graph_def = tf.GraphDef()
    content = files.read(path, sidecar.LARGEST_GRAPH, 'python -m lenet.freeze writes one')
    try:
        with quiet.without_stderr_lines('libprotobuf'), \
                warnings.catch_warnings(record=True) as partly_read:
            warnings.simplefilter('always')
            graph_def.ParseFromString(content)
        if partly_read:  # protobuf only warns of data that end early
            raise message.DecodeError()
    except message.DecodeError:
        raise UserError('%s: is no frozen graph, or a damaged one; python -m lenet.freeze writes one' % path)
    missing = {INPUT, LOGITS, PROBABILITIES, CLASS} - {node.name for node in graph_def.node}
    if missing:
        raise UserError('%s: is no frozen graph of this program, it has no node %s; python -m lenet.freeze writes one' %
                        (path, ', '.join(sorted(missing))))
    operators.check(graph_def, path)
    with convert_errors(path, ValueError, KeyError, TypeError, tf.errors.OpError):
        operators.check_sizes(graph_def, INPUT, path)
    return graph_def


class Network:
    """A frozen graph in a session."""

    def __init__(self, session: tf.Session, graph: tf.Graph) -> None:
        """
        Raises:
          KeyError: the graph lacks one of the four nodes.
          ValueError: one of them has another dtype or shape than this program gives it.
        """
        self._session = session
        self._input = graph.get_tensor_by_name(INPUT + ':0')
        self._outputs = [graph.get_tensor_by_name(name + ':0') for name in (LOGITS, PROBABILITIES, CLASS)]
        _check_nodes(self._input, *self._outputs)
        self.batch: Optional[int] = self._input.shape.as_list()[0]  # None: any
        self.num_classes: int = self._outputs[0].shape.as_list()[1]
        self.seconds: List[float] = []  # of each session.run so far

    def nodes(self) -> Dict[str, Dict[str, Any]]:
        """Dtype and shape (null where it is free) of the four nodes by their names, ready for JSON."""
        return {tensor.op.name: {'dtype': tensor.dtype.name, 'shape': tensor.shape.as_list()}
                for tensor in [self._input] + self._outputs}

    def run(self, images: np.ndarray) -> Answers:
        """One session.run.

        Args:
          images: float32 [B, 784] in [0, 1]; B is `batch` where that is fixed.

        Raises:
          tf.errors.OpError: the graph fails, or does not give each image its answer.
        """
        began = time.perf_counter()
        answers = Answers(*self._session.run(self._outputs, {self._input: images}))
        self.seconds.append(time.perf_counter() - began)
        rows = [len(array) for array in answers]
        if rows != [len(images)] * 3:
            raise tf.errors.InvalidArgumentError(None, None, '%d images gave %s answers' % (len(images), rows))
        return answers

    def answer(self, images: np.ndarray, batch_size: int,
               advance: Callable[[int], Any] = lambda count: None) -> Answers:
        """All images, in batches of `batch` or, where that is free, of `batch_size`; the last one is padded with
        zeros, which are cut off again. Signals are heard meanwhile, also while TensorFlow computes.

        Args:
          images: float32 [n, 784] in [0, 1], n >= 1.
          advance: called after each batch with the number of its images.
        """
        return signals.interruptible(lambda: self._answer(images, batch_size, advance))

    def _answer(self, images: np.ndarray, batch_size: int, advance: Callable[[int], Any]) -> Answers:
        size = self.batch or batch_size
        parts = []
        for start in range(0, len(images), size):
            part = images[start:start + size]
            answers = self.run(pad(part, size))
            parts.append(Answers(*(array[:len(part)] for array in answers)))
            advance(len(part))
        return Answers(*(np.concatenate(arrays) for arrays in zip(*parts)))


def _check_nodes(images: tf.Tensor, logits: tf.Tensor, probabilities: tf.Tensor, classes: tf.Tensor) -> None:
    for tensor, dtype, rank in ((images, tf.float32, 2), (logits, tf.float32, 2), (probabilities, tf.float32, 2),
                                (classes, tf.int64, 1)):
        if tensor.dtype != dtype or tensor.shape.ndims != rank:
            raise ValueError('%s is %s %s' % (tensor.op.name, tensor.dtype.name, tensor.shape))
    if images.shape.as_list()[1] != PIXELS:
        raise ValueError('%s has shape %s, not [B, %d]' % (INPUT, images.shape, PIXELS))
    if logits.shape.as_list()[1] is None:
        raise ValueError('%s has shape %s, the number of classes is open' % (LOGITS, logits.shape))


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
        with convert_errors(name, ValueError, KeyError, TypeError, tf.errors.OpError):
            tf.import_graph_def(graph_def, name='')
            network = Network(session, graph)
        with convert_errors(name, tf.errors.OpError):
            yield network


@contextlib.contextmanager
def convert_errors(name: str, *errors: type) -> Iterator[None]:
    """Turns `errors` within the block into a UserError about the graph `name`."""
    try:
        yield
    except errors as error:
        raise UserError('%s: is no graph that TensorFlow can run (%s); freeze again' % (name, first_line(error)))
