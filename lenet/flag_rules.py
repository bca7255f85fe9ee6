"""The rules between flags: each names the flags it is about and a value that would do."""

import math
import re
from typing import TYPE_CHECKING

from lenet.errors import UsageError

if TYPE_CHECKING:
    from lenet.flags import Params


def check(params: 'Params') -> None:
    """Checks completed `params`.

    Raises:
      UsageError: the first broken rule.
    """
    for rule in (_finite_floats, _run_length, _intervals, _warmup, _replicas, _patterns, _restore, _loss_scale,
                 _injection, _saturation, _precision, _distribution, _output_dir, _dumps, _mixlist):
        rule(params)


def _finite_floats(params: 'Params') -> None:
    for name, value in params._asdict().items():  # NaN passes every bound
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError('--%s=%s: a finite number is needed' % (name, value))


def _largest_divisor(number: int, limit: int) -> int:
    return max(n for n in range(1, min(number, limit) + 1) if number % n == 0)


def _run_length(params: 'Params') -> None:
    total, n = params.steps * params.epochs, params.iterations_per_loop
    if total % n:
        raise UsageError('--steps=%d x --epochs=%d = %d steps are not a multiple of --iterations_per_loop=%d: use '
                         '--iterations_per_loop=%d, or other --steps' %
                         (params.steps, params.epochs, total, n, _largest_divisor(params.steps, n)))


def _intervals(params: 'Params') -> None:
    n = params.iterations_per_loop
    for name in ('eval_every', 'checkpoint_every', 'log_every'):
        interval = getattr(params, name)
        if name == 'eval_every' and not params.evaluate:
            continue
        if interval % n:
            raise UsageError('--%s=%d%s is not a multiple of --iterations_per_loop=%d: use --%s=%d or '
                             '--iterations_per_loop=%d' %
                             (name, interval, ' (as --steps)' if interval == params.steps else '', n,
                              name, n * -(-interval // n), _largest_divisor(interval, n)))


def _warmup(params: 'Params') -> None:
    total = params.steps * params.epochs
    if params.warmup_steps > total:
        raise UsageError('--warmup_steps=%d is longer than the run, --steps x --epochs = %d: use at most that' %
                         (params.warmup_steps, total))


def _replicas(params: 'Params') -> None:
    if params.batch_size % params.replicas:
        raise UsageError('--batch_size=%d cannot be split into --replicas=%d equal parts: use --replicas=%d' %
                         (params.batch_size, params.replicas, _largest_divisor(params.batch_size, params.replicas)))


_QUOTES = '\'"`\u2018\u2019\u201c\u201d'


def _patterns(params: 'Params') -> None:
    for name in ('restore_exclude', 'freeze_variables'):
        listed = ','.join(getattr(params, name))
        # As a program writes a list. As a pattern, ['fc_3/'] is one character of f, c, _, 3 and would match all of fc_.
        if re.search('[%s]' % _QUOTES, listed) or re.fullmatch(r'\[[^][]*\]', listed):
            raise UsageError('--%s=%s: patterns are written without brackets around them and without quotes: --%s=%s' %
                             (name, listed, name, re.sub(r'[][\s%s]' % _QUOTES, '', listed)))


def _restore(params: 'Params') -> None:
    if params.resume and params.restore_path is not None:
        raise UsageError('--resume continues a run, --restore_path starts a new one: give one of them')
    if params.restore_exclude and params.restore_path is None:
        raise UsageError('--restore_exclude=%s needs --restore_path' % ','.join(params.restore_exclude))


def _loss_scale(params: 'Params') -> None:
    kind, value = params.loss_scale, params.loss_scale_value
    if 0 < value < 1:
        raise UsageError('--loss_scale_value=%g: 0 or a number >= 1 is needed' % value)
    if kind == 'fixed' and not value:
        raise UsageError('--loss_scale=fixed needs --loss_scale_value, a number >= 1')
    if kind == 'dynamic' and value:
        raise UsageError('--loss_scale=dynamic and --loss_scale_value=%g contradict each other: --loss_scale_init is a '
                         "dynamic scale's first value" % value)


def _injection(params: 'Params') -> None:
    if not all(re.fullmatch('[1-9][0-9]{0,17}', step) for step in params.inject_overflow):
        raise UsageError('--inject_overflow=%s: numbers of steps from 1, joined by commas, are needed' %
                         ','.join(params.inject_overflow))


def _saturation(params: 'Params') -> None:
    if params.saturate and params.platform == 'npu':
        raise UsageError('--saturate emulates on a CPU what --platform=npu does by itself: leave it out')


def _precision(params: 'Params') -> None:
    if params.platform != 'cpu':
        return
    if params.precision_mode_v2 is not None:
        raise UsageError('--precision_mode_v2=%s needs --platform=npu: use --precision_mode' % params.precision_mode_v2)
    if params.precision_mode.endswith('bf16'):
        raise UsageError('--precision_mode=%s needs --platform=npu: a CPU emulates float16 alone, as with '
                         '--precision_mode=allow_mix_precision' % params.precision_mode)


def _distribution(params: 'Params') -> None:
    needed = {'horovod': 'cpu', 'hccl': 'npu'}.get(params.distributed, params.platform)
    if params.platform != needed:
        raise UsageError('--distributed=%s needs --platform=%s, not %s' %
                         (params.distributed, needed, params.platform))
    if params.compress_gradients and params.distributed != 'horovod':
        raise UsageError('--compress_gradients needs --distributed=horovod: start with ./run_np.sh, or leave it out')


def _output_dir(params: 'Params') -> None:
    if re.search(r'://|[*?[\]]', params.output_dir):
        raise UsageError('--output_dir=%s: TensorFlow takes :// and the characters * ? [ ] for more than a name; '
                         'choose another one' % params.output_dir)


_DUMP_SET = r'(\d+)(?:-(\d+))?'
_MAX_DUMP_SETS = 100


def _dumps(params: 'Params') -> None:
    if params.over_dump and params.data_dump_flag:
        raise UsageError('--over_dump and --data_dump_flag=1 exclude each other: give one of them')
    sets = [re.fullmatch(_DUMP_SET, part) for part in params.data_dump_step.split('|')]
    if not all(sets) or any(part.group(2) and int(part.group(1)) >= int(part.group(2)) for part in sets):
        raise UsageError('--data_dump_step=%s: numbers and rising ranges joined by | are needed, as 0|5|10-20' %
                         params.data_dump_step)
    if len(sets) > _MAX_DUMP_SETS:
        raise UsageError('--data_dump_step names %d sets of steps: at most %d are dumped' %
                         (len(sets), _MAX_DUMP_SETS))


def _mixlist(params: 'Params') -> None:
    mode = params.precision_mode_v2 or params.precision_mode
    if params.modify_mixlist is not None and not mode.startswith(('allow_mix_precision', 'mixed_')):
        raise UsageError('--modify_mixlist needs --precision_mode=allow_mix_precision, not %s' % mode)
