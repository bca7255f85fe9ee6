"""The bench's own flags, beside those of training, and what must hold for a measurement to be worth its name."""

import os
import re
from typing import List, Optional

from absl import flags as absl_flags

from lenet import flags
from lenet import platforms
from lenet.errors import UsageError
from lenet.flags import Params
from lenet.support import flag_parsing
from lenet.support import machine
from lenet.support.flag_parsing import define_path

VALUES = absl_flags.FLAGS
MIN_CALLS = 5  # are timed: fewer say nothing about a spread
WARMUP_CALLS = 2  # by default: the first compiles, the second finds caches and allocator cold


def _define_json_out(values: absl_flags.FlagValues) -> None:
    define_path('json_out', None, 'File for the whole report as JSON.', flag_values=values)


def _define_common(values: absl_flags.FlagValues) -> None:
    flags.define(values)
    _define_json_out(values)
    values.set_default('epochs', 1)
    absl_flags.DEFINE_integer('warmup', None, 'Steps that are run first and not counted: a multiple of '
                              '--iterations_per_loop, fewer than are timed. Default: 2 calls of --iterations_per_loop '
                              "steps; 100 steps for bench.compare's other programs.", 1, flags.MAX_COUNT,
                              flag_values=values)
    absl_flags.DEFINE_list('cores', [], 'How many cores to run on: 1 is the first that the process may use, 2 the '
                           'first two. Default: all. With --sweep several counts: 1,2.', flag_values=values)
    absl_flags.DEFINE_integer('rounds', None, 'How often each of several is measured, in turn: A B C A B C. Default: 3 '
                              'with --sweep, 5 in bench.compare.', 1, 1000, flag_values=values)


def define_perf(values: absl_flags.FlagValues = VALUES) -> None:
    """Defines the flags of bench.perf."""
    _define_common(values)
    absl_flags.DEFINE_bool('constant_input', True, 'Also times the step on one fixed batch: the difference is what '
                           'input costs, distortions with it.', flag_values=values)
    absl_flags.DEFINE_enum('format', 'text', ['text', 'json'], 'What is printed: for readers, or one line of JSON.',
                           flag_values=values)
    define_path('trace', None, 'File for a Chrome trace of one step.', flag_values=values)
    absl_flags.DEFINE_string('sweep', None, 'FLAG=VALUE,VALUE,…: measures each value in fresh processes; FLAG is one '
                             'of iterations_per_loop, input, replicas, conv, batch_size.', flag_values=values)
    define_path('plot', None, 'PNG file for a picture of --sweep; needs matplotlib.', flag_values=values)


def define_compare(values: absl_flags.FlagValues = VALUES) -> None:
    """Defines the flags of bench.compare."""
    _define_common(values)
    absl_flags.DEFINE_string(
        'contenders', 'ours,reference', 'What is compared, separated by commas, the first with each other one: ours, '
        'ours_peer, ours_whole, ours_2ranks, ours_4ranks, reference, reference_summary, pytorch, '
        'pytorch_channels_last, pytorch_compiled, jax, keras. "ours:--conv=direct --replicas=1" adds flags, '
        '"LABEL=ours:…" a name for the table.', flag_values=values)
    define_path('peer_python', None, 'Interpreter that has PyTorch, JAX or a current TensorFlow, for the '
                'contenders ours_peer, pytorch…, jax and keras.', flag_values=values)
    absl_flags.DEFINE_bool('readme', False, "Writes the table into README.md and README.zh.md, in their table's place.",
                           flag_values=values)


def define_accuracy(values: absl_flags.FlagValues = VALUES) -> None:
    """Defines the flags of bench.accuracy."""
    flags.define(values)
    _define_json_out(values)
    absl_flags.DEFINE_integer('seeds', 5, 'How many seeds are trained, from --seed on.', 1, 1000, flag_values=values)
    absl_flags.DEFINE_integer('at_once', 1, 'Trainings at a time, each restricted to its share of the cores. With '
                              'fewer cores --replicas is smaller unless given, which changes the last digits of a '
                              'result.', 1, 1024, flag_values=values)
    define_path('keep', None, "Directory for the seeds' runs, in its folders seed_1 and so on. Default: they are "
                'removed.', flag_values=values)


