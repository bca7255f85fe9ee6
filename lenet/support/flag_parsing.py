"""absl's parsing, with its errors as ours, and what every flag that takes a path must hold."""

from typing import List, Optional

from absl import flags

from lenet.errors import UsageError, one_line


def parse(values: flags.FlagValues, arguments: List[str], known_only: bool = False) -> List[str]:
    """Parses `arguments`, without the program's name, into `values` and returns those that are no flags.

    Args:
      known_only: flags that `values` does not know are left among what is returned, not refused.

    Raises:
      UsageError: an unknown flag, a value out of bounds, or a flagfile that cannot be read.
    """
    try:
        return values(['lenet'] + arguments, known_only=known_only)[1:]
    except flags.Error as error:
        raise UsageError(one_line(error))
    except UnicodeDecodeError:
        raise UsageError('--flagfile: a text file is needed, one flag a line')


def require_path(name: str, value: Optional[str]) -> None:
    """Raises:
      UsageError: `value`, of the flag `name`, is empty.
    """
    if value == '':
        raise UsageError('--%s= is empty: a path is needed' % name)
