"""Messages of protobuf, as graphs of TensorFlow and ONNX are, that may be damaged."""

import contextlib
import warnings
from typing import Iterator

from google.protobuf import message

from lenet.support import quiet


@contextlib.contextmanager
def parsing() -> Iterator[None]:
    """Keeps protobuf's own words about what is parsed within the block from the terminal.

    Raises:
      message.DecodeError: it is damaged, or goes on behind its end.
    """
    with quiet.without_stderr_lines('libprotobuf'), warnings.catch_warnings(record=True) as partly_read:
        warnings.simplefilter('always')
        yield
    if partly_read:  # protobuf only warns
        raise message.DecodeError(str(partly_read[0].message))
