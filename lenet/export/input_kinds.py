"""What --data_dir may name: what lenet.preprocess wrote, a data set's test split, digits that are drawn, pictures."""

import glob
import os
from typing import List, Optional

import numpy as np

from lenet.data import dataset
from lenet.data.splits import ANY_NUMBER, Split
from lenet.errors import UserError
from lenet.export import binaries
from lenet.export.inputs import Inputs, flatten
from lenet.photo import picture
from lenet.support import progress
from lenet.support.text import printable

SUFFIXES = ('.png', '.jpg', '.jpeg')


def open_inputs(path: Optional[str], seed: int) -> Inputs:
    """Reads the images.

    Args:
      path: a directory that lenet.preprocess wrote; a data set as lenet.train takes it, of which the test split is
        meant ('synthetic', None for MNIST, a directory of IDX files or mnist.npz, an .npz file); a directory of PNG or
        JPEG files, in the order of their names; one such file.
      seed: of the synthetic digits.

    Raises:
      UserError: there are no such images, or they are damaged; the message names the file.
    """
    if path is None or path == dataset.SYNTHETIC or path.endswith('.npz'):
        return _open_test_split(path, seed)
    if os.path.isfile(path):
        return _read_pictures(path, [path])
    if not os.path.isdir(path):
        raise UserError('--data_dir=%s: is neither a file nor a directory; correct it, or leave it out for MNIST' %
                        path)
    if os.path.lexists(os.path.join(path, binaries.MANIFEST)):
        return binaries.read(path)
    pictures = _picture_files(path)
    if pictures and not dataset.dataset_in(path):
        return _read_pictures(path, pictures)
    if not dataset.dataset_in(path) and not glob.glob(os.path.join(glob.escape(path), '*', '')):
        raise UserError("--data_dir=%s: holds no %s of lenet.preprocess, no MNIST files (four IDX files or Keras' "
                        'mnist.npz) and no PNG or JPEG files' % (path, binaries.MANIFEST))
    return _open_test_split(path, seed)


def _open_test_split(path: Optional[str], seed: int) -> Inputs:
    data = dataset.open_dataset(path, seed, ANY_NUMBER, flag='data_dir')
    split: Split = data.test
    return Inputs('%s, test split' % data.origin, ['%05d' % index for index in range(len(split.labels))],
                  flatten(split.images), split.labels)


def _picture_files(folder: str) -> List[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise UserError('--data_dir=%s: cannot be listed (%s); check its permissions' % (folder, error.strerror))
    return [os.path.join(folder, name) for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith('.')]


def _read_pictures(origin: str, paths: List[str]) -> Inputs:
    images = []
    with progress.bar(len(paths), 'reading', 'image') as advance:
        for path in paths:
            images.append(picture.as_mnist(path))
            advance(1)
    return Inputs(origin, [printable(os.path.basename(path)) for path in paths], flatten(np.stack(images)), None)
