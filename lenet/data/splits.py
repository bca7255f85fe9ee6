"""What every reader returns: checked arrays of images and labels."""

import hashlib
from typing import NamedTuple

import numpy as np

from lenet.errors import UserError

IMAGE_SHAPE = (28, 28)
ANY_NUMBER = 2 ** 31 - 1  # of classes: for those whose network knows how many there are


class Split(NamedTuple):
    """One half of a data set."""

    images: np.ndarray  # uint8 [n, 28, 28, 1] as read, [n, 8, 8, 16] once model.lay_out has cut them into blocks
    labels: np.ndarray  # int32 [n]


class Dataset(NamedTuple):
    """A training and a test split, and where they come from."""

    train: Split
    test: Split
    origin: str  # a path, or 'synthetic, seed 1'
    synthetic: bool

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


def make_split(images: np.ndarray, labels: np.ndarray, images_name: str, labels_name: str, num_classes: int) -> Split:
    """Pairs images with labels.

    Args:
      images: uint8 [n, 28, 28].
      labels: any integer dtype, [n].
      images_name: what errors call the images: a file.
      labels_name: what errors call the labels.
      num_classes: labels must lie in 0..num_classes-1.

    Raises:
      UserError: there are no images, the counts differ, or a label is out of range.
    """
    if len(images) == 0:
        raise UserError('%s: expected at least one image, got none; get the file again' % images_name)
    if len(images) != len(labels):
        raise UserError('%s: expected %d labels, one for each image of %s, got %d; get both files from one source'
                        % (labels_name, len(images), images_name, len(labels)))
    require_labels_below(num_classes, labels, labels_name, 'get the file again, or raise --num_classes')
    return Split(images=images.reshape(images.shape + (1,)), labels=labels.astype(np.int32))


def require_labels_below(num_classes: int, labels: np.ndarray, name: str, remedy: str) -> None:
    """Refuses labels outside of 0..num_classes-1.

    Args:
      labels: any integer dtype, [n].
      name: what the error calls the labels.
      remedy: what the error says to do.

    Raises:
      UserError: a label is out of range.
    """
    outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if outside.size:
        raise UserError('%s: expected labels from 0 to %d, got %d at item %d; %s'
                        % (name, num_classes - 1, labels[outside[0]], outside[0], remedy))
