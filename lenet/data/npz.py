"""Keras' mnist.npz: a zip of the four arrays x_train, y_train, x_test, y_test.

np.load is not used: even with allow_pickle=False it allocates whatever an array's header claims, and it evaluates the
header, which is Python text. Here a header is taken apart by a pattern, memory is taken for bytes that were read, and
of a member no more is unpacked than its header says.
"""

import contextlib
import re
import struct
import zipfile
from typing import IO, Iterator, Tuple

import numpy as np

from lenet.data import idx
from lenet.data.splits import Form, IMAGE_SHAPE, Split, make_split
from lenet.errors import UserError, one_line
from lenet.support import files
from lenet.support.text import printable

FILE_NAME = 'mnist.npz'
KEYS = ('x_train', 'y_train', 'x_test', 'y_test')

_MAGIC = b'\x93NUMPY'
_LONGEST_HEADER = 10000  # bytes; NumPy's own bound
# Its repetitions are bounded or told apart by a character, so that no text takes long to be refused.
_HEADER = re.compile(r"\{\s?(?:(?:'descr': ?'(?P<descr>[<>=|]?[A-Za-z][0-9]{0,9})'|"
                     r"'fortran_order': ?(?P<fortran>True|False)|"
                     r"'shape': ?\((?P<shape>(?:[0-9]{1,19}L?(?:, ?[0-9]{1,19}L?){0,31},?)?)\)),? ?){3}\}\s*")
_CHUNK = 1 << 20  # bytes that the zip module reads at a time, and of the archive's list of members
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # np.savez's; others are unpacked without a bound


class _Bounded:
    """A file for zipfile that never reads much at once, whatever the archive claims."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable
        self._read = stream.read

    def read(self, size: int = -1) -> bytes:
        content = self._read(_CHUNK + 1 if size < 0 else min(size, _CHUNK + 1))
        if len(content) > _CHUNK:
            raise zipfile.BadZipFile('a list of members of more than %d bytes' % _CHUNK)
        return content


def read(path: str, num_classes: int, form: Form = Form()) -> Tuple[Split, Split]:
    """Reads an .npz file.

    Args:
      form: what is to be undone.

    Returns:
      the training split and the test split.

    Raises:
      UserError: it is not such a file, is damaged, or an array is missing, of another dtype or shape; the message
        names the file and the array.
    """
    with _open(path) as archive:
        _check_keys(path, archive)
        x_train, y_train, x_test, y_test = [_read_array(path, archive, key) for key in KEYS]
    return (_split(path, 'train', x_train, y_train, num_classes, form),
            _split(path, 'test', x_test, y_test, num_classes, form))


def _split(path: str, half: str, images: np.ndarray, labels: np.ndarray, num_classes: int, form: Form) -> Split:
    return make_split(images, labels, '%s: x_%s' % (path, half), '%s: y_%s' % (path, half), num_classes, form)


@contextlib.contextmanager
def _open(path: str) -> Iterator[zipfile.ZipFile]:
    with files.opening(path, len(KEYS) * idx.LIMIT, 'check the file and its permissions') as stream:
        try:
            with zipfile.ZipFile(_Bounded(stream)) as archive:
                yield archive
        except (UserError, OSError, MemoryError):
            raise
        except Exception as error:  # damage leads the zip module into errors of many kinds
            raise UserError('%s: expected an intact .npz (zip) file, got: %s; get the file again' %
                            (path, printable(one_line(error)) if str(error) else 'an early end'))


def _check_keys(path: str, archive: zipfile.ZipFile) -> None:
    members = archive.namelist()
    missing = [key for key in KEYS if key + '.npy' not in members]
    if missing:
        raise UserError("%s: expected the arrays %s as in Keras' mnist.npz, missing: %s; get the file again"
                        % (path, ', '.join(KEYS), ', '.join(missing)))
    for key in KEYS:
        if archive.getinfo(key + '.npy').compress_type not in _PACKINGS:
            raise UserError('%s: %s: expected it stored or deflated, got another compression; write it by numpy.savez'
                            % (path, key))


def _read_array(path: str, archive: zipfile.ZipFile, key: str) -> np.ndarray:
    name = '%s: %s' % (path, key)
    with archive.open(key + '.npy') as stream:
        shape, fortran_order, dtype = _read_header(name, stream)
        _check_type(name, key, shape, dtype)
        expected = idx.product(shape, dtype.itemsize)
        idx.require_within_limit(name, expected, shape)
        payload = files.read_at_most(stream, expected + 1)  # one more shows that there is more, or checks the CRC
    if len(payload) != expected:
        raise UserError('%s: expected %d bytes for its shape %s, got %s; get the file again'
                        % (name, expected, shape, 'more' if len(payload) > expected else len(payload)))
    array = np.frombuffer(payload, dtype).reshape(shape, order='F' if fortran_order else 'C')
    return np.ascontiguousarray(idx.to_pixels(name, array) if key.startswith('x') else array)


def _read_header(name: str, stream: IO[bytes]) -> Tuple[Tuple[int, ...], bool, np.dtype]:
    magic = stream.read(8)
    length = {1: '<H', 2: '<I', 3: '<I'}.get(magic[6] if len(magic) == 8 and magic.startswith(_MAGIC) else 0)
    if length is None:
        raise _no_header(name, magic)
    size, = struct.unpack(length, stream.read(struct.calcsize(length)).ljust(struct.calcsize(length), b'\0'))
    text = stream.read(min(size, _LONGEST_HEADER))
    match = _HEADER.fullmatch(text.decode('latin-1'))
    if len(text) < size or not match or None in match.groups():
        raise _no_header(name, text)
    try:
        dtype = np.dtype(match['descr'])
    except (TypeError, ValueError):
        raise _no_header(name, text)
    return tuple(int(part) for part in re.findall('[0-9]+', match['shape'])), match['fortran'] == 'True', dtype


def _no_header(name: str, found: bytes) -> UserError:
    return UserError('%s: expected an .npy header, got: %s; get the file again'
                     % (name, printable(found[:80].decode('latin-1')) or 'nothing'))


def _check_type(name: str, key: str, shape: Tuple[int, ...], dtype: np.dtype) -> None:
    if key.startswith('x'):
        right = dtype.kind in 'iu' and shape[1:] == IMAGE_SHAPE and len(shape) == 3
        expected = 'uint8 [n, %d, %d]' % IMAGE_SHAPE
    else:
        right = dtype.kind in 'iu' and len(shape) == 1
        expected = 'integers [n]'
    if not right:
        raise UserError("%s: expected %s, got %s %s; write it as in Keras' mnist.npz"
                        % (name, expected, dtype.name, list(shape)))
