"""The errors a user can cause: one line that names the flag or file, what was found, what to do."""

import re


class UserError(Exception):
    """Something the user can mend; the entry point prints the message alone and exits 1."""

    exit_code = 1


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
