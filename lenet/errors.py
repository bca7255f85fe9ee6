"""The errors a user can cause: one line that names the flag or file, what was found, what to do."""

import re

from lenet.support.text import printable

# Where values of another form than expected lead what takes them apart.
MISFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_LONGEST = 4000  # characters of a message: a path and what to do, not a file's whole content


class UserError(Exception):
    """Something the user can mend; the entry point prints the message alone and exits 1.

    The message may quote names and files as they are: it becomes one line of printable characters.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        message = printable(message)
        if len(message) > _LONGEST:
            message = '%s … %s' % (message[:_LONGEST // 2], message[-_LONGEST // 2:])
        super().__init__(message)


class UsageError(UserError):
    """A wrong command line; exits 2."""

    exit_code = 2


def one_line(error: BaseException) -> str:
    """What an error says, its lines joined; its type's name where it says nothing."""
    return ' '.join(str(error).split()) or type(error).__name__


def first_line(error: BaseException) -> str:
    """What an error says, without the lines that TensorFlow adds; its type's name where it says nothing."""
    message = getattr(error, 'message', None) or str(error)
    # TensorFlow 2 tells first where the failing node was defined.
    message = re.sub(r"\AGraph execution error:.*?^Node: [^\n]*\n", '', message, flags=re.DOTALL | re.MULTILINE).strip()
    return message.splitlines()[0] if message else type(error).__name__
