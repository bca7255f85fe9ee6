"""Every reader of a file, with a right file of its own: for tests/test_readers.py, which damages the file."""

import json
import os
from typing import Any, Callable, NamedTuple, Optional


class Reader(NamedTuple):
    """How to read a file."""

    file: str  # what is damaged, below the folder
    make: Callable[[str], Any]  # fills an empty folder with what is right
    read: Callable[[str], Any]  # reads it from the folder
    is_right: Callable[[Any], bool]  # whether a value is of the form that is promised
    is_json: bool = False
    names: Optional[str] = None  # what errors name, below the folder; None: the file
    does_without: bool = False  # a file that is missing, or cannot be read, is no error
    is_file: bool = True  # False for what does not come from a file of a user, but in one piece from elsewhere


def put(name: str, content: bytes) -> Callable[[str], None]:
    """Something that writes a file below a folder."""
    def write(folder: str) -> None:
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as stream:
            stream.write(content)
    return write


def put_json(name: str, value: Any) -> Callable[[str], None]:
    return put(name, json.dumps(value).encode())


def at(name: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """`read` of the path of a file below a folder."""
    return lambda folder: read(os.path.join(folder, name))


def content(folder: str, name: str) -> bytes:
    with open(os.path.join(folder, name), 'rb') as stream:
        return stream.read()


def is_none(value: Any) -> bool:
    return value is None


def is_text(value: Any) -> bool:
    return isinstance(value, str)
