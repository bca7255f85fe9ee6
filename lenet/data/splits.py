"""What every reader returns: checked arrays of images and labels."""

import hashlib
from typing import NamedTuple

import numpy as np

from lenet.errors import UserError
from lenet.flags import MAX_OFFSET

IMAGE_SHAPE = (28, 28)
_BLOCK = 4096  # images at a time, some 3 MB
ANY_NUMBER = 2 ** 31 - 1  # of classes: for those whose network knows how many there are


class Split(NamedTuple):
    """One half of a data set."""

    images: np.ndarray  # uint8 [n, 28, 28, 1] as read; model.lay_out and augmentation.surround make other shapes
    labels: np.ndarray  # int32 [n]


class Form(NamedTuple):
    """In what files differ from MNIST's; reading makes it MNIST's."""

    label_offset: int = 0  # the label of the first class
    transposed: bool = False  # rows and columns of every image are exchanged, as in EMNIST


class Dataset(NamedTuple):
    """A training and a test split, and where they come from."""

    train: Split
    test: Split
    origin: str  # a path, or 'synthetic, seed 1'
    synthetic: bool
    form: Form = Form()  # of the files; the splits have MNIST's

    @property
    def dark_on_light(self) -> bool:
        """Whether the training images are dark on light, the reverse of MNIST's: their borders, the two outermost
        pixels, are on average lighter than their middles of 14x14. Told from the first thousand."""
        images = self.train.images[:1000]
        border = np.ones(IMAGE_SHAPE, bool)
        border[2:-2, 2:-2] = False
        return bool(images[:, border].mean() > images[:, 7:21, 7:21].mean())

    def digest(self) -> str:
        """Of the training split's bytes, as hexadecimal: 128 bits of BLAKE2b, the quickest of hashlib's."""
        digest = hashlib.blake2b(digest_size=16)
        for array in self.train:
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()


def make_split(images: np.ndarray, labels: np.ndarray, images_name: str, labels_name: str, num_classes: int,
               form: Form = Form()) -> Split:
    """Pairs images with labels.

    Args:
      images: uint8 [n, 28, 28], which may be written to.
      labels: any integer dtype, [n].
      images_name: what errors call the images: a file.
      labels_name: what errors call the labels.
      num_classes: labels must lie in 0..num_classes-1 once form.label_offset is taken off.
      form: of images and labels.

    Raises:
      UserError: there are no images, the counts differ, or a label is out of range.
    """
    if len(images) == 0:
        raise UserError('%s: expected at least one image, got none; get the file again' % images_name)
    if len(images) != len(labels):
        raise UserError('%s: expected %d labels, one for each image of %s, got %d; get both files from one source'
                        % (labels_name, len(images), images_name, len(labels)))
    require_labels_below(num_classes, labels, labels_name, 'get the file again, or raise --num_classes',
                         form.label_offset)
    if form.transposed:
        _transpose(images)
    labels = labels.astype(np.int64) - form.label_offset
    return Split(images=images.reshape(images.shape + (1,)), labels=labels.astype(np.int32))


def _transpose(images: np.ndarray) -> None:
    """Exchanges rows and columns in place, some images at a time: a copy of them all may be half a gigabyte."""
    for start in range(0, len(images), _BLOCK):
        block = images[start:start + _BLOCK]
        block[:] = block.transpose(0, 2, 1).copy()


def require_labels_below(num_classes: int, labels: np.ndarray, name: str, remedy: str, first: int = 0) -> None:
    """Refuses labels outside of first..first+num_classes-1.

    Args:
      labels: any integer dtype, [n].
      name: what the error calls the labels.
      remedy: what the error says to do.
      first: the label of the first class, --label_offset.

    Raises:
      UserError: a label is out of range.
    """
    outside = np.flatnonzero((labels < first) | (labels >= first + num_classes))
    if outside.size:
        lowest, highest = int(labels.min()), int(labels.max())
        if lowest != first and highest - lowest < num_classes and abs(lowest) <= MAX_OFFSET:
            remedy += ', or give --label_offset=%d if that is the label of the first class' % lowest
        raise UserError('%s: expected labels from %d to %d, got %d at item %d; %s'
                        % (name, first, first + num_classes - 1, labels[outside[0]], outside[0], remedy))
