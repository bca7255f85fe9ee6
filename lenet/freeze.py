"""Freezes a checkpoint: the network with its weights as constants in one .pb file, and a .json beside it that tells
what it is.

  python -m lenet.freeze                                   the newest checkpoint of output/ -> output/lenet.pb
  python -m lenet.freeze --checkpoint=output/ckpt_npu/model.ckpt-1000 --pb_path=lenet-1000.pb
  python -m lenet.freeze --saved_model=output/saved_model  a SavedModel as well

What is written has been read back and has answered all test images as the checkpoint does. Exit statuses as
lenet.train.
"""

import math
import os

from absl import flags

from lenet.errors import UsageError
from lenet.export import model_flags
from lenet.support import entry
from lenet.support import stack
from lenet.support.flag_parsing import define_path

# Folded and direct convolutions gave logits that differ, by rounding, by up to 3.8e-6 (sigmoid, tanh; logits up to 14)
# and 7.6e-6 (relu, up to 23) on MNIST's test images. The hundredfold leaves room for larger logits, and still is less
# than what could change a probability by 0.001.
TOLERANCE = 1e-3


def _check(values: flags.FlagValues) -> None:
    if math.isnan(values.tolerance):  # passes every bound
        raise UsageError('--tolerance=nan: a number from 0 to 1 is needed')
    if values.saved_model is None:
        return
    model, pb = os.path.abspath(values.saved_model), os.path.abspath(_pb_path(values))
    if (pb + os.sep).startswith(model + os.sep):
        raise UsageError('--pb_path=%s lies in --saved_model=%s, which is replaced as a whole: choose another place' %
                         (pb, model))


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
    model_flags.define()
    define_path('pb_path', None, 'The frozen graph. Default: lenet.pb in --output_dir. The same name with '
                '.json gets its description.')
    flags.DEFINE_integer('batch', None, 'A fixed number of images that the graph takes at a time. Default: any.', 1,
                         60000)
    flags.DEFINE_enum('conv', 'direct', ['direct', 'folded'], 'Convolutions as they are written, which every runtime '
                      'knows, or on blocks, which is faster on a CPU.')
    define_path('saved_model', None, 'Directory for a SavedModel as well, signature serving_default; a former '
                'one of this program there is replaced.')
    flags.DEFINE_float('tolerance', TOLERANCE, "By how much a logit may differ from the checkpoint's own.", 0.0, 1.0)


if __name__ == '__main__':
    _define_flags()
    flags.adopt_module_key_flags(model_flags)
    entry.run(main)
