"""Where a resumed run goes on from, and whether its flags allow it."""

import math
from typing import Any, Dict, Iterable, List, Optional, Tuple

from lenet.errors import UserError
from lenet.flags import Params
from lenet.run import checkpoint
from lenet.run import run_directory
from lenet.run.network_record import NetworkRecord
from lenet.support import progress

# Flags that a run keeps to its end, and why.
_KEPT = {
    'seed': 'the order of the data', 'random_remove': 'the order of the data',
    'num_classes': 'the network', 'activation': 'the network', 'freeze_variables': 'what is trained',
}
# Flags that may change, but the run is then no longer what an uninterrupted one would be.
_TOLD = ('learning_rate', 'learning_rate_schedule', 'warmup_steps', 'precision_mode', 'precision_mode_v2',
         'saturate', 'loss_scale', 'loss_scale_value', 'loss_scale_increment_every', 'loss_scale_increment_ratio',
         'loss_scale_decrement_every', 'loss_scale_decrement_ratio', 'overflow_check', 'inject_overflow', 'platform',
         'conv', 'replicas', 'learning_rate_scaling', 'compress_gradients', 'augment', 'augment_rotation',
         'augment_scale', 'augment_shear', 'augment_shift', 'augment_elastic', 'augment_stroke', 'dropout')


def find_start(params: Params) -> Tuple[Optional[str], checkpoint.Position]:
    """The checkpoint to resume from, None for a fresh start, and how far it had come.

    Raises:
      UserError: no checkpoint is whole, or what is left to do is not a multiple of --iterations_per_loop.
    """
    paths = checkpoint.find_whole(params.output_dir) if params.resume else []
    if not paths:
        if params.resume:
            progress.warn('--resume: no checkpoint in %s to go on from, starting from the beginning' %
                          params.output_dir)
        return None, checkpoint.Position()
    newest, start = paths[-1], checkpoint.read_position(paths[-1])
    left, n = params.steps * params.epochs - start.steps_run, params.iterations_per_loop
    if left > 0 and left % n:
        raise UserError('%s: the %d steps left, --steps x --epochs - %d, are not a multiple of '
                        '--iterations_per_loop=%d: use --iterations_per_loop=%d' %
                        (newest, left, start.steps_run, n, math.gcd(left, n)))
    return newest, start


def check(params: Params, facts: Dict[str, Any], start: checkpoint.Position,
          record: Optional[NetworkRecord] = None) -> None:
    """Compares a resumed run with what it was before.

    Args:
      params: of now, completed.
      facts: run_directory.facts of now.
      record: of the checkpoint, which is to be believed rather than flags.txt.

    Raises:
      UserError: it would become another run; the message names each flag.
    """
    former, former_facts = run_directory.read_flags(params.output_dir), run_directory.read_facts(params.output_dir)
    if former is None:
        progress.warn('--resume: %s has no readable flags.txt, so whether the flags are still the same is not known' %
                      params.output_dir)
        former = params
    if record is not None:
        former = former._replace(activation=record.activation, num_classes=record.num_classes)
    broken = ['%s (%s)' % (difference, _KEPT[name]) for name, difference in _differences(former, params, _KEPT)]
    former_ranks, ranks = former_facts.get('ranks', facts['ranks']), facts['ranks']
    if former_ranks * former.batch_size != ranks * params.batch_size:
        broken.append('a step read --batch_size=%d on each of %d ranks, now %d on each of %d (the order of the data)' %
                      (former.batch_size, former_ranks, params.batch_size, ranks))
    if former_facts.get('data', facts['data']) != facts['data']:
        broken.append('the training images or labels of --data_path are not those that the run began with')
    if broken:
        raise UserError('--resume: %s; give the former values, or start a new run from its weights with another '
                        '--output_dir and --restore_path=%s' % ('; '.join(broken), params.output_dir))
    for _, difference in _differences(former, params, _TOLD):
        progress.warn('--resume: %s from step %d on: the run will not end as an uninterrupted one' %
                      (difference, start.steps_run))
    former_version = former_facts.get('tensorflow', facts['tensorflow'])
    if former_version != facts['tensorflow']:
        progress.warn('--resume: under TensorFlow %s until step %d, under %s from there: the same batches, other '
                      'roundings' % (former_version, start.steps_run, facts['tensorflow']))
    if former_ranks != ranks:
        progress.warn('--resume: on %d ranks until step %d, on %d from there: the same batches, other roundings%s' %
                      (former_ranks, start.steps_run, ranks, '' if params.learning_rate_scaling == 'none' else
                       ', another learning rate by --learning_rate_scaling=' + params.learning_rate_scaling))
    if params.learning_rate_schedule != 'constant' and former.steps * former.epochs != params.steps * params.epochs:
        progress.warn('--resume: --steps x --epochs was %d, is %d: --learning_rate_schedule=%s goes by the new length '
                      'from step %d on' % (former.steps * former.epochs, params.steps * params.epochs,
                                           params.learning_rate_schedule, start.steps_run))


def _differences(former: Params, params: Params, names: Iterable[str]) -> List[Tuple[str, str]]:
    """Names of flags and, for each that differs, '--name was X, is Y'."""
    return [(name, '--%s was %s, is %s' % (name, _text(getattr(former, name)), _text(getattr(params, name))))
            for name in names if getattr(former, name) != getattr(params, name)]


def _text(value: Any) -> str:
    return (','.join(value) or 'empty') if isinstance(value, list) else str(value)
