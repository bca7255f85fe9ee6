"""Whether the data set is there and right; it is read as training reads it, and never fetched."""

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
        return _mnist(params)
    return _read(params)


def _read(params: Params) -> Result:
    try:
        opened = dataset.open_for(params, params.num_classes)
    except UserError as error:
        return failed(_NAME, str(error))
    return passed(_NAME, '%s: %d training and %d test images' %
                  (opened.origin, len(opened.train.labels), len(opened.test.labels)))


def _mnist(params: Params) -> Result:
    directory = fetch.default_directory()
    try:
        missing = [file.name for file, _ in fetch.examine(directory, mnist_files.MNIST)]
    except UserError as error:
        return failed(_NAME, str(error))
    if missing:
        return warned(_NAME, '--data_path not given: training will fetch MNIST into %s' % directory,
                      'without a network: put %s there, or --data_path=synthetic' % ', '.join(missing))
    return _read(params._replace(data_path=directory))
