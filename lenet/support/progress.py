"""Progress bars on a terminal, nothing elsewhere.

tqdm draws them. It may be missing (an Ascend image with TensorFlow and no network): the work is then done without a
bar.
"""

import contextlib
import sys
from typing import Any, Callable, Iterator, Optional

from lenet.support import streams
from lenet.support.text import printable

try:
    import tqdm
except ImportError:
    tqdm = None


def _silent(*unused_args: Any, **unused_kwargs: Any) -> None:
    pass


def on_terminal() -> bool:
    """True when bars are drawn: tqdm is there and stderr is a terminal."""
    return tqdm is not None and sys.stderr.isatty()


@contextlib.contextmanager
def bar(total: Optional[int], description: str, unit: str, initial: int = 0) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr.

    Args:
      total: the count at 100 %, None if unknown.
      description: text before the bar.
      unit: 'B' counts bytes with binary prefixes; anything else is shown as it is.
      initial: the count to start from.

    Yields:
      advance(count, **postfix): moves the bar by `count` and shows the postfix values after it.
    """
    if not on_terminal():
        yield _silent
        return
    with tqdm.tqdm(total=total, desc=description, unit=unit, initial=initial, unit_scale=unit == 'B',
                   unit_divisor=1024, dynamic_ncols=True, leave=False) as drawn:
        def advance(count: int, **postfix: Any) -> None:
            if postfix:
                drawn.set_postfix(postfix, refresh=False)
            drawn.update(count)
        yield advance


def say(line: str) -> None:
    """Prints a line of progress on stdout, above the bar where there is one.

    Where that cannot be written, as the reader has gone (`| head`) or its disk is full, this line and all later ones
    are lost: no reason to lose a training, whose records lie in files.
    """
    try:
        answer(line)
    except (OSError, streams.OutputLost):
        streams.give_up_output()


def answer(line: str) -> None:
    """As `say`, for what a command was asked for: only a reader that has gone is no reason to fail.

    Raises:
      OutputLost: it cannot be written.
    """
    line = printable(line, sys.stdout.encoding)
    try:
        if on_terminal():
            tqdm.tqdm.write(line)
            sys.stdout.flush()
        else:
            print(line, flush=True)
    except BrokenPipeError:
        streams.give_up_output()


def warn(line: str) -> None:
    """Prints a warning on stderr, above the bar where there is one."""
    tell('warning: ' + line)


def tell(line: str) -> None:
    """Prints a line on stderr, above the bar where there is one; lost where there is no stderr."""
    line = printable(line, sys.stderr.encoding)
    with contextlib.suppress(OSError):
        if on_terminal():
            tqdm.tqdm.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)
