"""Small data files for tests, and what the tests of errors share."""

import gzip
import hashlib
import io
import os
import struct
from typing import Any, Callable, Sequence

import numpy as np
import pytest

from lenet.data import idx
from lenet.data.mnist_files import RawFile
from lenet.data.splits import Split
from lenet.errors import UserError


def error_of(call: Callable[..., Any], *args: Any) -> str:
    """The one line of the UserError that call(*args) raises."""
    with pytest.raises(UserError) as raised:
        call(*args)
    message = str(raised.value)
    assert '\n' not in message
    return message


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (count, 28, 28)).astype(np.uint8)


def labels(count: int) -> np.ndarray:
    return (np.arange(count) * 7 % 10).astype(np.uint8)


def idx_bytes(array: np.ndarray, dimensions: Sequence[int] = None) -> bytes:
    """The IDX form of an array; `dimensions` may make its header lie."""
    dimensions = array.shape if dimensions is None else dimensions
    code = {'u1': 8, 'i1': 9, 'i2': 11, 'i4': 12, 'f4': 13, 'f8': 14}[array.dtype.str[1:]]
    return bytes((0, 0, code, len(dimensions))) + struct.pack('>%dI' % len(dimensions), *dimensions) + (
        array.astype(array.dtype.newbyteorder('>')).tobytes())


def write(path: str, content: bytes) -> str:
    """Writes a file, gzipped if its name ends in .gz."""
    with open(path, 'wb') as stream:
        stream.write(zipped(content) if path.endswith('.gz') else content)
    return path


def zipped(content: bytes) -> bytes:
    """`content` in gzip's form, the same bytes at every time."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode='wb', mtime=0) as stream:
        stream.write(content)
    return buffer.getvalue()


def write_dataset(folder: str, name: Callable[[str], str] = str, train: int = 13, test: int = 7) -> None:
    """Writes the four files; `name` turns a standard name into the one that is used."""
    os.makedirs(folder, exist_ok=True)
    contents = (images(train, 1), labels(train), images(test, 2), labels(test))
    for standard, array in zip(idx.NAMES, contents):
        write(os.path.join(folder, name(standard)), idx_bytes(array))


def write_emnist(folder: str, split: str, train: Split, test: Split, first: int, suffix: str = '.gz') -> None:
    """Writes what makes a split of EMNIST: names of its own, images transposed, labels counted from `first`."""
    os.makedirs(folder, exist_ok=True)
    for half, (pixels, classes) in (('train', train), ('test', test)):
        stem = os.path.join(folder, 'emnist-%s-%s' % (split, half))
        write('%s-images-idx3-ubyte%s' % (stem, suffix), idx_bytes(pixels[..., 0].transpose(0, 2, 1)))
        write('%s-labels-idx1-ubyte%s' % (stem, suffix), idx_bytes((classes + first).astype(np.uint8)))


def raw_file(name: str, content: bytes) -> RawFile:
    return RawFile(name, len(content), hashlib.sha256(content).hexdigest())
