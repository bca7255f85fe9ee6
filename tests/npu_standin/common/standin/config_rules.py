"""The rules of a session's ConfigProto: one table key -> field -> legal values, and what the keys ask of each other."""

import json
import os
import re
from typing import Any, Callable, Dict, NamedTuple, Optional

from tensorflow.core.protobuf import rewriter_config_pb2

from standin import journal, settings, violations
from standin.engine import engine

OPTIMIZER = 'NpuOptimizer'
_OFF = rewriter_config_pb2.RewriterConfig.OFF
_PRECISION_MODES = ('allow_fp32_to_fp16', 'allow_mix_precision', 'must_keep_origin_dtype', 'force_fp32', 'force_fp16')
_LATER_MODES = ('cube_fp16in_fp32out', 'allow_mix_precision_fp16', 'allow_mix_precision_bf16', 'allow_fp32_to_bf16')
_MODES_V2 = ('origin', 'fp16', 'cube_fp16in_fp32out', 'mixed_float16', 'mixed_bfloat16', 'mixed_hif8', 'cube_hif8')
_MIXED_MODES = ('allow_mix_precision', 'allow_mix_precision_fp16', 'allow_mix_precision_bf16', 'mixed_float16',
                'mixed_bfloat16', 'mixed_hif8')
_LATER_KEYS = ('hccl_timeout', 'op_execute_timeout', 'precision_mode_v2')  # the generation of 2021 ignores them
_PROFILING_KEYS = ('output', 'task_trace', 'training_trace', 'aicpu', 'fp_point', 'bp_point')
_FOR_THE_PROCESS = ('precision_mode', 'precision_mode_v2', 'profiling_mode', 'profiling_options', 'graph_run_mode')
_DUMP_SETS = 100
_DUMP_STEP = re.compile(r'\d+(-\d+)?(\|\d+(-\d+)?)*')


class Entry(NamedTuple):
    """A key of the parameter_map."""

    field: str  # of AttrValue: b, i or s
    default: Any  # what the device takes when the key is missing
    legal: Callable[[Any], bool]
    values: str  # the legal values in words


def _one_of(field: str, default: Any, *values: Any) -> Entry:
    return Entry(field, default, lambda value: value in values, ', '.join(str(value) for value in values))


def _between(default: Any, least: int, most: float) -> Entry:
    return Entry('i', default, lambda value: least <= value <= most, '%s to %s' % (least, most))


def _switch(default: Any) -> Entry:
    return Entry('b', default, lambda value: True, 'a bool')


def _text() -> Entry:
    return Entry('s', '', lambda value: True, 'a string')


def _legal_dump_step(value: str) -> bool:
    sets = value.split('|')
    return not value or (_DUMP_STEP.fullmatch(value) is not None and len(sets) <= _DUMP_SETS and
                         all(int(item.split('-')[0]) <= int(item.split('-')[-1]) for item in sets))


TABLE = {
    'use_off_line': _switch(False),
    'enable_data_pre_proc': _switch(False),
    'iterations_per_loop': _between(1, 1, float('inf')),
    'mix_compile_mode': _switch(False),
    'precision_mode': _one_of('s', '', *_PRECISION_MODES, *_LATER_MODES),
    'precision_mode_v2': _one_of('s', '', *_MODES_V2),
    'modify_mixlist': _text(),
    'graph_run_mode': _one_of('i', 1, 0, 1),
    'profiling_mode': _switch(False),
    'profiling_options': _text(),
    'enable_dump': _switch(False),
    'enable_dump_debug': _switch(False),
    'dump_path': _text(),
    'dump_step': Entry('s', '', _legal_dump_step, '0|5|10-20, at most %d sets' % _DUMP_SETS),
    'dump_mode': _one_of('s', 'output', 'input', 'output', 'all'),
    'dump_debug_mode': _one_of('s', 'all', 'aicore_overflow', 'atomic_overflow', 'all'),
    'op_debug_level': _between(0, 0, 4),
    'hcom_parallel': _switch(None),  # False in 2021, True since adapter r1.10
    'hccl_timeout': _between(1836, 1, 17340),
    'op_execute_timeout': _between(None, 1, float('inf')),
}


def has_optimizer(config: Any) -> bool:
    """True when a ConfigProto (or None) names NpuOptimizer, so that its session runs on the device."""
    names = [] if config is None else [item.name for item in config.graph_options.rewrite_options.custom_optimizers]
    if names and names != [OPTIMIZER]:
        violations.violate('config-optimizer', 'the custom optimizers are %s' % ', '.join(map(repr, names)))
    return OPTIMIZER in names


def given(config: Any) -> Dict[str, Any]:
    """The parameter_map as the program wrote it: key -> value."""
    parameters = config.graph_options.rewrite_options.custom_optimizers[0].parameter_map
    return {key: _value(parameters[key], parameters[key].WhichOneof('value')) for key in sorted(parameters)}


def _value(attribute: Any, field: Optional[str]) -> Any:
    if field not in ('b', 'i', 's'):
        return None if field is None else str(attribute)
    value = getattr(attribute, field)
    return value.decode('utf-8', 'replace') if field == 's' else value


