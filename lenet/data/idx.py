"""IDX, the format MNIST comes in: a big-endian header (type, rank, dimensions), then the items.

Nothing in a file is believed before it is checked: memory is taken for bytes that were read, never for a size that a
header claims, and no more is unpacked than the header says.
"""

import contextlib
import functools
import gzip
import operator
import os
import re
import struct
import zlib
from typing import Dict, IO, Iterator, List, Optional, Tuple

import numpy as np

from lenet.data.splits import Form, IMAGE_SHAPE, Split, make_split
from lenet.errors import UserError
from lenet.support import files

NAMES = ('train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte')
LIMIT = 1 << 30  # bytes of one array: 1.3 million images; the largest set in this format, EMNIST byclass, has 0.7

_SLOTS = (('train', 'images-idx3'), ('train', 'labels-idx1'), ('test', 'images-idx3'), ('test', 'labels-idx1'))
_NAME = re.compile(r'(?:(?P<prefix>.+)-)?(?P<half>train|t10k|test)-(?P<kind>images[-.]idx3|labels[-.]idx1)-ubyte'
                   r'(?P<zipped>\.gz)?')
_TYPES = {0x08: '>u1', 0x09: '>i1', 0x0b: '>i2', 0x0c: '>i4', 0x0d: '>f4', 0x0e: '>f8'}  # the codes of IDX
_GZIP_MAGIC = b'\x1f\x8b'
_LONGEST_HEADER = 4 + 4 * 255
_ADVICE = 'check the file and its permissions'


def find(folder: str) -> Dict[str, List[Optional[str]]]:
    """Looks for the four files of each data set in one folder.

    They have the names of NAMES or, behind a prefix that names the data set, EMNIST's: emnist-letters-test-images-….
    A file may be raw or .gz, and spelt `-idx` or `.idx`; raw is preferred, and so is a regular file to anything else
    of that name.

    Returns:
      four paths in the order of NAMES by the prefix, '' for none; None where there is no such file. Nothing for a
      folder that cannot be listed.
    """
    found: Dict[str, Dict[Tuple[str, str], List[Tuple[bool, bool, bool, bool, str]]]] = {}
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder)):
            match = _NAME.fullmatch(name)
            if match:
                path, half, dotted = os.path.join(folder, name), match['half'], '.idx' in match['kind']
                slot = ('train' if half == 'train' else 'test', match['kind'].replace('.', '-'))
                preference = (not os.path.isfile(path), bool(match['zipped']), dotted, half == 'test', path)
                found.setdefault(match['prefix'] or '', {}).setdefault(slot, []).append(preference)
    return {prefix: [min(slots[slot])[-1] if slot in slots else None for slot in _SLOTS]
            for prefix, slots in sorted(found.items())}


def read(folder: str, num_classes: int, prefix: str = '', form: Form = Form()) -> Tuple[Split, Split]:
    """Reads the four files of a folder.

    Args:
      prefix: of their names.
      form: what is to be undone.

    Returns:
      the training split and the test split.

    Raises:
      UserError: a file is missing or wrong; the message names it.
    """
    paths = find(folder).get(prefix, [None] * len(NAMES))
    missing = [name for name, path in zip(names(prefix), paths) if path is None]
    if missing:
        raise UserError('%s: expected the four MNIST files, raw or .gz; missing: %s; '
                        'put them there, or leave out --data_path to fetch MNIST' % (folder, ', '.join(missing)))
    train_images, train_labels, test_images, test_labels = paths
    return (_read_split(train_images, train_labels, num_classes, form),
            _read_split(test_images, test_labels, num_classes, form))


def names(prefix: str) -> List[str]:
    """The four names of a data set's files, raw."""
    return ['%s-%s-%s-ubyte' % (prefix, half, kind) for half, kind in _SLOTS] if prefix else list(NAMES)


def _read_split(images_path: str, labels_path: str, num_classes: int, form: Form) -> Split:
    return make_split(read_images(images_path), read_labels(labels_path), images_path, labels_path, num_classes, form)


def read_images(path: str) -> np.ndarray:
    """Reads an idx3 file into uint8 [n, 28, 28]; UserError if it is anything else, or a pixel does not fit."""
    return to_pixels(path, _read_items(path, IMAGE_SHAPE))


def to_pixels(name: str, images: np.ndarray) -> np.ndarray:
    """Integers of any dtype, [n, 28, 28], as uint8; UserError, which calls them `name`, if a pixel does not fit."""
    if images.dtype == np.uint8:
        return images
    outside = np.flatnonzero((images.min(axis=(1, 2)) < 0) | (images.max(axis=(1, 2)) > 255))
    if outside.size:
        raise UserError('%s: expected pixels from 0 to 255, got %d to %d in image %d; scale them'
                        % (name, images[outside[0]].min(), images[outside[0]].max(), outside[0]))
    return images.astype(np.uint8)


