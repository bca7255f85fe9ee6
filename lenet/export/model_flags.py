"""The flags that name a trained network and labelled images, of every entry point that comes after training."""

from absl import flags

import lenet.flags
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
