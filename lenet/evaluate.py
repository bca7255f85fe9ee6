"""Counts the right answers of a trained network on all images of a split.

  python -m lenet.evaluate                                  the newest checkpoint of output/, MNIST's test images
  python -m lenet.evaluate --model_path=output/lenet.pb     a file of lenet.freeze (.pb, .tflite, .onnx)
  python -m lenet.evaluate --split=train --json_out=train.json

Exit statuses as lenet.train.
"""

from absl import flags

from lenet.export import model_flags
from lenet.flags import define_platform
from lenet.support import entry
from lenet.support import stack
from lenet.support.flag_parsing import define_path


def main() -> None:
    values = flags.FLAGS
    model_flags.check(values)
    with stack.importing():
        from lenet.export import evaluation  # seconds of imports, after the command line is known to be right
    evaluation.evaluate(evaluation.Request(*(values[name].value for name in evaluation.Request._fields)))


def _define_flags() -> None:
    model_flags.define()
    model_flags.define_model_path()
    flags.DEFINE_enum('split', 'test', ['test', 'train'], 'Which images.')
    flags.DEFINE_integer('batch_size', 500, 'Images per call; a file of a fixed batch keeps its own.', 1, 60000)
    define_platform()
    define_path('json_out', None, 'File for the whole report, all misclassified images included, as JSON.')


if __name__ == '__main__':
    _define_flags()
    flags.adopt_module_key_flags(model_flags)
    flags.declare_key_flag('platform')
    entry.run(main)
