"""Every flag of training, and Params: the immutable copy that everything else takes.

Only entry points read flags. A library function takes a Params; tests build one with `make_params(batch_size=13)`.
"""

import collections
import os
from typing import Any, Dict, List, Optional

from absl import flags

from lenet import device_flags
from lenet import flag_rules
from lenet.ranks import cluster
from lenet.support import flag_parsing
from lenet.support import machine
from lenet.support.flag_parsing import MAX_COUNT, Definer

ACTIVATIONS = ['sigmoid', 'tanh', 'relu']
# Images of a tower. Each tower costs the step a constant time, the graph its copy of the network, and the first call
# the preparation of that. Two halves of a small batch are still quicker than the whole.
LEAST_IMAGES = 16
LEARNING_RATE_SCHEDULES = ['constant', 'linear', 'cosine']
AUGMENTATIONS = ['none', 'affine', 'elastic']
MAX_SEED = 2 ** 31 - 1
MAX_OFFSET = 65536

DATA_PATH_HELP = (
    'Directory of the four MNIST files (raw or .gz) or of mnist.npz, there or up to two folders down; with a prefix of '
    'their names where there are several sets, as DIR/emnist-letters; an .npz file; "synthetic" draws digits from '
    '--seed. Default: MNIST is fetched once into $LENET_DATA or data/MNIST.')

# The reference's spellings, sic.
ALIASES = {'learing_rata': 'learning_rate', 'iteration_per_loop': 'iterations_per_loop'}

# What a flag left alone means, where that depends on the platform.
PLATFORM_DEFAULTS = {
    'cpu': {'iterations_per_loop': 100, 'precision_mode': 'must_keep_origin_dtype', 'conv': 'folded',
            'input': 'resident'},
    'npu': {'iterations_per_loop': 10, 'precision_mode': 'allow_mix_precision', 'conv': 'direct',
            'input': 'stream', 'replicas': 1},
}


def _define_data(flag: Definer) -> None:
    flag.path('data_path', None, DATA_PATH_HELP)
    define_form(flag.values)
    flag.integer('seed', 1, 'Of the initial weights, the order of the data, their distortions and synthetic digits. On '
                 'a CPU one seed, with the same --replicas, gives one result, bit for bit.', 0, MAX_SEED)
    flag.integer('num_classes', 10, 'Classes of the data; labels go from 0 to this less 1.', 2, 65536)
    flag.bool('random_remove', False, 'Leaves randomness out of the data order: every epoch reads the files from first '
              'to last (for comparing runs layer by layer).')


def _define_training(flag: Definer) -> None:
    flag.integer('batch_size', 64, 'Images a step, per device.', 1, 60000)
    flag.integer('steps', 1000, 'Steps of an epoch.', 1, MAX_COUNT)
    flag.integer('epochs', 5, 'Epochs; --steps x --epochs is the run.', 1, MAX_COUNT)
    flag.float('learning_rate', 0.001, "Adam's step size.", 1e-9, 10.0)
    flag.enum('learning_rate_schedule', 'constant', LEARNING_RATE_SCHEDULES, 'How the learning rate falls to 0 over '
              'the run, by steps run; constant: it does not.')
    flag.integer('warmup_steps', 0, 'W, steps over which the learning rate first rises linearly, from 1/W of it to '
                 'all of it.', 0, MAX_COUNT)
    flag.enum('activation', 'sigmoid', ACTIVATIONS, 'Of every hidden layer; it also chooses the initializers.')
    flag.float('dropout', 0.0, "Share of the second layer's outputs that are set to 0 in each step (Srivastava et al. "
               '2014), drawn anew for each image from --seed and the step, to the nearest 1/256.', 0, 0.9)


def _define_augmentation(flag: Definer) -> None:
    flag.enum('augment', 'none', AUGMENTATIONS, 'Distorts every training image anew in each step, by a draw from '
              '--seed and the step: affine (LeCun et al. 1998), by --augment_rotation, _scale, _shear and _shift; '
              'elastic (Simard et al. 2003), by these and --augment_elastic; both also by --augment_stroke. Images 4k '
              'to 4k + 3 of a batch share a draw of places. For an NPU the host distorts, and batches go through '
              'tf.data whatever --input. The upper bounds are as far as a digit is still the same digit.')
    flag.float('augment_rotation', 10.0, 'Degrees by which an image turns at most, either way.', 0, 20)
    flag.float('augment_scale', 1.12, 'Factor by which each axis grows or shrinks at most; 1: not at all.', 1, 1.3)
    flag.float('augment_shear', 0.12, 'Pixels by which a row moves sideways at most for each row from the centre.', 0,
               0.3)
    flag.float('augment_shift', 1.5, 'Pixels by which an image moves along each axis at most.', 0, 3)
    flag.float('augment_elastic', 0.6, 'Pixels by which each pixel moves along each axis, root mean square, in a '
               'smooth random field.', 0, 1.2)
    flag.float('augment_stroke', 1.6, 'Factor by which the grey edges of strokes are steepened at most, towards ink or '
               'towards the ground: strokes get thicker or thinner; 1: not at all.', 1, 2)


