"""absl's parsing, with its errors as ours; flags that take a path; flagfiles."""

import functools
import re
from typing import Any, Callable, List, Optional, Tuple

from absl import flags

from lenet.errors import UsageError, UserError, one_line
from lenet.support import files
from lenet.support import paths

MAX_COUNT = 10 ** 9  # the most of what is counted
_FLAGFILE = re.compile(r'--?flagfile(=(?P<name>.*))?', re.DOTALL)
_FLAGFILE_BYTES = 2 ** 20
_ADVICE = 'a text file is needed, one flag a line'

flags.disclaim_key_flags()  # those of define_path are of the module that calls it


class Path(flags.ArgumentParser):
    """Of the flag `name`."""

    def __init__(self, name: str) -> None:
        self._name = '--' + name

    def parse(self, argument: str) -> str:
        return paths.interpret(argument, self._name)


def define_path(name: str, default: Optional[str], help: str, flag_values: flags.FlagValues = flags.FLAGS,
                **options: Any) -> None:
    """Defines a flag that takes the path of a file or directory; `paths.interpret` says what is one."""
    flags.DEFINE(Path(name), name, default, help, flag_values, **options)


class Definer:
    """absl's DEFINE_… functions for one FlagValues: `integer` is DEFINE_integer; `path` is ours."""

    def __init__(self, values: flags.FlagValues) -> None:
        self.values = values
        self.path = functools.partial(define_path, flag_values=values)

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        return functools.partial(getattr(flags, 'DEFINE_' + kind), flag_values=self.values)


def require_names(values: flags.FlagValues) -> None:
    """
    Raises:
      UsageError: the path of a flag is a name that this locale does not have in UTF-8.
    """
    for name in values:
        if isinstance(values[name].parser, Path) and values[name].value is not None:
            paths.require_locale(values[name].value, '--' + name)


def parse(values: flags.FlagValues, arguments: List[str], known_only: bool = False) -> List[str]:
    """Parses `arguments`, without the program's name, into `values` and returns those that are no flags.

    Args:
      known_only: flags that `values` does not know are left among what is returned, not refused.

    Raises:
      UsageError: an unknown flag, a value out of bounds, or a flagfile that cannot be read.
    """
    try:
        return values(['lenet'] + _with_flagfiles(arguments), known_only=known_only)[1:]
    except flags.Error as error:
        raise UsageError(one_line(error))


def _with_flagfiles(arguments: List[str], opened: Tuple[str, ...] = ()) -> List[str]:
    """`arguments` with the lines of a flagfile in its place, and of those that it names, `opened` being around."""
    result, rest = [], list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == '--':
            return result + [argument] + rest
        found = _FLAGFILE.fullmatch(argument)
        if not found:
            result.append(argument)
        elif found.group(1) is None and not rest:
            raise UsageError('--flagfile: its name is missing')
        else:
            path = paths.interpret(rest.pop(0) if found.group(1) is None else found.group('name').strip(), '--flagfile')
            result += _with_flagfiles(_lines(path, opened), opened + (path,))
    return result


def _lines(path: str, opened: Tuple[str, ...]) -> List[str]:
    """What a flagfile says, without comments and blank lines."""
    if path in opened:
        raise UsageError('--flagfile=%s: includes itself; leave that out' % path)
    try:
        text = files.read(path, _FLAGFILE_BYTES, _ADVICE).decode('utf-8-sig')
    except UserError as error:
        raise UsageError('--flagfile=%s' % error)
    except UnicodeDecodeError:
        raise UsageError('--flagfile=%s: is no UTF-8; %s' % (path, _ADVICE))
    if '\0' in text:
        raise UsageError('--flagfile=%s: holds NUL characters; %s' % (path, _ADVICE))
    lines = [line.strip() for line in re.split('\r\n|\r|\n', text)]
    return [line for line in lines if line and not line.startswith(('#', '//'))]
