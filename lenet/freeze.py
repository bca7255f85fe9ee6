"""Freezes a checkpoint: the network with its weights as constants in one .pb file, for other runtimes as TFLite or ONNX
too, and a .json beside them that tells what they are.

  python -m lenet.freeze                                   the newest checkpoint of output/ -> output/lenet.pb
  python -m lenet.freeze --checkpoint=output/ckpt_npu/model.ckpt-1000 --pb_path=lenet-1000.pb
  python -m lenet.freeze --saved_model=output/saved_model  a SavedModel as well
  python -m lenet.freeze --tflite=lenet.tflite --tflite_int8=lenet_int8.tflite --onnx=lenet.onnx

What is written has been read back by its own runtime and has answered all test images as the checkpoint does. Exit
statuses as lenet.train.
"""

import math
import os
from typing import Dict

from absl import flags

from lenet.errors import UsageError
from lenet.export import model_flags
from lenet.export import sidecar_name
from lenet.support import entry
from lenet.support import stack
from lenet.support.flag_parsing import define_path

# Folded and direct convolutions gave logits that differ, by rounding, by up to 3.8e-6 (sigmoid, tanh; logits up to 14)
# and 7.6e-6 (relu, up to 23) on MNIST's test images. The hundredfold leaves room for larger logits, and still is less
# than what could change a probability by 0.001.
TOLERANCE = 1e-3
# Five choices of the images for calibration cost networks of sigmoid, tanh and relu at most 6 of 10,000 answers.
TOLERANCE_ACCURACY = 0.003
_OTHERS = ('tflite', 'tflite_int8', 'onnx')  # files beside the .pb


def _check(values: flags.FlagValues) -> None:
    for name in ('tolerance', 'tolerance_accuracy'):
        if math.isnan(values[name].value):  # passes every bound
            raise UsageError('--%s=nan: a number from 0 to 1 is needed' % name)
    paths = {'pb_path': _pb_path(values)}
    paths.update((name, values[name].value) for name in _OTHERS if values[name].value is not None)
    _refuse_twice(paths)
    if values.saved_model is None:
        return
    model = os.path.abspath(values.saved_model)
    for name, path in paths.items():
        if (os.path.abspath(path) + os.sep).startswith(model + os.sep):
            raise UsageError('--%s=%s lies in --saved_model=%s, which is replaced as a whole: choose another place' %
                             (name, os.path.abspath(path), model))


def _refuse_twice(paths: Dict[str, str]) -> None:
    """Raises UsageError where a file would also be another one, or a description."""
    taken = {os.path.realpath(sidecar_name.path_of(path)): 'the description of --' + name
             for name, path in paths.items()}
    for name, path in paths.items():
        other = taken.setdefault(os.path.realpath(path), '--' + name)
        if other != '--' + name:
            raise UsageError('--%s=%s is also %s: name another file' % (name, path, other))


def _pb_path(values: flags.FlagValues) -> str:
    return values.pb_path if values.pb_path is not None else os.path.join(values.output_dir, 'lenet.pb')


def main() -> None:
    values = flags.FLAGS
    _check(values)
    with stack.importing():
        from lenet.export import export  # seconds of imports, after the command line is known to be right
    request = export.Request(*(values[name].value for name in export.Request._fields))
    if request.saved_model is not None:
        request = request._replace(saved_model=os.path.normpath(request.saved_model))
    export.export(request._replace(pb_path=_pb_path(values)))


def _define_flags() -> None:
    model_flags.define('Of the digits that --data_path=synthetic draws, and of the choice of images that calibrate '
                       '--tflite_int8.')
    define_path('pb_path', None, 'The frozen graph. Default: lenet.pb in --output_dir. The same name with '
                '.json gets its description.')
    flags.DEFINE_integer('batch', None, 'A fixed number of images that the graph takes at a time. Default: any; of '
                         'TFLite, 1.', 1, 60000)
    flags.DEFINE_enum('conv', 'direct', ['direct', 'folded'], 'Convolutions as they are written, which every runtime '
                      'knows, or on blocks, which is faster on a CPU. TFLite and ONNX always get the former.')
    define_path('saved_model', None, 'Directory for a SavedModel as well, signature serving_default; a former '
                'one of this program there is replaced.')
    define_path('tflite', None, 'File for the network in float32 for TensorFlow Lite as well.')
    define_path('tflite_int8', None, 'File for the network in int8 for TensorFlow Lite as well: weights, activations, '
                'input and output, calibrated on 500 training images that --seed chooses.')
    define_path('onnx', None, 'File for the network in ONNX (opset 13) as well; needs requirements-export.txt.')
    flags.DEFINE_float('tolerance', TOLERANCE, "By how much a logit may differ from the checkpoint's own.", 0.0, 1.0)
    flags.DEFINE_float('tolerance_accuracy', TOLERANCE_ACCURACY, 'By how much the accuracy of --tflite_int8, from 0 to '
                       "1, may be below the checkpoint's.", 0.0, 1.0)


if __name__ == '__main__':
    _define_flags()
    flags.adopt_module_key_flags(model_flags)
    entry.run(main)
