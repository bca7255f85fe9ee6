"""The flags that name a trained network and labelled images, of every entry point that comes after training."""

from absl import flags

import lenet.flags
from lenet.errors import UsageError
from lenet.flags import ACTIVATIONS, DATA_PATH_HELP, MAX_SEED
from lenet.support.flag_parsing import define_path


def define(seed: str = 'Of the digits that --data_path=synthetic draws.') -> None:
    """Defines them in absl's FLAGS; `seed` says what that flag is for."""
    define_network()
    define_path('data_path', None, DATA_PATH_HELP)
    define_form()
    flags.DEFINE_integer('seed', 1, seed, 0, MAX_SEED)


def define_form() -> None:
    """Defines those that tell in what labelled files differ from MNIST's."""
    lenet.flags.define_form()
    for name in ('label_offset', 'transpose_images'):
        flags.declare_key_flag(name)


def define_network() -> None:
    """Defines those of the network alone."""
    define_path('checkpoint', None, 'The checkpoint: a path prefix such as output/ckpt_npu/model.ckpt-1000, '
                "one of its files, or a run's directory. Default: the newest of --output_dir.")
    define_path('output_dir', 'output', "A run's directory, as training wrote it.")
    flags.DEFINE_enum('activation', None, ACTIVATIONS, "Of every hidden layer. Default: that of the checkpoint's run, "
                      'sigmoid for a checkpoint of the reference.')


def define_model_path() -> None:
    """Defines what stands in the place of a checkpoint; `check` goes with it."""
    define_path('model_path', None, 'A file that lenet.freeze wrote (.pb, .tflite, .onnx), instead of a checkpoint.')


def check(values: flags.FlagValues) -> None:
    """Raises UsageError where a file is given and something of a checkpoint as well."""
    for name in ('checkpoint', 'activation'):
        if values.model_path is not None and values[name].value is not None:
            raise UsageError('--model_path=%s and --%s=%s: give one of them; a file holds its weights and activation' %
                             (values.model_path, name, values[name].value))
