"""What every entry point shares: flags parsed, errors in one line, signals and exit statuses.

Exit statuses: 0 done, 1 failed, 2 wrong command line, 130 Ctrl-C, 143 SIGTERM.
"""

import sys
from typing import Callable, List, Optional

from absl import app
from absl import flags
from absl import logging  # defines --verbosity

from lenet.errors import UsageError, UserError
from lenet.support import flag_parsing
from lenet.support import paths
from lenet.support import signals
from lenet.support import stack
from lenet.support import streams
from lenet.support.text import printable

FLAGS = flags.FLAGS


def parse_flags(argv: list, positional: Optional[str] = None, several: bool = False,
                optional: bool = False) -> List[str]:
    """Parses `argv` into absl's FLAGS and returns the positional arguments.

    Args:
      positional: what the one positional argument is, None where none is taken.
      several: one or more of them are taken.
      optional: none is taken as well.

    Raises:
      UsageError: an unknown flag, a value out of bounds, a broken rule between flags, a missing flagfile, or another
        number of positional arguments (`--flag value` of a boolean flag silently means True: write `--flag=value`).
    """
    app.define_help_flags()
    try:
        arguments = flag_parsing.parse(FLAGS, argv[1:])
    except SystemExit:  # --help; absl would leave with 1
        sys.stdout.flush()
        sys.exit(0)
    taken = 0 if positional is None else 1
    if arguments[taken:] and not several:
        raise UsageError('unexpected argument %r: flags are written --name=value, see --help' % arguments[taken])
    if len(arguments) < taken and not optional:
        raise UsageError('%s is missing, see --help' % positional)
    if '' in arguments:
        raise UsageError('%s is empty, see --help' % positional)
    flag_parsing.require_names(FLAGS)
    return arguments


def run(main: Callable[..., Optional[int]], positional: Optional[str] = None, several: bool = False,
        optional: bool = False) -> None:
    """Runs an entry point and leaves the process with its exit status.

    Args:
      main: called with the positional arguments after the flags are parsed; returns the exit status, None for 0. A
        UserError that it raises is printed in one line (--verbosity=1 adds the traceback), and its exit_code becomes
        the status.
      positional: what the one positional argument is, None where none is taken.
      several: one or more of them are taken.
      optional: none is taken as well.
    """
    streams.open_all()
    signals.raise_on_signals()
    try:
        paths.interpret_variables()
        status = main(*parse_flags(sys.argv, positional, several, optional)) or 0
        sys.stdout.flush()
    except UserError as error:
        _report('error: %s' % error)
        status = error.exit_code
    except signals.Interrupted as interruption:
        _report(str(interruption))
        status = interruption.exit_code
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('lenet'):
            raise
        _report('error: %s has no module %s: start with ./run_1p.sh, which sets up what is needed, or run '
                '%s -m pip install -r %s' % (sys.executable, error.name, sys.executable, stack.REQUIREMENTS))
        status = 1
    except MemoryError:
        _report('error: the memory is exhausted; allow more of it (ulimit -v, or what the container may have), or take '
                'less data')
        status = 1
    except BrokenPipeError:  # `… | head`
        status = 1
    try:
        sys.stdout.flush()
    except (OSError, streams.OutputLost):  # has been told; it would fail again when Python ends
        streams.give_up_output()
    sys.exit(status)


def _report(line: str) -> None:
    if FLAGS.is_parsed() and logging.get_verbosity() >= logging.DEBUG:
        import traceback
        traceback.print_exc()
    print(printable(line, sys.stderr.encoding), file=sys.stderr)
