"""Opens the data set that --data_path asks for: files, MNIST fetched, or digits drawn from a seed."""

import os
from typing import List, Optional

from lenet.data import idx
from lenet.data import npz
from lenet.data import synthetic
from lenet.data.splits import Dataset, Split
from lenet.errors import UserError

__all__ = ['Dataset', 'Split', 'SYNTHETIC', 'dataset_in', 'open_dataset']

SYNTHETIC = 'synthetic'


def open_dataset(data_path: Optional[str], seed: int, num_classes: int = 10, flag: str = 'data_path') -> Dataset:
    """Reads, fetches or draws the data.

    Args:
      data_path: a directory that holds the four IDX files or Keras' mnist.npz, itself or one folder down; an .npz file;
        'synthetic' for digits drawn from `seed` (to read a directory of that name: './synthetic'); None for MNIST,
        which is fetched unless it is already there.
      seed: of the synthetic digits; anything that is read ignores it.
      num_classes: labels must lie in 0..num_classes-1.
      flag: what errors call `data_path`.

    Raises:
      UserError: the data are missing or wrong; the message names the file.
    """
    if data_path == SYNTHETIC:
        if num_classes < synthetic.CLASSES:
            raise UserError('--%s=%s: draws %d classes, got --num_classes=%d; raise it'
                            % (flag, SYNTHETIC, synthetic.CLASSES, num_classes))
        return synthetic.draw(seed)
    if data_path is None:
        # Imported here: who only reads files needs no lock, no HTTP and no npm.
        from lenet.data import fetch
        data_path = fetch.ensure()
    origin = _locate(data_path, '--%s=%s' % (flag, data_path))
    read = npz.read if os.path.isfile(origin) else idx.read
    train, test = read(origin, num_classes)
    return Dataset(train=train, test=test, origin=origin, synthetic=False)


def _locate(path: str, name: str) -> str:
    """The folder that holds the four files, or the .npz file; `name` is what errors call the path."""
    if os.path.isfile(path):
        if path.endswith('.npz'):
            return path
        raise UserError('%s: expected a directory or an .npz file, got another file; '
                        'pass the directory that holds it' % name)
    if not os.path.isdir(path):
        raise UserError('%s: expected a directory or an .npz file, got a path that does not exist; '
                        'correct it, or leave it out to fetch MNIST' % name)
    return dataset_in(path) or _dataset_below(path, name)


def dataset_in(folder: str) -> Optional[str]:
    """What to read in this very folder: all four files, else mnist.npz, else any of the four; None if nothing."""
    files = idx.find(folder)
    npz_file = os.path.join(folder, npz.FILE_NAME)
    if os.path.isfile(npz_file) and None in files:
        return npz_file
    return folder if any(files) else None


def _dataset_below(path: str, name: str) -> str:
    some = [candidate for candidate in map(dataset_in, _folders(path, name)) if candidate]
    complete = [candidate for candidate in some if os.path.isfile(candidate) or None not in idx.find(candidate)]
    candidates = complete or some
    if not candidates:
        raise UserError('%s: expected the four MNIST files (%s; raw or .gz) or %s, there or one folder '
                        'down, got none of them; correct it, or leave it out to fetch MNIST'
                        % (name, ', '.join(idx.NAMES), npz.FILE_NAME))
    if len(candidates) > 1:
        raise UserError('%s: expected one data set below it, got %s; pass one of them'
                        % (name, ' and '.join(candidates)))
    return candidates[0]


def _folders(path: str, name: str) -> List[str]:
    try:
        return sorted(entry.path for entry in os.scandir(path) if entry.is_dir())
    except OSError as error:
        raise UserError('%s: cannot be listed (%s); check its permissions' % (name, error.strerror))