def _define_loop(flag: Definer) -> None:
    define_platform(flag.values)
    flag.integer('iterations_per_loop', None, 'Steps per session.run, N: a tf.while_loop on the CPU (default 100), '
                 'sinking on the NPU (default 10). Divides --steps x --epochs and every interval.', 1, 10 ** 4)
    flag.enum('conv', None, ['folded', 'direct'], 'Convolution and pooling as one matrix product on blocks of 4x4 and '
              '2x2 pixels, the same but for rounding, and faster (default on the CPU), or as they are written (default '
              'on the NPU).')
    flag.enum('input', None, ['resident', 'stream'], 'The images stay on the device and the step gathers its batch '
              '(default on the CPU), or batches go through tf.data (default on the NPU).')
    flag.integer('replicas', None, 'Towers a batch is split into inside the graph, one thread each; another number '
                 'changes the last digits of the result. Default: on the CPU as many as there are usable cores, '
                 'divide --batch_size and leave each tower 16 images or more (two may have fewer); 1 on the NPU.',
                 1, 1024)


def _define_ranks(flag: Definer) -> None:
    flag.enum('distributed', 'auto', ['auto', 'none', 'collective', 'hccl'], 'What averages the gradients of '
              "several ranks: collective, TensorFlow's own operations, on CPUs (TF_CONFIG names the ranks); hccl on "
              'NPUs; none: this process trains alone; auto: as the environment says, which ./run_np.sh or a cluster '
              'sets. --batch_size is of each rank: n of them see exactly what one of n times the size sees.')
    flag.enum('learning_rate_scaling', 'none', ['none', 'linear', 'sqrt'], 'How --learning_rate grows with the number '
              'of ranks n: by n (Goyal et al. 2017), or by its square root.')
    flag.float('rank_timeout', 600, 'Seconds without a finished session.run after which one of several ranks ends '
               'itself, and in which they must find each other at the start.', 1, 10 ** 6)
    flag.bool('compress_gradients', False, 'Several ranks on CPUs only: gradients travel as float16.')


def _define_evaluation(flag: Definer) -> None:
    flag.bool('evaluate', True, 'Counts the correct answers on all test images, at intervals and at the end.')
    flag.integer('eval_every', None, 'Steps between evaluations. Default: --steps, each epoch.', 1, MAX_COUNT)
    flag.integer('eval_batch_size', 250, 'Images per session.run of an evaluation; a last, smaller batch is padded and '
                 'the padding not counted.', 1, 60000)


def _define_output(flag: Definer) -> None:
    flag.path('output_dir', 'output', 'Directory of all that the run writes; a former run found there moves to its '
              'folder "previous".')
    flag.integer('log_every', None, 'Steps between progress lines. Default: 100, rounded up to a multiple of '
                 '--iterations_per_loop.', 1, MAX_COUNT)
    flag.integer('checkpoint_every', None, 'Steps between checkpoints. Default: --steps, each epoch.', 1, MAX_COUNT)
    flag.integer('ckpt_count', 5, 'Newest checkpoints that are kept.', 1, 10 ** 6)
    flag.bool('resume', False, 'Continues from the newest whole checkpoint of --output_dir; without any it starts from '
              'the beginning.')
    flag.path('restore_path', None, 'A checkpoint whose weights a new run starts from (transfer learning).')
    flag.list('restore_exclude', [], 'Weights that --restore_path leaves out: regular expressions that match from the '
              'start of a name, such as the prefix fc_3/.')
    flag.list('freeze_variables', [], 'Weights that are not trained, in patterns as of --restore_exclude: '
              'layer_,fc_1/.')


def define_form(values: flags.FlagValues = flags.FLAGS) -> None:
    """The flags that tell in what labelled files differ from MNIST's."""
    flags.DEFINE_integer('label_offset', None, "What is taken off every label that is read: 1 where the first class's "
                         'is 1. Default: 1 for files called emnist-letters-..., otherwise 0.', -MAX_OFFSET, MAX_OFFSET,
                         flag_values=values)
    flags.DEFINE_bool('transpose_images', None, 'Exchanges rows and columns of every image that is read. Default: for '
                      'files called emnist-..., as EMNIST is distributed, yes, otherwise no.', flag_values=values)


