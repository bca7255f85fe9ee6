"""Opens the data set that --data_path asks for: files, MNIST fetched, or digits drawn from a seed."""

import os
from typing import List, Optional

from lenet.data import idx
from lenet.data import npz
from lenet.data import synthetic
from lenet.data.splits import Dataset, Split
from lenet.errors import UserError

__all__ = ['Dataset', 'Split', 'SYNTHETIC', 'open_dataset']

SYNTHETIC = 'synthetic'


def open_dataset(data_path: Optional[str], seed: int, num_classes: int = 10) -> Dataset:
    """Reads, fetches or draws the data.

    Args:
      data_path: a directory that holds the four IDX files or Keras' mnist.npz, itself or one folder down; an .npz file;
        'synthetic' for digits drawn from `seed` (to read a directory of that name: './synthetic'); None for MNIST,
        which is fetched unless it is already there.
      seed: of the synthetic digits; anything that is read ignores it.
      num_classes: labels must lie in 0..num_classes-1.

    Raises:
      UserError: the data are missing or wrong; the message names the file.
    """
    if data_path == SYNTHETIC:
        if num_classes < synthetic.CLASSES:
            raise UserError('--data_path=%s: draws %d classes, came --num_classes=%d; raise it'
                            % (SYNTHETIC, synthetic.CLASSES, num_classes))
        return synthetic.draw(seed)
    if data_path is None:
        # Imported here: only a fetch needs the filelock package, which an offline NPU image may lack.
        from lenet.data import fetch
        data_path = fetch.ensure()
    found = _locate(os.path.expanduser(data_path))
    read = npz.read if os.path.isfile(found) else idx.read
    train, test = read(found, num_classes)
    return Dataset(train=train, test=test, source=found, synthetic=False)


def _locate(path: str) -> str:
    """The folder that holds the four files, or the .npz file."""
    if os.path.isfile(path):
        if path.endswith('.npz'):
            return path
        raise UserError('--data_path=%s: expected a directory or an .npz file, came another file; '
                        'pass the directory that holds it' % path)
    if not os.path.isdir(path):
        raise UserError('--data_path=%s: expected a directory or an .npz file, came a path that does not exist; '
                        'correct it, or leave it out to fetch MNIST' % path)
    return _dataset_in(path) or _dataset_below(path)


def _dataset_in(folder: str) -> Optional[str]:
    """What to read in this very folder: all four files, else mnist.npz, else any of the four; None if nothing."""
    files = idx.find(folder)
    npz_file = os.path.join(folder, npz.FILE_NAME)
    if os.path.isfile(npz_file) and None in files:
        return npz_file
    return folder if any(files) else None


def _dataset_below(path: str) -> str:
    found = [found for found in map(_dataset_in, _folders(path)) if found]
    complete = [candidate for candidate in found if os.path.isfile(candidate) or None not in idx.find(candidate)]
    candidates = complete or found
    if not candidates:
        raise UserError('--data_path=%s: expected the four MNIST files (%s; raw or .gz) or %s, there or one folder '
                        'down, came none of them; correct it, or leave it out to fetch MNIST'
                        % (path, ', '.join(idx.NAMES), npz.FILE_NAME))
    if len(candidates) > 1:
        raise UserError('--data_path=%s: expected one data set below it, came %s; pass one of them'
                        % (path, ' and '.join(candidates)))
    return candidates[0]


def _folders(path: str) -> List[str]:
    try:
        return sorted(entry.path for entry in os.scandir(path) if entry.is_dir())
    except OSError as error:
        raise UserError('--data_path=%s: cannot be listed (%s); check its permissions' % (path, error.strerror))
