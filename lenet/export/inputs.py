"""Images as the frozen graph takes them. Without TensorFlow: what prepares them needs none.

Letters: n images.
"""

import os
from typing import List, NamedTuple, Optional

import numpy as np

PIXELS = 28 * 28


class Inputs(NamedTuple):
    """Images to be classified."""

    source: str  # where they come from, in words
    names: List[str]  # n, one a line, fit to be printed
    images: np.ndarray  # float32 [n, 784] in [0, 1]
    labels: Optional[np.ndarray]  # int32 [n], None where they are not known


def flatten(images: np.ndarray) -> np.ndarray:
    """uint8 [n, 28, 28, 1] -> float32 [n, 784] in [0, 1], to the bit as training normalizes them."""
    return images.reshape(len(images), PIXELS).astype(np.float32) * np.float32(1 / 255)


def pad(images: np.ndarray, size: int) -> np.ndarray:
    """`images` filled up with zeros to `size` of them."""
    return np.concatenate([images, np.zeros((size - len(images),) + images.shape[1:], images.dtype)])


def printable(name: str) -> str:
    """A file's name without the bytes that are no UTF-8 and the characters that end a line."""
    text = os.fsencode(name).decode('utf-8', 'backslashreplace')
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text)