def define_platform(values: flags.FlagValues = flags.FLAGS) -> None:
    flags.DEFINE_enum('platform', 'cpu', ['auto', 'cpu', 'npu'], 'Where to run; auto: the NPU where its TensorFlow '
                      'adapter is installed.', flag_values=values)


def define(values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines every flag in `values`."""
    flag = Definer(values)
    for part in (_define_data, _define_training, _define_augmentation, _define_loop, _define_ranks, _define_evaluation,
                 _define_output, device_flags.define_precision, device_flags.define_npu):
        part(flag)
    for alias, name in ALIASES.items():
        flags.DEFINE_alias(alias, name, flag_values=values)


def _new_values() -> flags.FlagValues:
    values = flags.FlagValues()
    define(values)
    return values


_NAMES = sorted(set(_new_values()) - set(ALIASES))

Params = collections.namedtuple('Params', _NAMES)
Params.__doc__ = """One field a flag, immutable; after `complete` none of them is left to be decided."""


def read(values: flags.FlagValues = flags.FLAGS) -> Params:
    """Copies the parsed flags of `values`."""
    return Params(**{name: values[name].value for name in _NAMES})


def make_params(**overrides: Any) -> Params:
    """The Params of a command line `--name=value …`, for tests and for use as a library; a platform of "auto"
    is not resolved here.

    Raises:
      UsageError: a value out of bounds, or a broken rule between flags.
    """
    values = _new_values()
    flag_parsing.parse(values, ['--%s=%s' % (name, ','.join(value) if isinstance(value, list) else value)
                                for name, value in overrides.items()])
    return complete(read(values), values['platform'].value)


def complete(params: Params, platform: str) -> Params:
    """Decides what was left open, then checks the rules between flags.

    Args:
      params: as read.
      platform: 'cpu' or 'npu', which --platform=auto has become.

    Raises:
      UsageError: a broken rule between flags.
    """
    params = params._replace(platform=platform, distributed=_decide_distributed(params.distributed, platform))
    decided: Dict[str, Any] = dict(PLATFORM_DEFAULTS[platform])
    decided.setdefault('replicas', _default_replicas(params.batch_size))
    decided['eval_every'] = decided['checkpoint_every'] = params.steps
    params = _fill(params, decided)
    params = _fill(params, _decide_loss_scale(params))
    n = params.iterations_per_loop
    params = _fill(params, {'log_every': n * -(-100 // n)})
    flag_rules.check(params)
    return params


def _fill(params: Params, decided: Dict[str, Any]) -> Params:
    return params._replace(**{name: value for name, value in decided.items() if getattr(params, name) is None})


def _decide_loss_scale(params: Params) -> Dict[str, Any]:
    by_reference = params.loss_scale is None
    kind = 'none' if not params.loss_scale_flag else 'fixed' if params.loss_scale_value else 'dynamic'
    return {'loss_scale': kind, 'loss_scale_init': 2.0 ** 32 if by_reference else 2.0 ** 15}


def _decide_distributed(asked: str, platform: str) -> str:
    if asked != 'auto':
        return asked
    if platform == 'npu':
        return 'hccl' if (os.environ.get('RANK_SIZE') or '1') != '1' else 'none'
    found = cluster.read(os.environ)
    return 'collective' if found and len(found.addresses) > 1 else 'none'


def _default_replicas(batch_size: int) -> int:
    most = min(machine.usable_cores(), max(2, batch_size // LEAST_IMAGES))
    return max(r for r in range(1, most + 1) if batch_size % r == 0)


def from_lines(lines: List[str]) -> Params:
    """What `to_lines` wrote, also by a version of the program with fewer flags; not completed anew.

    Raises:
      UsageError: a line is no flag of this program, or a value out of bounds.
    """
    values = _new_values()
    flag_parsing.parse(values, [line for line in lines if line.strip() and not line.startswith('#')])
    return read(values)


def to_lines(params: Params) -> List[str]:
    """`params` as the lines of a flagfile."""
    def text(value: Any) -> Optional[str]:
        if isinstance(value, bool):
            return str(value).lower()
        return ','.join(value) if isinstance(value, list) else str(value)
    return ['--%s=%s' % (name, text(value)) for name, value in params._asdict().items() if value is not None]
