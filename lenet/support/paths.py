"""What a path means that a user gives: the one place that interprets path flags and path variables."""

import codecs
import os
import sys

from lenet.errors import UsageError
from lenet.support.text import printable

VARIABLES = ('LENET_DATA', 'RANK_TABLE_FILE')  # paths that commands, or the libraries they load, read


def interpret(path: str, name: str) -> str:
    """The path that `path` stands for: itself, or in somebody's home directory (bash leaves ~ alone after a =).

    Args:
      name: what errors call it.

    Raises:
      UsageError: it is empty or can be no file's name, there is no such home, or TensorFlow could not take it, which
        knows names as UTF-8 alone.
    """
    if not path:
        raise UsageError('%s= is empty: a path is needed' % name)
    shown = '%s=%s' % (name, printable(path))
    if '\0' in path:
        raise UsageError('%s: a path has no NUL character; correct it' % shown)
    expanded = os.path.expanduser(path)
    if expanded.startswith('~'):
        raise UsageError('%s: there is no home directory of that name; write ./%s if a file is called so' %
                         (shown, printable(path)))
    try:
        expanded.encode('utf-8')
    except UnicodeEncodeError:
        raise UsageError('%s: is no name in UTF-8, and TensorFlow takes no other; choose or make another name' % shown)
    return expanded


def require_locale(path: str, name: str) -> None:
    """
    Raises:
      UsageError: Python and TensorFlow would take `path` for different files.
    """
    encoding = sys.getfilesystemencoding()
    if not path.isascii() and codecs.lookup(encoding).name != 'utf-8':
        raise UsageError("%s=%s: TensorFlow takes names as UTF-8, and this locale's are %s; choose a name of ASCII "
                         'characters, or a UTF-8 locale such as LC_ALL=C.UTF-8' % (name, printable(path), encoding))


def interpret_variables() -> None:
    """Puts what they mean into the environment, for this process, its libraries and its children; an empty one counts
    as not set.

    Raises:
      UsageError: as `interpret` and `require_locale`.
    """
    for name in VARIABLES:
        if os.environ.get(name):
            os.environ[name] = interpret(os.environ[name], name)
            require_locale(os.environ[name], name)
