"""Runs a network that lenet.freeze wrote (.pb, .tflite, .onnx) over images: accuracy, latency, predictions.

  python -m lenet.infer --model_path=lenet.pb                            MNIST's test set, fetched where it is missing
  python -m lenet.infer --model_path=lenet.pb --data_dir=binaries        what lenet.preprocess wrote, verified
  python -m lenet.infer --model_path=lenet.pb --data_dir=7.png           a picture, or a directory of them
  python -m lenet.infer --model_path=lenet.pb --csv_out=predictions.csv --json_out=summary.json

Writes nothing but what --csv_out and --json_out name. On an NPU (--platform=npu; unverified on hardware) the graph runs
in float16, and a graph frozen for one batch size is compiled for it. Of a directory of pictures those that can be read
are answered and counted; each other one is an error in one line.

Exit statuses: as lenet.train; 1 also if some picture could not be read.
"""

import os
from typing import Any

from absl import flags as absl_flags

from lenet import flags
from lenet.errors import UsageError
from lenet.export import model_flags
from lenet.support import entry
from lenet.support import files
from lenet.support import stack
from lenet.support.flag_parsing import define_path

_PATHS = ('model_path', 'data_dir', 'csv_out', 'json_out')
_TARGETS = ('csv_out', 'json_out')
# The reference's names: there as well, --output_path (or, in its inference, --output_dir) is what preprocess wrote.
_ALIASES = {'output_path': 'data_dir', 'output_dir': 'data_dir', 'batchSize': 'batch_size'}


def check_targets(values: Any) -> None:
    """Raises:
      UsageError: a target is also another file of this command.
      UserError: a target cannot be the name of a file.
    """
    given = {name: os.path.realpath(values[name].value) for name in _PATHS if values[name].value is not None}
    for target in [name for name in _TARGETS if name in given]:
        for other in given:
            if other != target and given[target] == given[other]:
                raise UsageError('--%s=%s is also --%s: name another file' % (target, values[target].value, other))
        files.require_file_name(values[target].value)


def main() -> int:
    values = absl_flags.FLAGS
    check_targets(values)
    with stack.importing():
        from lenet.export import inference  # seconds of imports, after the command line is known to be right
    refused = inference.infer(inference.Request(*(values[name].value for name in inference.Request._fields)))
    return 1 if refused else 0


def _define_flags() -> None:
    define_path('model_path', None, 'The network, as lenet.freeze writes it: a frozen graph (.pb), a TFLite or an ONNX '
                'file; its content tells which.', required=True)
    define_path(
        'data_dir', None, 'Images: a directory of lenet.preprocess; a data set as --data_path of lenet.train names it '
        '(the test images), "synthetic" too; a directory of PNG or JPEG files, or one file. Default: MNIST is fetched '
        'once.')
    model_flags.define_form()
    absl_flags.DEFINE_integer('seed', 1, 'Of the synthetic digits.', 0, flags.MAX_SEED)
    absl_flags.DEFINE_integer(
        'batch_size', None, 'Images a call; the last batch is padded and the padding not counted. Default: what the '
        'file was frozen for or, where that is open, 64, or as many as there are if fewer.', 1, 60000)
    absl_flags.DEFINE_integer('warmup', 2, 'Calls that are not timed, after the first one, which never is.', 0,
                              flags.MAX_COUNT)
    flags.define_platform()
    for alias, name in _ALIASES.items():
        absl_flags.DEFINE_alias(alias, name)
    define_path('csv_out', None, 'File of predictions: name, label, class and the probability of each class, a line an '
                'image.')
    define_path('json_out', None, 'File of the summary as JSON.')


if __name__ == '__main__':
    _define_flags()
    absl_flags.adopt_module_key_flags(model_flags)
    absl_flags.declare_key_flag('platform')
    entry.run(main)
