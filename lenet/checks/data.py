"""Whether the data set is there and right; it is read as training reads it, and never fetched."""

import os

from lenet.checks import Result, failed, passed, warned
from lenet.data import dataset
from lenet.data import fetch
from lenet.data import mnist_files
from lenet.errors import UserError
from lenet.flags import Params

_NAME = 'data'


def data(params: Params) -> Result:
    if params.data_path == dataset.SYNTHETIC:
        return passed(_NAME, 'synthetic digits, drawn from --seed=%d' % params.seed)
    if params.data_path is None:
        return _mnist(params.num_classes)
    return _read(params.data_path, params.num_classes)


def _read(path: str, num_classes: int) -> Result:
    try:
        opened = dataset.open_dataset(path, seed=0, num_classes=num_classes)
    except UserError as error:
        return failed(_NAME, str(error))
    return passed(_NAME, '%s: %d training and %d test images' %
                  (opened.origin, len(opened.train.labels), len(opened.test.labels)))


def _mnist(num_classes: int) -> Result:
    directory = fetch.default_directory()
    missing = [file.name for file in mnist_files.MNIST if not _has(directory, file)]
    if missing:
        return warned(_NAME, '--data_path not given: training will fetch MNIST into %s' % directory,
                      'without a network: put %s there, or --data_path=synthetic' % ', '.join(missing))
    return _read(directory, num_classes)


def _has(directory: str, file: mnist_files.RawFile) -> bool:
    path = os.path.join(directory, file.name)
    return os.path.isfile(path) and os.path.getsize(path) == file.size
