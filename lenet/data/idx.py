"""IDX, the format MNIST comes in: a big-endian header (type, rank, dimensions), then the bytes of the items.

Nothing in a file is believed before it is checked: memory is taken for bytes that were read, never for a
size that a header claims.
"""

import contextlib
import gzip
import os
import struct
import zlib
from typing import IO, Iterator, List, Optional, Tuple

import numpy as np

from lenet.data.splits import IMAGE_SHAPE, Split, make_split
from lenet.errors import UserError

NAMES = ('train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte')

_UNSIGNED_BYTE = 0x08  # the type code of IDX
_GZIP_MAGIC = b'\x1f\x8b'
_CHUNK = 1 << 20


def find(folder: str) -> List[Optional[str]]:
    """Looks for the four files of NAMES in one folder.

    A file may be raw or .gz, and spelt `-idx` or `.idx`; raw is preferred, and so is a regular file to anything else
    of that name.

    Returns:
      four paths in the order of NAMES, None where there is no such file.
    """
    return [_find_one(folder, name) for name in NAMES]


def _find_one(folder: str, name: str) -> Optional[str]:
    dotted = name.replace('-idx', '.idx')
    candidates = [os.path.join(folder, spelling) for spelling in (name, dotted, name + '.gz', dotted + '.gz')]
    existing = [path for path in candidates if os.path.exists(path)]
    regular = [path for path in existing if os.path.isfile(path)]
    return next(iter(regular + existing), None)


def read(folder: str, num_classes: int) -> Tuple[Split, Split]:
    """Reads the four files of a folder.

    Returns:
      the training split and the test split.

    Raises:
      UserError: a file is missing or wrong; the message names it.
    """
    paths = find(folder)
    missing = [name for name, path in zip(NAMES, paths) if path is None]
    if missing:
        raise UserError('%s: expected the four MNIST files, raw or .gz; missing: %s; '
                        'put them there, or leave out --data_path to fetch MNIST' % (folder, ', '.join(missing)))
    train_images, train_labels, test_images, test_labels = paths
    return (_read_split(train_images, train_labels, num_classes),
            _read_split(test_images, test_labels, num_classes))


def _read_split(images_path: str, labels_path: str, num_classes: int) -> Split:
    return make_split(read_images(images_path), read_labels(labels_path), images_path, labels_path, num_classes)


def read_images(path: str) -> np.ndarray:
    """Reads an idx3 file into uint8 [n, 28, 28]; UserError if it is anything else."""
    return _read_items(path, IMAGE_SHAPE)


def read_labels(path: str) -> np.ndarray:
    """Reads an idx1 file into uint8 [n]; UserError if it is anything else."""
    return _read_items(path, ())


def _read_items(path: str, item_shape: Tuple[int, ...]) -> np.ndarray:
    rank = 1 + len(item_shape)
    with _open(path) as stream:
        count = _parse_count(path, stream.read(4 + 4 * rank), item_shape)
        expected = count * int(np.prod(item_shape, dtype=np.int64))
        payload = read_at_most(stream, expected + 1)  # one more shows that there is more; for .gz, checks the CRC
    if len(payload) != expected:
        got = 'more' if len(payload) > expected else '%d' % len(payload)
        raise UserError('%s: expected %d bytes after the header (%d items), got %s; get the file again'
                        % (path, expected, count, got))
    return np.frombuffer(payload, np.uint8).reshape((count,) + item_shape)


def _parse_count(path: str, header: bytes, item_shape: Tuple[int, ...]) -> int:
    rank = 1 + len(item_shape)
    magic = bytes((0, 0, _UNSIGNED_BYTE, rank))
    if not header:
        raise UserError('%s: expected IDX data, got an empty file; get the file again' % path)
    if header[:4] != magic:
        hint = 'add .gz to its name' if header.startswith(_GZIP_MAGIC) else 'get the file again'
        raise UserError('%s: expected IDX magic %s (unsigned bytes of rank %d), got %s; %s'
                        % (path, magic.hex(), rank, header[:4].hex(), hint))
    if len(header) < 4 + 4 * rank:
        raise UserError('%s: expected an IDX header of %d bytes, got %d; get the file again'
                        % (path, 4 + 4 * rank, len(header)))
    dimensions = struct.unpack('>%dI' % rank, header[4:])
    if dimensions[1:] != item_shape:
        raise UserError('%s: expected images of %s pixels, got %s; LeNet reads MNIST-sized images only'
                        % (path, _times(item_shape), _times(dimensions[1:])))
    return dimensions[0]


def _times(dimensions: Tuple[int, ...]) -> str:
    return 'x'.join(str(dimension) for dimension in dimensions)


def read_at_most(stream: IO[bytes], size: int) -> bytes:
    """The next `size` bytes, fewer at the end; a plain read(size) would allocate them all, whatever the file holds."""
    chunks = []
    while size > 0:
        chunk = stream.read(min(size, _CHUNK))
        if not chunk:
            break
        chunks.append(chunk)
        size -= len(chunk)
    return b''.join(chunks)


@contextlib.contextmanager
def _open(path: str) -> Iterator[IO[bytes]]:
    if not os.path.isfile(path):  # and opening a pipe would wait for its other end
        kind = 'a directory' if os.path.isdir(path) else 'something else'
        raise UserError('%s: expected a regular file, got %s; put the file itself there' % (path, kind))
    zipped = path.endswith('.gz')
    try:
        with (gzip.open if zipped else open)(path, 'rb') as stream:
            yield stream
    except (EOFError, zlib.error) as error:
        raise _damage(path, error)
    except OSError as error:
        if zipped and error.errno is None:  # how gzip reports a wrong magic or CRC
            raise _damage(path, error)
        raise UserError('%s: cannot be read (%s); check the file and its permissions' % (path, error.strerror or error))


def _damage(path: str, error: Exception) -> UserError:
    return UserError('%s: expected intact gzip data, got: %s; get the file again, or drop .gz from its name if it was '
                     'unpacked already' % (path, error))
