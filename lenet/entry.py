"""What every entry point shares: flags parsed, errors in one line, signals and exit statuses.

Exit statuses: 0 done, 1 failed, 2 wrong command line, 130 Ctrl-C, 143 SIGTERM.
"""

import sys
from typing import Callable, Optional

from absl import app
from absl import flags
from absl import logging  # defines --verbosity

from lenet import signals
from lenet.errors import UsageError, UserError

FLAGS = flags.FLAGS


def parse_flags(argv: list) -> None:
    """Parses `argv` into absl's FLAGS.

    Raises:
      UsageError: an unknown flag, a value out of bounds, a broken rule between flags, a missing flagfile, or a
        positional argument (`--flag value` of a boolean flag silently means True: write `--flag=value`).
    """
    app.define_help_flags()
    try:
        positional = FLAGS(argv)
    except flags.Error as error:
        raise UsageError(' '.join(str(error).split()))
    except SystemExit:  # --help; absl would leave with 1
        sys.exit(0)
    if positional[1:]:
        raise UsageError('unexpected argument %r: flags are written --name=value, see --help' % positional[1])


def run(main: Callable[[], Optional[int]]) -> None:
    """Runs an entry point and leaves the process with its exit status.

    Args:
      main: called after the flags are parsed; returns the exit status, None for 0. A UserError that it raises is
        printed in one line (--verbosity=1 adds the traceback), and its exit_code becomes the status.
    """
    signals.raise_on_signals()
    try:
        parse_flags(sys.argv)
        status = main() or 0
        sys.stdout.flush()
    except UserError as error:
        _report('error: %s' % error)
        status = error.exit_code
    except signals.Interrupted as interruption:
        _report(str(interruption))
        status = interruption.exit_code
    except BrokenPipeError:  # `… | head`
        sys.stderr.close()
        status = 1
    sys.exit(status)


def _report(line: str) -> None:
    if FLAGS.is_parsed() and logging.get_verbosity() >= logging.DEBUG:
        import traceback
        traceback.print_exc()
    print(line, file=sys.stderr)
