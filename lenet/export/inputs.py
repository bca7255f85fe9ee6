"""Images as the frozen graph takes them. Without TensorFlow: what prepares them needs none.

Letters: n images.
"""

from typing import List, NamedTuple, Optional, Sequence

import numpy as np

PIXELS = 28 * 28


class Inputs(NamedTuple):
    """Images to be classified."""

    origin: str  # where they come from, in words
    names: List[str]  # n, one a line, fit to be printed
    images: np.ndarray  # float32 [n, 784] in [0, 1]
    labels: Optional[np.ndarray]  # int32 [n], None where they are not known
    refused: Sequence[str] = ()  # why further images could not be read, a line each


def shown_to(images: np.ndarray, dark_on_light: bool) -> np.ndarray:
    """Pictures in MNIST's form, light on dark, as a network takes them that has learned digits `dark_on_light`.

    Args:
      images: uint8, of any shape.
    """
    return 255 - images if dark_on_light else images


def flatten(images: np.ndarray) -> np.ndarray:
    """uint8 [n, 28, 28, 1] -> float32 [n, 784] in [0, 1], to the bit as training normalizes them."""
    return images.reshape(len(images), PIXELS).astype(np.float32) * np.float32(1 / 255)


def pad(images: np.ndarray, size: int) -> np.ndarray:
    """`images` filled up with zeros to `size` of them."""
    return np.concatenate([images, np.zeros((size - len(images),) + images.shape[1:], images.dtype)])
