"""Keras' mnist.npz: a zip of the four arrays x_train, y_train, x_test, y_test.

np.load is not used: even with allow_pickle=False it allocates whatever an array's header claims. Here memory is taken
for bytes that were read, and of a member no more is unpacked than its header says.
"""

import functools
import operator
import zipfile
import zlib
from typing import IO, Tuple

import numpy as np
from numpy.lib import format as npy

from lenet.data import idx
from lenet.data.splits import IMAGE_SHAPE, Split, make_split
from lenet.errors import UserError, one_line

FILE_NAME = 'mnist.npz'
KEYS = ('x_train', 'y_train', 'x_test', 'y_test')


def read(path: str, num_classes: int) -> Tuple[Split, Split]:
    """Reads an .npz file.

    Returns:
      the training split and the test split.

    Raises:
      UserError: it is not such a file, is damaged, or an array is missing, of another dtype or shape; the message
        names the file and the array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_keys(path, archive)
            x_train, y_train, x_test, y_test = [_read_array(path, archive, key) for key in KEYS]
    except OSError as error:
        raise UserError('%s: cannot be read (%s); check the file and its permissions' % (path, error.strerror or error))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # the last: encrypted
        raise UserError('%s: expected an intact .npz (zip) file, got: %s; get the file again' %
                        (path, str(error) or 'an early end'))
    return (_split(path, 'train', x_train, y_train, num_classes), _split(path, 'test', x_test, y_test, num_classes))


def _split(path: str, half: str, images: np.ndarray, labels: np.ndarray, num_classes: int) -> Split:
    return make_split(images, labels, '%s: x_%s' % (path, half), '%s: y_%s' % (path, half), num_classes)


def _check_keys(path: str, archive: zipfile.ZipFile) -> None:
    members = archive.namelist()
    missing = [key for key in KEYS if key + '.npy' not in members]
    if missing:
        raise UserError("%s: expected the arrays %s as in Keras' mnist.npz, missing: %s; get the file again"
                        % (path, ', '.join(KEYS), ', '.join(missing)))


def _read_array(path: str, archive: zipfile.ZipFile, key: str) -> np.ndarray:
    name = '%s: %s' % (path, key)
    with archive.open(key + '.npy') as stream:
        shape, fortran_order, dtype = _read_header(name, stream)
        _check_type(name, key, shape, dtype)
        expected = functools.reduce(operator.mul, shape, dtype.itemsize)  # Python's integers do not overflow
        payload = idx.read_at_most(stream, expected + 1)  # one more shows that there is more, or checks the CRC
    if len(payload) != expected:
        raise UserError('%s: expected %d bytes for its shape %s, got %s; get the file again'
                        % (name, expected, shape, 'more' if len(payload) > expected else len(payload)))
    return np.ascontiguousarray(np.frombuffer(payload, dtype).reshape(shape, order='F' if fortran_order else 'C'))


def _read_header(name: str, stream: IO[bytes]) -> Tuple[Tuple[int, ...], bool, np.dtype]:
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        return readers[npy.read_magic(stream)](stream)
    except Exception as error:  # the header is Python text, and NumPy's parser raises whatever damage leads it into
        raise UserError('%s: expected an .npy header, got: %s; get the file again'
                        % (name, one_line(error)))


def _check_type(name: str, key: str, shape: Tuple[int, ...], dtype: np.dtype) -> None:
    if key.startswith('x'):
        right = dtype == np.uint8 and shape[1:] == IMAGE_SHAPE and len(shape) == 3
        expected = 'uint8 [n, %d, %d]' % IMAGE_SHAPE
    else:
        right = dtype.kind in 'iu' and len(shape) == 1
        expected = 'integers [n]'
    if not right:
        raise UserError("%s: expected %s, got %s %s; write it as in Keras' mnist.npz"
                        % (name, expected, dtype.name, list(shape)))