def check(config: Any) -> Dict[str, Any]:
    """Checks the ConfigProto of a device session.

    Returns:
      Every key of TABLE with the value that the device takes.
    """
    _check_placement(config)
    values = _read(config.graph_options.rewrite_options.custom_optimizers[0].parameter_map)
    if not values['use_off_line']:
        violations.violate('config-required', 'use_off_line is not True')
    _check_precision(values)
    if values['iterations_per_loop'] > 1:
        for key, wanted in (('enable_data_pre_proc', True), ('mix_compile_mode', False)):
            if values[key] != wanted:
                violations.violate('config-sinking', 'iterations_per_loop is %d and %s is %s'
                                   % (values['iterations_per_loop'], key, values[key]))
    _check_dump(values)
    _check_profiling(values)
    _check_mixlist(values)
    _hold(values)
    return values


def _check_placement(config: Any) -> None:
    rewriters = config.graph_options.rewrite_options
    for name in ('remapping', 'memory_optimization'):
        if getattr(rewriters, name) != _OFF:
            violations.violate('config-rewriters', '%s is %d, not RewriterConfig.OFF (%d)'
                               % (name, getattr(rewriters, name), _OFF))
    others = {field.name for field, _ in rewriters.ListFields()} - {'remapping', 'memory_optimization',
                                                                    'custom_optimizers'}
    if others:
        violations.violate('config-rewriters', 'also set: %s' % ', '.join(sorted(others)))
    if not config.allow_soft_placement:
        violations.violate('config-placement', 'allow_soft_placement is False')


def _read(parameters: Any) -> Dict[str, Any]:
    for key in sorted(set(parameters) - set(TABLE)):
        violations.violate('config-key', repr(key))
    values = {key: entry.default for key, entry in TABLE.items()}
    for key in sorted(set(parameters) & set(TABLE)):
        if key in _LATER_KEYS and not engine.since('v23'):
            journal.record('ignored', key=key, reason='adapters before r1.7 do not read it')
            continue
        entry, field = TABLE[key], parameters[key].WhichOneof('value')
        if field != entry.field:
            violations.violate('config-field', '%s is in field %s, not in %s' % (key, field, entry.field))
        values[key] = _value(parameters[key], entry.field)
        if field == entry.field and not entry.legal(values[key]):
            violations.violate('config-value', '%s is %r, legal: %s' % (key, values[key], entry.values))
    return values


def _check_precision(values: Dict[str, Any]) -> None:
    modes = [values[key] for key in ('precision_mode', 'precision_mode_v2') if values[key]]
    if not modes:
        violations.violate('config-required', 'neither precision_mode nor precision_mode_v2 is set')
    if len(modes) == 2:
        violations.violate('config-precision', 'both are set: %s' % ', '.join(modes))
    if not engine.since('v23') and modes[0] in _LATER_MODES:
        violations.violate('config-value', 'precision_mode %s is of a later generation' % modes[0])
    if not settings.inf_nan() and any(name in modes[0] for name in ('bf16', 'bfloat16', 'hif8')):
        violations.violate('config-precision', 'the 910 has no %s' % modes[0])


def _check_dump(values: Dict[str, Any]) -> None:
    if values['enable_dump'] and values['enable_dump_debug']:
        violations.violate('config-dump', 'both enable_dump and enable_dump_debug are True')
    if values['enable_dump'] or values['enable_dump_debug']:
        path = values['dump_path']
        if not (os.path.isdir(path) and os.access(path, os.W_OK)):
            violations.violate('config-dump', 'dump_path %r is no writable directory' % path)


def _check_profiling(values: Dict[str, Any]) -> None:
    text = values['profiling_options']
    if not text:
        if values['profiling_mode'] and not engine.since('v23'):
            violations.violate('config-profiling', 'profiling_mode without profiling_options aborts this generation')
        return
    try:
        options = json.loads(text)
    except ValueError as error:
        violations.violate('config-profiling', 'profiling_options is no JSON: %s' % error)
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        violations.violate('config-profiling', 'profiling_options must be an object of strings, got %s' % text)
    unknown = set(options) - set(_PROFILING_KEYS)
    if unknown:
        violations.violate('config-profiling', 'unknown in profiling_options: %s' % ', '.join(sorted(unknown)))
    if not os.path.isdir(options.get('output', '')):
        violations.violate('config-profiling', 'output %r is no directory' % options.get('output'))


def _check_mixlist(values: Dict[str, Any]) -> None:
    path = values['modify_mixlist']
    if not path:
        return
    if not engine.since('v23'):
        journal.record('ignored', key='modify_mixlist', reason='adapters before r1.5 do not read it')
        return
    mode = values['precision_mode_v2'] or values['precision_mode']
    if mode not in _MIXED_MODES:
        violations.violate('config-mixlist', 'precision_mode is %s' % mode)
    try:
        with open(path, encoding='utf-8') as stream:
            lists = json.load(stream)
    except (OSError, ValueError) as error:
        violations.violate('config-mixlist', '%s: %s' % (path, error))
    legal = isinstance(lists, dict) and set(lists) <= {'black-list', 'white-list'} and all(
        isinstance(changes, dict) and set(changes) <= {'to-add', 'to-remove'} and
        all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in changes.values())
        for changes in lists.values())
    if not legal:
        violations.violate('config-mixlist', '%s holds %s' % (path, json.dumps(lists)))


def _hold(values: Dict[str, Any]) -> None:
    """The first session's options hold for the process; a later session may only repeat them."""
    for key in _FOR_THE_PROCESS:
        held = engine.held.setdefault(key, values[key])
        if held != values[key]:
            violations.violate('config-process', '%s is %r in this session and %r in the first'
                               % (key, values[key], held))
