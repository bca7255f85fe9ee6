"""What the flags ask for: steps, sinking, precision, loss scale, lists of operators."""

import math
from typing import Any, List, Mapping

import numpy as np

from lenet.checks import Result, failed, passed, warned
from lenet.errors import UserError
from lenet.flags import Params
from lenet.support import files

_FLOAT16_MAX = float(np.finfo(np.float16).max)
# Where small gradients do not vanish: bfloat16 has the exponents of float32.
_WIDE_MODES = ('must_keep_origin_dtype', 'force_fp32', 'cube_fp16in_fp32out', 'allow_mix_precision_bf16',
               'allow_fp32_to_bf16', 'origin', 'mixed_bfloat16')


def steps(params: Params) -> Result:
    """Args:
      params: completed, and so within the rules between flags.
    """
    total = params.steps * params.epochs
    return passed('steps', '%d epochs of %d: %d calls of session.run of %d steps' %
                  (params.epochs, params.steps, total // params.iterations_per_loop, params.iterations_per_loop))


def sinking(parameters: Mapping[str, Any]) -> Result:
    """What N steps per session.run stand on; several of the adapter's conditions fail without a word.

    Args:
      parameters: of NpuOptimizer, platforms.npu_config.parameters.
    """
    name, n = 'sinking', parameters['iterations_per_loop']
    if n == 1:
        return warned(name, '1 step per session.run: the host may cost more than the device',
                      '--iterations_per_loop=10')
    if parameters['mix_compile_mode'] or not parameters['enable_data_pre_proc']:
        return failed(name, '%d steps per session.run need enable_data_pre_proc and no mix_compile_mode' % n)
    return passed(name, '%d steps per session.run, data preprocessing on the device' % n)


def precision(params: Params) -> Result:
    name, mode = '--precision_mode', params.precision_mode
    if params.precision_mode_v2 is not None:
        name, mode = '--precision_mode_v2', params.precision_mode_v2
    if 'bf16' in mode or 'bfloat16' in mode or 'hif8' in mode:
        return warned(name, '%s; the first 910 has float16 alone, bfloat16 came with the A2 and hifloat8 with the 950' %
                      mode, '--precision_mode=allow_mix_precision on a first 910', alert=True)
    if mode in ('must_keep_origin_dtype', 'origin'):
        return warned(name, '%s; CANN documents that it excludes operators without float32, as Conv2D' % mode,
                      '--precision_mode=allow_mix_precision, or allow_fp32_to_fp16 to keep what float32 there is',
                      alert=True)
    if mode in ('force_fp16', 'fp16'):
        return warned(name, '%s, which is meant for inference' % mode, '--precision_mode=allow_mix_precision',
                      alert=True)
    return passed(name, mode)


def loss_scale(params: Params) -> Result:
    name, first = 'loss scale', params.loss_scale_init
    if params.loss_scale == 'none':
        mode = params.precision_mode_v2 or params.precision_mode
        if mode in _WIDE_MODES:
            return passed(name, 'none')
        return warned(name, 'none, with --precision_mode=%s: gradients below 2**-24 vanish in float16' % mode,
                      '--loss_scale=dynamic')
    if params.loss_scale == 'fixed':
        if params.loss_scale_value <= _FLOAT16_MAX:
            return passed(name, 'fixed at %g' % params.loss_scale_value)
        return warned(name, "fixed at %g, above float16's largest number: if every step overflows, none trains" %
                      params.loss_scale_value, '--loss_scale_value=1024', alert=True)
    if first <= _FLOAT16_MAX:
        return passed(name, 'dynamic from %g' % first)
    return warned(name, 'dynamic from %g: about %d updates are skipped until it has fallen to where nothing overflows' %
                  (first, _steps_to_fall(params)), '--loss_scale=dynamic --loss_scale_init=32768')


def _steps_to_fall(params: Params) -> int:
    shrinks = math.ceil(math.log(params.loss_scale_init / _FLOAT16_MAX) / -math.log(params.loss_scale_decrement_ratio))
    return shrinks * params.loss_scale_decrement_every


_LISTS, _CHANGES = ('black-list', 'white-list'), ('to-add', 'to-remove')


def mixlist(params: Params) -> Result:
    name = '--modify_mixlist'
    if params.modify_mixlist is None:
        return passed(name, 'not given')
    try:
        count = _count_operators(params.modify_mixlist)
    except UserError as error:
        return failed(name, str(error),
                      '{"black-list": {"to-add": ["Operator"]}} is how it looks; also white-list, to-remove')
    return passed(name, '%s: %d operators' % (params.modify_mixlist, count))


def _count_operators(path: str) -> int:
    lists = files.read_json(path, 2 ** 20, 'name a file of JSON')
    try:
        return len(_operators(lists))
    except ValueError as error:
        raise UserError('%s: %s' % (path, error))


def _operators(lists: Any) -> List[str]:
    operators = []
    for list_name, changes in _items(lists, _LISTS, 'the file'):
        for change, names in _items(changes, _CHANGES, list_name):
            if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
                raise ValueError('%s of %s is not a list of names' % (change, list_name))
            operators += names
    return operators


def _items(mapping: Any, keys: tuple, where: str) -> Any:
    if not isinstance(mapping, dict):
        raise ValueError('%s is not an object {...}' % where)
    unknown = sorted(set(mapping) - set(keys))
    if unknown:
        raise ValueError('%s has "%s", not only %s' % (where, unknown[0], ' and '.join(keys)))
    return mapping.items()
