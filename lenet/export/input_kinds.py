"""What --data_dir may name: what lenet.preprocess wrote, a data set's test split, digits that are drawn, pictures."""

import glob
import os
from typing import List, Optional

import numpy as np

from lenet.data import dataset
from lenet.data import locate
from lenet.data.splits import ANY_NUMBER, Split
from lenet.errors import UserError
from lenet.export import binaries
from lenet.export.inputs import Inputs, flatten, shown_to
from lenet.photo import picture
from lenet.support import progress
from lenet.support.text import printable

SUFFIXES = ('.png', '.jpg', '.jpeg')


def open_inputs(path: Optional[str], seed: int, label_offset: Optional[int] = None,
                transpose_images: Optional[bool] = None, dark_on_light: bool = False) -> Inputs:
    """Reads the images.

    Args:
      path: a directory that lenet.preprocess wrote; a data set as lenet.train takes it, of which the test split is
        meant ('synthetic', None for MNIST, a directory of IDX files or mnist.npz, an .npz file); a directory of PNG or
        JPEG files, in the order of their names; one such file.
      seed: of the synthetic digits.
      label_offset, transpose_images: of a data set, as dataset.open_dataset takes them.
      dark_on_light: pictures are brought into this form instead of MNIST's.

    Returns:
      the images; of several pictures those that can be read, and why others cannot.

    Raises:
      UserError: there are no such images, or they are damaged; the message names the file.
    """
    if path is not None and path != dataset.SYNTHETIC and not path.endswith('.npz'):
        inputs = _open_other_than_data_set(path, dark_on_light)
        if inputs is not None:
            if label_offset is not None or transpose_images is not None:
                raise UserError('--data_dir=%s: is no data set in the form of MNIST: leave out --label_offset and '
                                '--transpose_images, which python -m lenet.preprocess takes' % path)
            return inputs
    data = dataset.open_dataset(path, seed, ANY_NUMBER, 'data_dir', label_offset, transpose_images)
    split: Split = data.test
    return Inputs('%s, test split' % data.origin, ['%05d' % index for index in range(len(split.labels))],
                  flatten(split.images), split.labels)


def _open_other_than_data_set(path: str, dark_on_light: bool) -> Optional[Inputs]:
    """What lenet.preprocess wrote, or pictures; None for what must be a data set."""
    if os.path.isfile(path):
        return _read_pictures(path, [path], dark_on_light)
    if not os.path.isdir(path):
        if not os.path.lexists(path) and locate.by_prefix(path, '--data_dir=%s' % path):
            return None
        raise UserError('--data_dir=%s: is neither a file nor a directory; correct it, or leave it out for MNIST' %
                        path)
    if os.path.lexists(os.path.join(path, binaries.MANIFEST)):
        return binaries.read(path)
    pictures, data_sets = _picture_files(path), locate.in_folder(path)
    if pictures and not data_sets:
        return _read_pictures(path, pictures, dark_on_light)
    if not data_sets and not glob.glob(os.path.join(glob.escape(path), '*', '')):
        raise UserError("--data_dir=%s: holds no %s of lenet.preprocess, no MNIST files (four IDX files or Keras' "
                        'mnist.npz) and no PNG or JPEG files' % (path, binaries.MANIFEST))
    return None


def _picture_files(folder: str) -> List[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise UserError('--data_dir=%s: cannot be listed (%s); check its permissions' % (folder, error.strerror))
    return [os.path.join(folder, name) for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith('.')]


def _read_pictures(origin: str, paths: List[str], dark_on_light: bool) -> Inputs:
    """Those that can be read.

    Raises:
      UserError: none can.
    """
    names, images, refused = [], [], []
    with progress.bar(len(paths), 'reading', 'image') as advance:
        for path in paths:
            try:
                images.append(picture.as_mnist(path))
                names.append(printable(os.path.basename(path)))
            except UserError as error:
                refused.append(str(error))
            advance(1)
    if not images:
        raise UserError(refused[0] if len(paths) == 1 else '--data_dir=%s: none of its %d pictures can be read; the '
                        'first: %s' % (origin, len(paths), refused[0]))
    return Inputs(origin, names, flatten(shown_to(np.stack(images), dark_on_light)), None, refused)
