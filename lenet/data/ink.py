"""From a grey picture of one digit to what MNIST's makers would have made of it; pure functions of arrays.

LeCun et al. 1998, "Gradient-based learning applied to document recognition", section III.A: the digit is scaled to fit
a 20x20 box, its aspect ratio kept, which by anti-aliasing gives grey levels, and then centred by its centre of mass in
28x28; light ink on dark ground. How ink is told from an unevenly lit ground is this program's own.

Letters: H, W of the picture, h, w of the digit. Grey is float32 in [0, 255], 0 black. Darkness is float32 [H, W], how
much darker than its ground a pixel is: 0 is ground, 1 is black. Needs Pillow, for resampling alone.
"""

import math
from typing import Tuple

import numpy as np
from PIL import Image

from lenet.errors import UserError

SIDE, BOX, CENTRE = 28, 20, 14  # a test in tests/test_ink.py finds these in MNIST itself
LEAST_CONTRAST = 0.1  # darkness; JPEG's artefacts and the texture of paper stay below
LEAST_SIDE = 5  # pixels, of the smallest fonts' digits
LEAST_SHARE = 1 / 20  # of the picture's longer side, that what is taken for the digit beside other things spans
SPECK = 1 / 20  # of the largest part's darkness; the bar of a 5, drawn apart, is 1/6
GROUND_GRID = 32  # pixels of the longer side, on which the ground is estimated
GROUND_REACH = 0.2  # of the longer side; strokes up to twice as wide do not count as ground


def normalised(grey: np.ndarray, name: str) -> np.ndarray:
    """The digit as MNIST would hold it.

    A picture that has MNIST's form already, 28x28 on black ground, is taken as it is.

    Args:
      grey: float32 [H, W].
      name: what errors call the picture: its file.

    Returns:
      uint8 [28, 28, 1].

    Raises:
      UserError: the picture holds nothing that could be a digit.
    """
    if is_mnist(grey):
        return np.rint(grey).astype(np.uint8)[..., np.newaxis]
    light = has_light_ground(grey)
    dark = darkness(grey if light else 255 - grey)
    noise = noise_of(dark)
    mask = digit_mask(dark, max(LEAST_CONTRAST, 5 * noise))
    if not mask.any():
        raise UserError('%s: holds no digit: the picture of %dx%d pixels is blank, or too faint; take one with clear '
                        'strokes on a plain ground' % (name, grey.shape[1], grey.shape[0]))
    digit = cropped(dark, mask, noise)
    if max(digit.shape) < LEAST_SIDE:
        raise UserError('%s: holds no digit: the largest mark is %dx%d pixels, a speck; take a larger picture of it' %
                        (name, digit.shape[1], digit.shape[0]))
    return centred(fitted(digit))[..., np.newaxis]


def is_mnist(grey: np.ndarray) -> bool:
    """True for 28x28 pixels with black all around (but for strokes that touch it) and something white."""
    return grey.shape == (SIDE, SIDE) and float(np.median(border(grey))) < 8 and float(grey.max()) >= 128


def border(grey: np.ndarray) -> np.ndarray:
    """The outermost pixels, [2 * W + 2 * H]."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def has_light_ground(grey: np.ndarray) -> bool:
    """True where the picture departs from its border's median further towards black than towards white.

    The mean would take a fat digit for the ground.
    """
    ground = float(np.median(border(grey)))
    return ground - float(grey.min()) >= float(grey.max()) - ground


def over_ground(grey: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Puts a picture with transparent parts on a plain ground.

    Args:
      grey: float32 [H, W].
      alpha: float32 [H, W] in [0, 1], 0 transparent.

    Returns:
      float32 [H, W]: on the grey of its border where that is opaque, otherwise on black where what is drawn is light,
      else on white.
    """
    weight = float(alpha.sum())
    if weight == 0:
        return np.full_like(grey, 255)
    opaque = border(alpha) >= 0.5
    if opaque.mean() >= 0.5:
        ground = np.median(border(grey)[opaque])
    else:
        ground = 0 if float((grey * alpha).sum()) / weight >= 128 else 255
    return (grey * alpha + np.float32(ground) * (1 - alpha)).astype(np.float32)


def darkness(grey: np.ndarray) -> np.ndarray:
    """How much darker than its ground each pixel is: 1 - grey / ground, which does not depend on the light.

    The ground is a morphological closing, a maximum and then a minimum over windows wider than strokes: it follows
    shadows and gradients, and bridges strokes. Noise lifts it, so the median darkness is subtracted again.

    Args:
      grey: float32 [H, W], dark ink on light ground.
    """
    scale = min(1.0, GROUND_GRID / max(grey.shape))
    coarse = resized(grey, max(1, round(scale * grey.shape[0])), max(1, round(scale * grey.shape[1])))
    reach = max(1, round(GROUND_REACH * max(coarse.shape)))
    ground = -_window_max(-_window_max(coarse, reach), reach)
    dark = 1 - grey / np.maximum(resized(ground, *grey.shape), 1)
    return dark - np.median(dark)


def _window_max(grey: np.ndarray, reach: int) -> np.ndarray:
    """The maximum over the square of `reach` pixels to each side."""
    for axis in (0, 1):
        count = grey.shape[axis]
        padded = np.pad(grey, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode='edge')
        grey = np.max([padded.take(range(start, start + count), axis) for start in range(2 * reach + 1)], axis=0)
    return grey


