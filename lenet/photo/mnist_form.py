"""From a grey picture of one digit to what MNIST's makers would have made of it; pure functions of arrays.

LeCun et al. 1998, "Gradient-based learning applied to document recognition", section III.A: the digit is scaled to fit
a 20x20 box, its aspect ratio kept, which by anti-aliasing gives grey levels, and then centred by its centre of mass in
28x28; light ink on dark ground. In the 10,000 test images the longer side is 20 pixels, in three of them 19, and every
centre of mass lies between 13.5 and 14.5 on both axes (pixels count from 0).

Letters: as in lenet/photo/ink.py.
"""

import math
from typing import List

import numpy as np
from scipy import ndimage

from lenet.errors import UserError
from lenet.photo import ink
from lenet.photo import marks

SIDE, BOX, CENTRE = 28, 20, 14
FAINT = 32  # grey: artefacts of JPEG beside strokes stay below
OFF_CENTRE = 1.5  # pixels; the network was not trained on digits further from the middle


def normalise(grey: np.ndarray, name: str) -> List[np.ndarray]:
    """The digits of a picture, from left to right, as MNIST would hold them.

    A picture that has MNIST's form already is taken as it is.

    Args:
      grey: float32 [H, W].
      name: what errors call the picture: its file.

    Returns:
      uint8 [28, 28, 1] each.

    Raises:
      UserError: the picture holds nothing that could be a digit.
    """
    if is_mnist(grey):
        return [np.rint(grey).astype(np.uint8)[..., np.newaxis]]
    dark, mask = ink.find(grey)
    if not mask.any():
        raise UserError('%s: holds no digit: the picture of %dx%d pixels is blank, or too faint; take one with clear '
                        'strokes on a plain ground' % (name, grey.shape[1], grey.shape[0]))
    digits = [ink.crop(np.where(mask & ~digit, 0, dark), digit) for digit in
              marks.separate(mask, ink.strokes(dark, mask))]
    large = [digit for digit in digits if max(digit.shape) >= marks.LEAST_SIDE]
    if not large:
        raise UserError('%s: holds no digit: the largest mark is %dx%d pixels, a speck; take a larger picture of it' %
                        (name, digits[0].shape[1], digits[0].shape[0]))
    return [centre(fit(digit))[..., np.newaxis] for digit in large]


def is_mnist(grey: np.ndarray) -> bool:
    """True for 28x28 pixels in MNIST's form: black around something white that is 20 long, with its mass in the middle.

    The margins leave all of MNIST's 70,000 images as they are, and those that were saved as JPEG.
    """
    if grey.shape != (SIDE, SIDE) or float(np.median(ink.border(grey))) >= 8 or float(grey.max()) < 128:
        return False
    middle = ndimage.center_of_mass(grey)
    is_centred = max(abs(place - CENTRE) for place in middle) <= OFF_CENTRE
    return BOX - 2 <= ink.length(grey >= FAINT) <= BOX + 1 and is_centred


def fit(digit: np.ndarray) -> np.ndarray:
    """Scales the longer side to 20, the ink to full intensity.

    Args:
      digit: float32 [h, w], not all 0.

    Returns:
      float32 [h', w'] in [0, 255].
    """
    scale = BOX / max(digit.shape)
    small = np.maximum(ink.resize(digit, *[max(1, round(scale * side)) for side in digit.shape]), 0)
    full = np.percentile(small[small > 0.15 * small.max()], 90)
    return np.minimum(small * (255 / full), 255)


def centre(digit: np.ndarray) -> np.ndarray:
    """Puts a digit on black ground, its centre of mass at (14, 14), or as near as it comes without losing a pixel.

    Args:
      digit: float32 [h, w] in [0, 255], not all 0; h, w <= 28.

    Returns:
      uint8 [28, 28].
    """
    target = np.zeros((SIDE, SIDE), np.uint8)
    corner = []
    for axis in (0, 1):
        mass = digit.sum(axis=1 - axis)
        middle = float(np.dot(mass, np.arange(len(mass))) / mass.sum())
        corner.append(min(max(math.floor(CENTRE - middle + 0.5), 0), SIDE - len(mass)))
    target[corner[0]:corner[0] + digit.shape[0], corner[1]:corner[1] + digit.shape[1]] = np.rint(digit)
    return target