def read_labels(path: str) -> np.ndarray:
    """Reads an idx1 file into [n] of its integer dtype; UserError if it is anything else."""
    return _read_items(path, ())


def is_whole(path: str) -> bool:
    """Whether a raw file is IDX, of whatever type and shape, and ends where its header says.

    Raises:
      UserError: it cannot be read.
    """
    with files.opening(path, LIMIT + _LONGEST_HEADER, _ADVICE) as stream:
        header, size = stream.read(_LONGEST_HEADER), os.fstat(stream.fileno()).st_size
    if len(header) < 4 or header[:2] != b'\0\0' or header[2] not in _TYPES or len(header) < 4 + 4 * header[3]:
        return False
    dimensions = struct.unpack('>%dI' % header[3], header[4:4 + 4 * header[3]])
    return size == 4 + 4 * len(dimensions) + product(dimensions, np.dtype(_TYPES[header[2]]).itemsize)


def product(dimensions: Tuple[int, ...], start: int) -> int:
    """Of Python's integers, which do not overflow."""
    return functools.reduce(operator.mul, dimensions, start)


def _read_items(path: str, item_shape: Tuple[int, ...]) -> np.ndarray:
    with _open(path) as stream:
        dtype, count = _parse_header(path, stream.read(8 + 4 * len(item_shape)), item_shape)
        expected = product((count,) + item_shape, dtype.itemsize)
        require_within_limit(path, expected, (count,) + item_shape)
        payload = files.read_at_most(stream, expected + 1)  # one more shows that there is more; for .gz, checks the CRC
    if len(payload) != expected:
        got = 'more' if len(payload) > expected else '%d' % len(payload)
        raise UserError('%s: expected %d bytes after the header (%d items), got %s; get the file again'
                        % (path, expected, count, got))
    return np.frombuffer(payload, dtype).reshape((count,) + item_shape)


def require_within_limit(name: str, size: int, shape: Tuple[int, ...]) -> None:
    """Raises:
      UserError: an array of `shape` and `size` bytes is larger than LIMIT.
    """
    if size > LIMIT:
        raise UserError('%s: its header says %s, %d bytes, more than the %d that are read; get the file again, or a '
                        'part of it' % (name, _times(shape), size, LIMIT))


def _parse_header(path: str, header: bytes, item_shape: Tuple[int, ...]) -> Tuple[np.dtype, int]:
    """The items' dtype, which is one of integers, and their count."""
    rank = 1 + len(item_shape)
    if not header:
        raise UserError('%s: expected IDX data, got an empty file; get the file again' % path)
    dtype = np.dtype(_TYPES.get(header[2], 'O') if len(header) >= 4 else 'O')
    if header[:2] != b'\0\0' or header[3:4] != bytes((rank,)) or dtype.kind == 'O':
        raise UserError('%s: expected IDX magic %s (unsigned bytes of rank %d), got %s; %s'
                        % (path, bytes((0, 0, 8, rank)).hex(), rank, header[:4].hex(), _remedy(path, header)))
    if dtype.kind == 'f':
        raise UserError('%s: expected unsigned bytes or other integers (IDX types 08 to 0c), got %s (%s); convert them '
                        'to unsigned bytes, from 0 to 255' % (path, dtype.name, header[:4].hex()))
    if len(header) < 4 + 4 * rank:
        raise UserError('%s: expected an IDX header of %d bytes, got %d; get the file again'
                        % (path, 4 + 4 * rank, len(header)))
    dimensions = struct.unpack('>%dI' % rank, header[4:])
    if dimensions[1:] != item_shape:
        raise UserError('%s: expected images of %s pixels, got %s; LeNet reads MNIST-sized images only'
                        % (path, _times(item_shape), _times(dimensions[1:])))
    return dtype, dimensions[0]


def _remedy(path: str, header: bytes) -> str:
    if not header.startswith(_GZIP_MAGIC):
        return 'get the file again'
    return ('it is gzipped twice: put what `gunzip -c` makes of it in its place' if path.endswith('.gz') else
            'add .gz to its name')


def _times(dimensions: Tuple[int, ...]) -> str:
    return 'x'.join(str(dimension) for dimension in dimensions)


@contextlib.contextmanager
def _open(path: str) -> Iterator[IO[bytes]]:
    with files.opening(path, LIMIT + _LONGEST_HEADER, _ADVICE) as stream:
        if not path.endswith('.gz'):
            yield stream
            return
        try:
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield unpacked
        except (EOFError, zlib.error) as error:
            raise _damage(path, error)
        except OSError as error:
            if error.errno is not None:
                raise
            raise _damage(path, error)  # how gzip reports a wrong magic or CRC


def _damage(path: str, error: Exception) -> UserError:
    return UserError('%s: expected intact gzip data, got: %s; get the file again, or drop .gz from its name if it was '
                     'unpacked already' % (path, error))
