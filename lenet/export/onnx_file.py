"""ONNX files, for ONNX Runtime and other vendors' compilers: nodes as of the frozen graph, opset 13, B open or fixed.

onnx, onnxruntime and tf2onnx (requirements-export.txt) are needed here alone and imported when a file is written or
read.
"""

import contextlib
import importlib
import io
from typing import Any, Dict, Iterator

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.errors import UserError, first_line
from lenet.export import protobuf
from lenet.export import trial
from lenet.export.network import CLASS, INPUT, LOGITS, PROBABILITIES, Answers, Network, complete, converting_errors
from lenet.support import machine
from lenet.support import quiet
from lenet.support import stack

OPSET = 13
WRITING, READING = ('tf2onnx', 'onnx', 'onnxruntime'), ('onnx', 'onnxruntime')  # packages
_RUNTIME = 'ONNX Runtime'
# What lenet.freeze writes, and what else other ways to convert such a network leave; none of it opens files or loops.
OPERATORS = frozenset(['Add', 'ArgMax', 'AveragePool', 'BatchNormalization', 'Cast', 'Concat', 'Constant', 'Conv',
                       'DequantizeLinear', 'Div', 'Flatten', 'Gemm', 'GlobalAveragePool', 'Identity', 'LeakyRelu',
                       'LogSoftmax', 'MatMul', 'MaxPool', 'Mul', 'Pad', 'QuantizeLinear', 'ReduceMean', 'Relu',
                       'Reshape', 'Shape', 'Sigmoid', 'Softmax', 'Squeeze', 'Sub', 'Tanh', 'Transpose', 'Unsqueeze'])
_DTYPES = {'tensor(float)': 'float32', 'tensor(int64)': 'int64'}


def require_packages(purpose: str, *names: str) -> None:
    """Raises UserError where one of `names` cannot be imported."""
    for name in names:
        try:
            with quiet.without_stderr_lines(stack.NOISE):
                importlib.import_module(name)
        except ImportError as error:
            raise UserError('%s needs %s (%s): pip install -r requirements-export.txt' %
                            (purpose, ', '.join(names), first_line(error)))


def convert(graph_def: tf.GraphDef) -> bytes:
    """
    Args:
      graph_def: of frozen.build.

    Raises:
      UserError: tf2onnx cannot convert it, or the checker finds fault with what it made.
    """
    require_packages('writing ONNX', *WRITING)
    import onnx
    import tf2onnx
    outputs = [name + ':0' for name in (LOGITS, PROBABILITIES, CLASS)]
    try:
        with quiet.without_stderr_lines(stack.NOISE):
            converted, _ = tf2onnx.convert.from_graph_def(
                graph_def, input_names=[INPUT + ':0'], output_names=outputs, opset=OPSET,
                tensors_to_rename={name: name[:-2] for name in [INPUT + ':0'] + outputs})
        for value in list(converted.graph.input) + list(converted.graph.output):
            batch = value.type.tensor_type.shape.dim[0]
            if not batch.dim_value:
                batch.dim_param = 'batch'  # instead of a number that depends on what was converted before
        onnx.checker.check_model(converted, full_check=True)
    except Exception as error:  # of the converter's many parts
        raise UserError('tf2onnx cannot convert this network to ONNX (%s); install what requirements-export.txt says' %
                        first_line(error))
    return converted.SerializeToString(deterministic=True)


def recognizes(content: bytes) -> bool:
    """Whether a file may be of this format: it begins with a version, a number, where a frozen graph has nodes."""
    return content[:1] == b'\x08'


def parse(content: bytes, path: str) -> bytes:
    """Looks at the graph.

    Raises:
      UserError: it has other operators than a network like this one needs, parts outside of the file, or is damaged; or
        a package is missing.
    """
    require_packages('%s: reading ONNX' % path, *READING)
    import onnx
    try:
        with protobuf.parsing():
            graph = onnx.load_model_from_string(content)
            onnx.checker.check_model(graph)
    except Exception as error:  # protobuf's and the checker's own, and of text that is none
        raise UserError('%s: is no ONNX file, or a damaged one (%s); python -m lenet.freeze writes one' %
                        (path, first_line(error)))
    problem = _problem(graph)
    if problem:
        raise UserError('%s: refused, %s; take a file that python -m lenet.freeze wrote' % (path, problem))
    return content


def _problem(model: Any) -> str:
    strange = sorted({repr(node.op_type) for node in model.graph.node if node.op_type not in OPERATORS or node.domain})
    if strange:
        return ('it has the operator(s) %s, which a network like this one does not need, and which might do anything; '
                'allowed are %s' % (', '.join(strange[:10]), ' '.join(sorted(OPERATORS))))
    if model.functions:
        return 'it has functions, and might hide other operators there'
    attributes = [attribute for node in model.graph.node for attribute in node.attribute]
    if model.graph.sparse_initializer or any(attribute.HasField('sparse_tensor') for attribute in attributes):
        return 'it has sparse tensors'
    constants = [attribute.t for attribute in attributes if attribute.HasField('t')]
    if any(tensor.external_data for tensor in list(model.graph.initializer) + constants):
        return 'it has parts in other files'
    return ''


@contextlib.contextmanager
def open_network(content: bytes, config: Any, name: str) -> Iterator[Network]:
    """Opens ONNX Runtime on a file's content, on the CPU.

    Args:
      config: of a session of TensorFlow; nothing of it counts here.
      name: what errors call the file.

    Raises:
      UserError: ONNX Runtime cannot run it, or it has other inputs and outputs than this program gives it.
    """
    with converting_errors(name, _RUNTIME, Exception):  # its errors have no common ancestor
        trial.require_success(lambda: _Session(content, name).try_one())
        network = _Session(content, name)
    yield network


class _Session(Network):
    """A file in ONNX Runtime."""

    runtime = _RUNTIME

    def __init__(self, content: bytes, name: str) -> None:
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # its errors are raised as well
        options.intra_op_num_threads = machine.usable_cores()
        with contextlib.redirect_stdout(io.StringIO()):  # it prints before it tries again
            self._session = onnxruntime.InferenceSession(content, options, providers=['CPUExecutionProvider'])
        super().__init__(name)

    def nodes(self) -> Dict[str, Dict[str, Any]]:
        return {node.name: {'dtype': _DTYPES.get(node.type, node.type),
                            'shape': [size if isinstance(size, int) else None for size in node.shape]}
                for node in self._session.get_inputs() + self._session.get_outputs()}

    def compute(self, images: np.ndarray) -> Answers:
        names = [node.name for node in self._session.get_outputs()]
        outputs = dict(zip(names, self._session.run(names, {INPUT: images})))
        return complete(outputs.pop(LOGITS), outputs)
