"""Opens the data set that --data_path asks for: files, MNIST fetched, or digits drawn from a seed."""

from typing import Any, Optional

from lenet.data import idx
from lenet.data import locate
from lenet.data import npz
from lenet.data import synthetic
from lenet.data.splits import Dataset, Form, Split
from lenet.errors import UserError
from lenet.support import progress

__all__ = ['Dataset', 'Split', 'SYNTHETIC', 'open_dataset', 'open_for']

SYNTHETIC = 'synthetic'


def open_for(request: Any, num_classes: int) -> Dataset:
    """open_dataset by the flags of `request`: data_path, seed, label_offset, transpose_images."""
    return open_dataset(request.data_path, request.seed, num_classes, 'data_path', request.label_offset,
                        request.transpose_images)


def open_dataset(data_path: Optional[str], seed: int, num_classes: int = 10, flag: str = 'data_path',
                 label_offset: Optional[int] = None, transpose_images: Optional[bool] = None) -> Dataset:
    """Reads, fetches or draws the data.

    Args:
      data_path: a directory that holds the four IDX files or Keras' mnist.npz, itself or up to two folders down; such
        a directory with the prefix of the files' names, as DIR/emnist-letters; an .npz file; 'synthetic' for digits
        drawn from `seed` (to read a directory of that name: './synthetic'); None for MNIST, which is fetched unless it
        is already there.
      seed: of the synthetic digits; anything that is read ignores it.
      num_classes: labels must lie in 0..num_classes-1 once the offset is taken off.
      flag: what errors call `data_path`.
      label_offset: what is taken off every label; None: found out, and told unless it is 0.
      transpose_images: whether rows and columns are exchanged; None: found out, and told unless they are not.

    Raises:
      UserError: the data are missing or wrong; the message names the file.
    """
    try:
        if data_path == SYNTHETIC:
            return _draw(seed, num_classes, flag, Form(label_offset or 0, bool(transpose_images)))
        if data_path is None:
            # Imported here: who only reads files needs no lock, no HTTP and no npm.
            from lenet.data import fetch
            data_path = fetch.ensure()
        found = locate.locate(data_path, '--%s=%s' % (flag, data_path))
        return _read(found, num_classes, _decide(found, label_offset, transpose_images))
    except MemoryError:
        raise UserError('--%s=%s: the memory is exhausted; allow more of it (ulimit -v), or take fewer images' %
                        (flag, data_path))


def _draw(seed: int, num_classes: int, flag: str, form: Form) -> Dataset:
    if form != Form():
        raise UserError('--%s=%s: is drawn as MNIST is; leave out --label_offset and --transpose_images' %
                        (flag, SYNTHETIC))
    if num_classes < synthetic.CLASSES:
        raise UserError('--%s=%s: draws %d classes, got --num_classes=%d; raise it'
                        % (flag, SYNTHETIC, synthetic.CLASSES, num_classes))
    return synthetic.draw(seed)


def _decide(found: locate.Found, label_offset: Optional[int], transpose_images: Optional[bool]) -> Form:
    """What is to be undone: as asked for or else, for EMNIST by the names of its files, as it is distributed."""
    usual = Form(1 if found.prefix == 'emnist-letters' else 0, found.prefix.startswith('emnist-'))
    form = Form(usual.label_offset if label_offset is None else label_offset,
                usual.transposed if transpose_images is None else transpose_images)
    guessed = ['--label_offset=%d' % form.label_offset] if label_offset is None and form.label_offset else []
    guessed += ['--transpose_images=true'] if transpose_images is None and form.transposed else []
    if guessed:
        progress.tell('%s: read as EMNIST is distributed, with %s' % (found.name, ' '.join(guessed)))
    return form


def _read(found: locate.Found, num_classes: int, form: Form) -> Dataset:
    if found.folder is None:
        train, test = npz.read(found.name, num_classes, form)
    else:
        train, test = idx.read(found.folder, num_classes, found.prefix, form)
    return Dataset(train=train, test=test, origin=found.name, synthetic=False, form=form)