def noise_of(dark: np.ndarray) -> float:
    """The standard deviation of the ground, from the median absolute deviation, which few strokes do not move."""
    return 1.4826 * float(np.median(np.abs(dark - np.median(dark))))  # 1.4826: of a normal distribution


def digit_mask(dark: np.ndarray, least: float) -> np.ndarray:
    """bool [H, W]: the cores of the digit's strokes; all False where nothing is darker than `least`."""
    candidates = dark[dark > least]
    if not candidates.size:
        return np.zeros(dark.shape, bool)
    return without_specks(dark, dark > max(least, threshold(candidates)))


def threshold(candidates: np.ndarray) -> float:
    """Half of the mean of what lies above it (Ridler & Calvard 1978, the ground being 0), reached from above.

    Args:
      candidates: float32 [n], n >= 1, all positive.
    """
    level = float(np.percentile(candidates, 98)) / 2  # a few black pixels are none of a grey digit
    while True:
        lower = float(candidates[candidates >= level].mean()) / 2
        if lower >= level - 1e-4:
            return level
        level = lower


def without_specks(dark: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The parts of `mask` that can be the digit's.

    Parts that reach the picture's edge are the table, a shadow or a line, if there is a digit besides; parts with less
    than SPECK of the largest's darkness are dust.
    """
    parts = components(mask)
    weights = np.bincount(parts.ravel(), np.where(mask, dark, 0).ravel())
    inner = weights.copy()
    inner[border(parts)] = 0
    inner[0] = 0
    if inner.any() and _length(parts == inner.argmax()) >= max(LEAST_SIDE, LEAST_SHARE * max(mask.shape)):
        weights = inner
    return mask & (weights >= SPECK * weights.max())[parts]


def components(mask: np.ndarray) -> np.ndarray:
    """Numbers the connected parts, diagonal neighbours included.

    Each pixel points to a pixel of its part with a smaller number; every round hangs the roots of touching trees
    under one another and shortens all paths, so that the rounds grow with the logarithm of the pixels.

    Returns:
      int64 [H, W], 0 where `mask` is False, the parts from 1.
    """
    numbers = np.zeros(mask.shape, np.int64)
    numbers[mask] = np.arange(1, 1 + np.count_nonzero(mask))
    roots = np.arange(1 + numbers.max(initial=0))
    pairs = _touching(numbers)
    while pairs.shape[1]:
        low, high = np.sort(roots[pairs], axis=0)
        roots[high] = low
        while (roots != roots[roots]).any():
            roots = roots[roots]
        pairs = pairs[:, roots[pairs[0]] != roots[pairs[1]]]
    return np.unique(roots, return_inverse=True)[1][numbers]


def _touching(numbers: np.ndarray) -> np.ndarray:
    """[2, n]: the numbers of neighbours, each pair once."""
    pairs = [(numbers[:, 1:], numbers[:, :-1]), (numbers[1:], numbers[:-1]),
             (numbers[1:, 1:], numbers[:-1, :-1]), (numbers[1:, :-1], numbers[:-1, 1:])]
    found = np.array([np.concatenate([side.ravel() for side in sides]) for sides in zip(*pairs)])
    return found[:, (found > 0).all(axis=0)]


def _length(mask: np.ndarray) -> int:
    """The longer side of the box around a mask that is not all False."""
    return max(side.stop - side.start for side in _extent(mask))


def _extent(mask: np.ndarray) -> Tuple[slice, slice]:
    rows, columns = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def cropped(dark: np.ndarray, mask: np.ndarray, noise: float) -> np.ndarray:
    """The digit with the soft edges of its strokes, cut out.

    Args:
      dark: float32 [H, W].
      mask: bool [H, W], not all False.

    Returns:
      float32 [h, w], 0 outside of the strokes.
    """
    reach = math.ceil(_length(mask) / BOX)  # a pixel of MNIST's
    near = _window_max(mask.astype(np.float32), reach) > 0
    soft = np.where(near, np.maximum(dark, 0), 0)
    rows, columns = _extent(mask | (soft > max(4 * noise, 0.15 * float(dark[mask].mean()))))
    return soft[rows, columns]


def fitted(digit: np.ndarray) -> np.ndarray:
    """Scales the longer side to 20, the ink to full intensity.

    Args:
      digit: float32 [h, w], not all 0.

    Returns:
      float32 [h', w'] in [0, 255].
    """
    scale = BOX / max(digit.shape)
    small = np.maximum(resized(digit, *[max(1, round(scale * side)) for side in digit.shape]), 0)
    full = np.percentile(small[small > 0.15 * small.max()], 90)
    return np.minimum(small * (255 / full), 255)


def centred(digit: np.ndarray) -> np.ndarray:
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
        centre = float(np.dot(mass, np.arange(len(mass))) / mass.sum())
        corner.append(min(max(math.floor(CENTRE - centre + 0.5), 0), SIDE - len(mass)))
    target[corner[0]:corner[0] + digit.shape[0], corner[1]:corner[1] + digit.shape[1]] = np.rint(digit)
    return target


def resized(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 [H, W] -> float32 [height, width]: the mean over each pixel's area, or between pixels linear."""
    reduces = height * width <= array.size
    picture = Image.fromarray(np.ascontiguousarray(array, np.float32))
    return np.asarray(picture.resize((width, height), Image.BOX if reduces else Image.BILINEAR))