def training_params(arguments: List[str]) -> Params:
    """What a process of bench.perf with these arguments would read, not completed.

    Raises:
      UsageError: as it would.
    """
    values = absl_flags.FlagValues()
    define_perf(values)
    flag_parsing.parse(values, arguments)
    return flags.read(values)


def add(params: Params, added: List[str], warmup: Optional[int]) -> Params:
    """`params` with further flags, as bench.perf would read them together, not completed, and known to be measurable.

    Args:
      params: as read; what is left open there may depend on the added flags.
      warmup: --warmup, None for the default.

    Raises:
      UsageError: a flag or value that training does not take, or a rule of `warmup_steps` that they break.
    """
    params = training_params(flags.to_lines(params) + added)
    warmup_steps(flags.complete(params, platforms.resolve(params.platform)), warmup)
    return params


def check(values: absl_flags.FlagValues) -> None:
    """Checks the values that are no single numbers or words.

    Raises:
      UsageError: --cores that are no numbers.
    """
    if 'cores' in values and not all(re.fullmatch('0*[1-9][0-9]{0,8}', count) for count in values['cores'].value):
        raise UsageError('--cores=%s: numbers from 1, joined by commas, are needed' % ','.join(values['cores'].value))


def restrict_cores(values: absl_flags.FlagValues) -> None:
    """From now on this process, and what it starts, runs on the first --cores of its cores; without the flag on all.

    Must come before TensorFlow is imported, which sizes its thread pools by the cores it finds.

    Raises:
      UsageError: several counts were given, or one that cannot be had.
    """
    if len(values['cores'].value) > 1:
        raise UsageError('--cores=%s: several need --sweep of bench.perf' % ','.join(values['cores'].value))
    for count in values['cores'].value:
        check_cores(int(count))
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(count)])


def check_cores(count: int) -> None:
    """Raises:
      UsageError: fewer than `count` cores are usable, or --cores cannot be had on this system.
    """
    if not hasattr(os, 'sched_setaffinity'):
        raise UsageError('--cores=%d: this system cannot restrict a process to some cores; leave it out' % count)
    if not 1 <= count <= machine.usable_cores():
        raise UsageError('--cores=%d: %d can be used here' % (count, machine.usable_cores()))


def check_sweep(values: absl_flags.FlagValues) -> None:
    """The rules between --sweep and the other flags of bench.perf.

    Raises:
      UsageError: a flag without the one it belongs to, or with one it does not go with.
    """
    if values['sweep'].value is None:
        for name in ('plot', 'rounds'):
            if values[name].value is not None:
                raise UsageError('--%s needs --sweep' % name)
    elif values['trace'].value is not None:
        raise UsageError('--trace is of one measurement: leave out --sweep or --trace')
    elif values['format'].value != 'text':
        raise UsageError('--format=json is of one measurement: use --json_out with --sweep')


def timed_steps(params: Params) -> int:
    """How many steps are timed: as long as the run that the training flags describe."""
    return params.steps * params.epochs


def warmup_steps(params: Params, asked: Optional[int]) -> int:
    """The steps that are run and discarded first.

    Args:
      params: completed; that N divides the timed steps is checked there.
      asked: --warmup, None for the default.

    Raises:
      UsageError: too few calls would be timed, or the warm-up is no multiple of N or not shorter than what it
        precedes.
    """
    n, steps = params.iterations_per_loop, timed_steps(params)
    run = '--steps=%d x --epochs=%d' % (params.steps, params.epochs)
    if steps < MIN_CALLS * n:
        raise UsageError('%s is %d calls of --iterations_per_loop=%d: at least %d are timed, use --steps=%d or a '
                         'smaller --iterations_per_loop' % (run, steps // n, n, MIN_CALLS, MIN_CALLS * n))
    warmup = WARMUP_CALLS * n if asked is None else asked
    if warmup % n:
        raise UsageError('--warmup=%d is not a multiple of --iterations_per_loop=%d: use --warmup=%d' %
                         (warmup, n, n * -(-warmup // n)))
    if warmup >= steps:
        raise UsageError('--warmup=%d is not below %s, the steps that are timed: use more --steps' % (warmup, run))
    return warmup
