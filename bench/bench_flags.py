"""The bench's own flags, beside those of training."""

from typing import List, Optional

from absl import flags as absl_flags

from lenet import flags
from lenet.errors import UsageError
from lenet.support import flag_parsing

VALUES = absl_flags.FLAGS


def _define_common(values: absl_flags.FlagValues) -> None:
    flags.define(values)
    values.set_default('epochs', 1)
    absl_flags.DEFINE_integer('warmup', None, 'Steps that are run first and not counted. Default: 2 calls of '
                              '--iterations_per_loop steps.', 1, flags.MAX_COUNT, flag_values=values)
    absl_flags.DEFINE_list('cores', [], 'Cores to run on, by number: 1. Default: all. With --sweep several: 1,2.',
                           flag_values=values)
    absl_flags.DEFINE_string('json_out', None, 'File for the whole report as JSON.', flag_values=values)
    absl_flags.DEFINE_integer('rounds', None, 'How often each of several is measured, in turn: A B C A B C. Default: 3 '
                              'with --sweep, 5 in bench.compare.', 1, 1000, flag_values=values)


def define_perf(values: absl_flags.FlagValues = VALUES) -> None:
    """Defines the flags of bench.perf."""
    _define_common(values)
    absl_flags.DEFINE_bool('constant_input', True, 'Also times the step on one fixed batch: what is left is input.',
                           flag_values=values)
    absl_flags.DEFINE_enum('format', 'text', ['text', 'json'], 'What is printed: for readers, or one line of JSON.',
                           flag_values=values)
    absl_flags.DEFINE_string('trace', None, 'File for a Chrome trace of one step.', flag_values=values)
    absl_flags.DEFINE_string('sweep', None, 'FLAG=VALUE,VALUE,…: measures each value in fresh processes; FLAG is one '
                             'of iterations_per_loop, input, replicas, conv, batch_size.', flag_values=values)
    absl_flags.DEFINE_string('plot', None, 'PNG file for a picture of --sweep; needs matplotlib.', flag_values=values)


def define_compare(values: absl_flags.FlagValues = VALUES) -> None:
    """Defines the flags of bench.compare."""
    _define_common(values)
    absl_flags.DEFINE_string(
        'contenders', 'ours,reference', 'What is compared, separated by commas, the first with each other one: ours, '
        'ours_whole, ours_2ranks, ours_4ranks, reference, reference_summary, pytorch, pytorch_channels_last, keras. '
        '"ours:--conv=direct --replicas=1" adds flags, "LABEL=ours:…" a name for the table.', flag_values=values)
    absl_flags.DEFINE_string('peer_python', None, 'Interpreter that has PyTorch, or a current TensorFlow, for the '
                             'contenders pytorch, pytorch_channels_last and keras.', flag_values=values)


def training_params(arguments: List[str]) -> flags.Params:
    """What a process of bench.perf with these arguments would read, not completed.

    Raises:
      UsageError: as it would.
    """
    values = absl_flags.FlagValues()
    define_perf(values)
    flag_parsing.parse(values, arguments)
    return flags.read(values)


def check(values: absl_flags.FlagValues) -> None:
    """Checks the values that are no single numbers or words.

    Raises:
      UsageError: an empty path, or --cores that are no numbers.
    """
    for name in ('json_out', 'trace', 'plot', 'peer_python'):
        if name in values and values[name].value == '':
            raise UsageError('--%s= is empty: a path is needed' % name)
    if not all(count.isdigit() and int(count) for count in values['cores'].value):
        raise UsageError('--cores=%s: numbers from 1, joined by commas, are needed' % ','.join(values['cores'].value))


def one_core_count(values: absl_flags.FlagValues) -> Optional[int]:
    """--cores where one number has a meaning, None without it.

    Raises:
      UsageError: several were given.
    """
    if len(values['cores'].value) > 1:
        raise UsageError('--cores=%s: several need --sweep of bench.perf' % ','.join(values['cores'].value))
    return int(values['cores'].value[0]) if values['cores'].value else None


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
