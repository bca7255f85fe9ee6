"""The flags that name a trained network and labelled images, of every entry point that comes after training."""

from absl import flags

from lenet.flags import ACTIVATIONS, MAX_SEED
from lenet.support.flag_parsing import define_path


def define() -> None:
    """Defines them in absl's FLAGS."""
    define_network()
    define_path('data_path', None, 'Directory of the four MNIST files (raw or .gz, also one folder down), or '
                'of mnist.npz; "synthetic" draws digits from --seed. Default: MNIST is fetched once into '
                '$LENET_DATA or data/MNIST.')
    flags.DEFINE_integer('seed', 1, 'Of the digits that --data_path=synthetic draws.', 0, MAX_SEED)


def define_network() -> None:
    """Defines those of the network alone."""
    define_path('checkpoint', None, 'The checkpoint: a path prefix such as output/ckpt_npu/model.ckpt-1000, '
                "one of its files, or a run's directory. Default: the newest of --output_dir.")
    define_path('output_dir', 'output', "A run's directory, as training wrote it.")
    flags.DEFINE_enum('activation', None, ACTIVATIONS, "Of every hidden layer. Default: that of the checkpoint's run, "
                      'sigmoid for a checkpoint of the reference.')
