"""Of data sets and what they come from."""

import io
from typing import Any, Callable

import numpy as np

from lenet.data import fetch
from lenet.data import idx
from lenet.data import mirror
from lenet.data import npm
from lenet.data import npz
from lenet.data.mnist_files import SourceError
from lenet.errors import UserError
from tests import data_files
from tests import fake_npm
from tests.readers import Reader, put, at, content, is_text


def has_images(dtype: Any, *shape: int) -> Callable[[Any], bool]:
    return lambda value: value.dtype == dtype and value.shape[1:] == shape


def sourced(folder: str, read: Callable[[], Any]) -> Any:
    """What comes from a source of MNIST: its errors are collected to one UserError by lenet.data.fetch."""
    try:
        return read()
    except SourceError as error:
        raise UserError('%s: %s' % (folder, error))


RAW = data_files.raw_file('t10k-labels-idx1-ubyte', data_files.idx_bytes(data_files.labels(7)))
IMAGES, LABELS = (data_files.idx_bytes(array) for array in (data_files.images(3), data_files.labels(3)))


def keras() -> bytes:
    stream = io.BytesIO()
    black = np.zeros((2, 28, 28), np.uint8)
    np.savez_compressed(stream, x_train=black, y_train=data_files.labels(2), x_test=black, y_test=data_files.labels(2))
    return stream.getvalue()


def is_split_pair(value: Any) -> bool:
    return all(split.images.shape[1:] == (28, 28, 1) and split.labels.dtype == np.int32 for split in value)


READERS = {
    'idx images': Reader('images', put('images', IMAGES), at('images', idx.read_images), has_images(np.uint8, 28, 28)),
    'idx labels': Reader('labels', put('labels', LABELS), at('labels', idx.read_labels),
                         lambda value: value.ndim == 1 and value.dtype.kind in 'iu'),
    'idx gz': Reader('images.gz', put('images.gz', data_files.zipped(IMAGES)), at('images.gz', idx.read_images),
                     has_images(np.uint8, 28, 28)),
    'idx whole': Reader('images', put('images', IMAGES), at('images', idx.is_whole),
                        lambda value: isinstance(value, bool)),
    'npz': Reader('mnist.npz', put('mnist.npz', keras()), at('mnist.npz', lambda path: npz.read(path, 10)),
                  is_split_pair),
    'fetched': Reader(RAW.name, put(RAW.name, data_files.idx_bytes(data_files.labels(7))),
                      lambda folder: fetch.examine(folder, [RAW]), lambda value: isinstance(value, list),
                      does_without=True),
    'mirror': Reader('x.gz', put('x.gz', data_files.zipped(data_files.idx_bytes(data_files.labels(7)))),
                     lambda folder: sourced(folder, lambda: mirror._unzip(RAW, content(folder, 'x.gz'))),
                     lambda value: isinstance(value, bytes), names='', is_file=False),
    'npm': Reader('x.tgz', put('x.tgz', fake_npm.package(
                      {'package/data/' + RAW.name: data_files.idx_bytes(data_files.labels(7))})),
                  lambda folder: sourced(folder, lambda: list(npm._unpack(folder, [RAW]))),
                  lambda value: len(value) == 1, names=''),
    'npm log': Reader('npm.log', put('npm.log', b'npm ERR! 404 Not Found\nnpm ERR! x\n'), at('npm.log', npm._npm_error),
                      is_text),
}
