"""TFLite files: the network for phones and, quantized, for microcontrollers.

Input `input_image` [B, 784], output `logits` [B, C]; where these are integers, the file has the scale and the zero
point that stand between them and floats. Files of floats also give `probabilities` [B, C] and `class` int64 [B]. B is
fixed.
"""

import contextlib
import os
import site
import sysconfig
import warnings
from typing import Any, Dict, Iterator, List

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.errors import UserError, first_line
from lenet.export import tflite_operators
from lenet.export import trial
from lenet.export.network import CLASS, INPUT, LOGITS, PROBABILITIES, Answers, Network, complete, converting_errors
from lenet.support import quiet
from lenet.support import stack

_RUNTIME = 'the TFLite interpreter'
_NOISE = stack.NOISE + '|XNNPACK|tf_tfl_flatbuffer_helpers|flatbuffer_export|^fully_quantize'


def convert(graph_def: tf.GraphDef, outputs: List[str], **options: Any) -> bytes:
    """
    Args:
      graph_def: of frozen.build, for a fixed batch.
      outputs: the nodes that the file is to give.
      options: attributes of TensorFlow's converter.

    Raises:
      UserError: this TensorFlow cannot convert it.
    """
    with quiet.without_stdout(), quiet.without_stderr_lines(_NOISE), _programs_on_path(), \
            tf.Graph().as_default() as graph, tf.Session(config=tf.ConfigProto(device_count={'GPU': 0})) as session:
        tf.import_graph_def(graph_def, name='')
        tensors = [[graph.get_tensor_by_name(name + ':0') for name in names] for names in ([INPUT], outputs)]
        try:
            converter = tf.lite.TFLiteConverter.from_session(session, *tensors)
            for name, value in options.items():
                setattr(converter, name, value)
            return converter.convert()
        except Exception as error:  # of the converter's many parts
            raise UserError('TensorFlow %s cannot convert this network to TFLite (%s); try the other stack, '
                            'LENET_STACK=tf2 or tf1' % (tf.__version__, first_line(error)))


def convert_floats(graph_def: tf.GraphDef) -> bytes:
    """The network in float32."""
    return convert(graph_def, [LOGITS, PROBABILITIES, CLASS])


@contextlib.contextmanager
def _programs_on_path() -> Iterator[None]:
    """TensorFlow 1.15 starts toco_from_protos, which pip has put beside the interpreter."""
    former = os.environ.get('PATH', os.defpath)
    os.environ['PATH'] = os.pathsep.join([sysconfig.get_path('scripts'), os.path.join(site.getuserbase(), 'bin'),
                                          former])
    try:
        yield
    finally:
        os.environ['PATH'] = former


def recognizes(content: bytes) -> bool:
    """Whether a file says that it is of this format."""
    return content[4:8] == b'TFL3'


def parse(content: bytes, path: str) -> bytes:
    """Looks at the operators.

    Raises:
      UserError: there are others than a network like this one needs, or the file is damaged.
    """
    tflite_operators.check(content, path)
    return content


@contextlib.contextmanager
def open_network(content: bytes, config: Any, name: str) -> Iterator[Network]:
    """Opens TFLite's interpreter on a file's content.

    Args:
      config: of a session; nothing of it counts here.
      name: what errors call the file.

    Raises:
      UserError: the interpreter cannot run it, or it has other inputs and outputs than this program gives it.
    """
    with converting_errors(name, _RUNTIME, ValueError, KeyError, TypeError, RuntimeError), \
            quiet.without_stderr_lines(_NOISE):
        trial.require_success(lambda: _Interpreted(content, name).try_one())
        network = _Interpreted(content, name)
    yield network


class _Interpreted(Network):
    """A file in TFLite's interpreter, which knows no sessions."""

    runtime = _RUNTIME
    call = 'invoke'
    errors = (RuntimeError,)

    def __init__(self, content: bytes, name: str) -> None:
        with warnings.catch_warnings():  # TensorFlow 2 tells of the interpreter's next home
            warnings.simplefilter('ignore')
            self._interpreter = tf.lite.Interpreter(model_content=content)
        self._interpreter.allocate_tensors()
        inputs = self._interpreter.get_input_details()
        if len(inputs) != 1:  # the others would be whatever their memory holds
            raise ValueError('it has %d inputs, not 1' % len(inputs))
        self._details = {detail['name']: detail for detail in inputs + self._interpreter.get_output_details()}
        super().__init__(name)

    def nodes(self) -> Dict[str, Dict[str, Any]]:
        return {name: _describe(detail) for name, detail in self._details.items()}

    def compute(self, images: np.ndarray) -> Answers:
        detail = self._details[INPUT]
        self._interpreter.set_tensor(detail['index'], _to_integers(images, detail))
        self._interpreter.invoke()
        return complete(self._output(LOGITS), {name: self._output(name) for name in (PROBABILITIES, CLASS)
                                               if name in self._details})

    def _output(self, name: str) -> np.ndarray:
        detail = self._details[name]
        return _to_floats(self._interpreter.get_tensor(detail['index']), detail)


def _describe(detail: Dict[str, Any]) -> Dict[str, Any]:
    described = {'dtype': np.dtype(detail['dtype']).name, 'shape': [int(size) for size in detail['shape']]}
    scale, zero_point = detail['quantization']
    return dict(described, scale=float(scale), zero_point=int(zero_point)) if scale else described


def _to_integers(images: np.ndarray, detail: Dict[str, Any]) -> np.ndarray:
    scale, zero_point = detail['quantization']
    if not scale:
        return images
    limits = np.iinfo(detail['dtype'])
    return np.clip(np.rint(images / scale) + zero_point, limits.min, limits.max).astype(detail['dtype'])


def _to_floats(values: np.ndarray, detail: Dict[str, Any]) -> np.ndarray:
    scale, zero_point = detail['quantization']
    return (values.astype(np.float32) - zero_point) * np.float32(scale) if scale else values
