"""What a frozen graph of somebody else's may consist of, looked at before TensorFlow imports it.

TensorFlow runs what a graph says with the rights of whoever runs it: operators read and write files, open connections,
loop without end. Here only arithmetic passes that a network like this one is made of, of sizes that a computer holds.
"""

from typing import Any, Dict

import tensorflow.compat.v1 as tf

from lenet.errors import UserError

# What lenet.freeze writes, under both TensorFlows and with either form of the convolutions.
_OWN = {'ArgMax', 'BiasAdd', 'Cast', 'Const', 'Conv2D', 'Identity', 'MatMul', 'Max', 'MaxPool', 'Pad', 'Placeholder',
        'Relu', 'Reshape', 'Sigmoid', 'Softmax', 'Tanh', 'Tile', 'Transpose'}
# What else other ways to write and to freeze such a network leave; all of it computes, and nothing else.
_OTHERS = {'Add', 'AddV2', 'AvgPool', 'Elu', 'Equal', 'ExpandDims', 'LeakyRelu', 'LogSoftmax', 'Maximum', 'Mean',
           'Minimum', 'Mul', 'NoOp', 'RealDiv', 'Relu6', 'Squeeze', 'StopGradient', 'Sub'}
ALLOWED = frozenset(_OWN | _OTHERS)

# The second input of these gives sizes or axes. Where it is a constant, TensorFlow knows all shapes before it runs.
_SHAPED = {'ArgMax', 'ExpandDims', 'Max', 'Mean', 'Pad', 'Reshape', 'Tile', 'Transpose'}
_RESIZING = {'Reshape', 'Tile'}  # by that input
_NUMBERS = {tf.float32, tf.float16, tf.bfloat16, tf.float64, tf.bool, tf.uint8, tf.int8, tf.int16, tf.int32, tf.int64}
_FIXED, _PER_IMAGE = 2 ** 26, 2 ** 19  # elements of all tensors; ten times those of a network with 65536 classes
_FREE_BATCH = 500  # images that stand for a batch of any size
_MOST_IMAGES = 60000  # of a fixed batch
_ADVICE = 'take a graph that python -m lenet.freeze wrote'


def check(graph_def: tf.GraphDef, name: str) -> None:
    """Looks at a graph without importing it, and takes the devices out that its nodes name: there are no others here.

    Args:
      name: what errors call it: its file.

    Raises:
      UserError: it holds an operator that is not in ALLOWED, functions, other data than numbers, a constant of an
        absurd size or none, or shapes that are computed.
    """
    strange = sorted({repr(node.op) for node in graph_def.node} - {repr(op) for op in ALLOWED})
    if strange:
        raise UserError('%s: refused, its graph has the operator(s) %s, which a network like this one does not need, '
                        'and which might do anything; allowed are %s; %s' %
                        (name, ', '.join(strange[:10]), ' '.join(sorted(ALLOWED)), _ADVICE))
    if graph_def.library.function or graph_def.library.gradient:
        raise UserError('%s: refused, its graph has functions, and might hide other operators there; %s' %
                        (name, _ADVICE))
    constants = {node.name: node.attr['value'].tensor for node in graph_def.node if node.op == 'Const'}
    for node in graph_def.node:
        node.device = ''
        problem = _problem(node, constants)
        if problem:
            raise UserError('%s: refused, its node %r %s; %s' % (name, node.name, problem, _ADVICE))


def _problem(node: tf.NodeDef, constants: Dict[str, Any]) -> str:
    types = {kind for value in node.attr.values() for kind in [value.type, *value.list.type] if kind}
    strange = sorted(types - {kind.as_datatype_enum for kind in _NUMBERS})
    if strange:
        return 'holds data of type %s, not numbers' % strange[0]
    if any(value.WhichOneof('value') == 'func' or value.list.func for value in node.attr.values()):
        return 'calls a function'
    if node.op == 'Const' and _count(dim.size for dim in node.attr['value'].tensor.tensor_shape.dim) > _FIXED:
        return 'is a constant of more than %d numbers' % _FIXED
    if node.op in _SHAPED and node.input[1:2] and node.input[1].split(':')[0] not in constants:
        return 'computes a shape'
    return 'is empty' if _is_empty(node, constants) else ''


def _is_empty(node: tf.NodeDef, constants: Dict[str, Any]) -> bool:
    """Whether a node has, or gives its input, no elements: TensorFlow 1.15 divides by the depth of a filter, and ends
    the process where that is 0."""
    dims = [dim for value in node.attr.values() for dim in [*value.shape.dim, *value.tensor.tensor_shape.dim]]
    if any(dim.size == 0 for dim in dims):
        return True
    if node.op not in _RESIZING or not node.input[1:2]:
        return False
    sizes = constants[node.input[1].split(':')[0]]
    try:
        return _count(dim.size for dim in sizes.tensor_shape.dim) < 100 and not tf.make_ndarray(sizes).all()
    except (ValueError, TypeError):  # damaged; importing it says so
        return False


def _count(sizes) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


def check_sizes(graph_def: tf.GraphDef, placeholder: str, name: str) -> None:
    """Lets TensorFlow find the shapes of a graph that `check` has passed, which computes nothing.

    Args:
      placeholder: the node of the images.
      name: what errors call the graph: its file.

    Raises:
      UserError: its tensors are far larger than those of any network like this one.
      ValueError, KeyError, TypeError, tf.errors.OpError: TensorFlow cannot import it.
    """
    trial = tf.GraphDef()
    trial.CopyFrom(graph_def)
    batch = next((_fix_batch(node) for node in trial.node if node.name == placeholder), _FREE_BATCH)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(trial, name='')
    shapes = [tensor.shape for operation in graph.get_operations() for tensor in operation.outputs]
    elements = sum(_count(batch if size is None else size for size in shape.as_list())
                   for shape in shapes if shape.ndims is not None)
    limit = _FIXED + _PER_IMAGE * min(batch, _MOST_IMAGES)
    if elements > limit:
        raise UserError('%s: refused, %d images would take %d numbers in memory, more than the %d that a network like '
                        'this one could need; %s' % (name, batch, elements, limit, _ADVICE))


def _fix_batch(node: tf.NodeDef) -> int:
    """Gives a placeholder a number of images, where that is free, and returns it."""
    sizes = node.attr['shape'].shape.dim
    if not sizes or sizes[0].size < 0:
        for first in sizes[:1]:
            first.size = _FREE_BATCH
        return _FREE_BATCH
    return sizes[0].size
