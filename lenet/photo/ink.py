"""Telling the ink of a picture from its ground; pure functions of arrays.

Letters: H, W of the picture, h, w of the digit. Grey is float32 in [0, 255], 0 black. Darkness is float32 [H, W], how
much darker than its ground a pixel is: 0 is ground, 1 is black. Needs Pillow, for resampling alone.
"""

import functools
import math
from typing import Tuple

import numpy as np
from PIL import Image

from lenet.photo.components import components

LEAST_CONTRAST = 0.1  # darkness; JPEG's artefacts and the texture of paper stay below
LEAST_CONTRAST_AT_EDGE = 0.3  # dark corners of a photograph stay below
DARK_GROUND = 64  # grey: paper is lighter, also in shadow
LEAST_SIDE = 5  # pixels, of the smallest fonts' digits
LEAST_SHARE = 1 / 20  # of the picture's longer side, that what is taken for the digit beside other things spans
SPECK = 1 / 20  # of the largest part's darkness; the bar of a 5, drawn apart, is 1/6
GROUND_GRID = 32  # pixels of the longer side, on which the ground is estimated
GROUND_REACH = 0.2  # of the longer side; strokes up to twice as wide do not count as ground


def found(grey: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The darkness of a picture and the cores of its digit's strokes.

    The ground is light if the picture's median is, and something darker does not reach the edge: a digit, be there a
    table or a shadow besides. Otherwise each kind of ground is tried that the border or the picture suggests, and light
    ground unless the border is really dark, since paper in shadow looks dark beside paper in light; the longest digit
    that does not reach the edge is right, for inside a digit there are only its shorter holes. Where there is none, the
    border decides, and what reaches the edge is a digit cut out closely if its contrast is strong.
    """
    def tried(light: bool, least: float) -> Tuple[np.ndarray, np.ndarray]:
        dark = darkness(grey if light else 255 - grey)
        return dark, digit_mask(dark, max(least, 5 * noise_of(dark)))

    def length(result: Tuple[np.ndarray, np.ndarray]) -> int:
        return 0 if border(result[1]).any() or not result[1].any() else _length(result[1])

    edge, whole = [is_light(float(np.median(pixels)), grey) for pixels in (border(grey), grey)]
    paper = float(np.median(border(grey))) >= DARK_GROUND
    results = [tried(light, LEAST_CONTRAST) for light in {whole, whole or edge or paper}]
    best = max(results, key=length)
    return best if length(best) else tried(edge, LEAST_CONTRAST_AT_EDGE)


def is_light(ground: float, grey: np.ndarray) -> bool:
    """True where a picture departs from its ground's grey further towards black than towards white."""
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
    """How much darker than its ground each pixel is: (ground - grey) / ground, which does not depend on the light.

    The ground is a morphological closing, a maximum and then a minimum over windows wider than strokes: it follows
    shadows and gradients, and bridges strokes. The minimum reaches a pixel further, so that the blurred edge of a
    shadow is not taken for ink. The rest of what noise and gradients leave on the ground is subtracted.

    Args:
      grey: float32 [H, W], dark ink on light ground.
    """
    scale = min(1.0, GROUND_GRID / max(grey.shape))
    coarse = resized(grey, max(1, round(scale * grey.shape[0])), max(1, round(scale * grey.shape[1])))
    reach = max(1, round(GROUND_REACH * max(coarse.shape)))
    ground = -_window_max(-_window_max(coarse, reach), reach + 1)
    ground = resized(ground, *grey.shape)
    dark = (ground - grey) / np.maximum(ground, 1)
    flat = dark[np.abs(dark) < LEAST_CONTRAST]
    return dark - (np.median(flat) if flat.size else 0)


def _window_max(grey: np.ndarray, reach: int) -> np.ndarray:
    """The maximum over the square of `reach` pixels to each side."""
    for axis in (0, 1):
        count = grey.shape[axis]
        padded = np.pad(grey, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode='edge')
        grey = functools.reduce(np.maximum, (padded.take(range(start, start + count), axis)
                                             for start in range(2 * reach + 1)))
    return grey


def noise_of(dark: np.ndarray) -> float:
    """The standard deviation of the noise, from the lower quartile of neighbours' differences, which edges leave alone.

    0.3186 is that quartile's place in the half-normal distribution, sqrt(2) makes one deviation of a difference's.
    """
    steps = np.abs(np.diff(dark, axis=1))
    return float(np.percentile(steps, 25)) / (0.3186 * math.sqrt(2)) if steps.size else 0.0


def digit_mask(dark: np.ndarray, least: float) -> np.ndarray:
    """bool [H, W]: the cores of the digit's strokes; all False where nothing is darker than `least`.

    They are what has half the darkness of the darkest, of which a few black pixels (a grey digit's dust) are left out.
    """
    candidates = dark[dark > least]
    if not candidates.size:
        return np.zeros(dark.shape, bool)
    return without_specks(dark, dark > max(least, float(np.percentile(candidates, 98)) / 2))


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


def _length(mask: np.ndarray) -> int:
    """The longer side of the box around a mask that is not all False."""
    return max(side.stop - side.start for side in _extent(mask))


def _extent(mask: np.ndarray) -> Tuple[slice, slice]:
    rows, columns = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def cropped(dark: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The digit with the soft edges of its strokes, cut out.

    Args:
      dark: float32 [H, W].
      mask: bool [H, W], not all False.

    Returns:
      float32 [h, w], 0 outside of the strokes.
    """
    reach = math.ceil(_length(mask) / 20)  # a pixel of the 20x20 box
    near = _window_max(mask, reach)
    soft = np.where(near, np.maximum(dark, 0), 0)
    rows, columns = _extent(mask | (soft > max(4 * noise_of(dark), 0.25 * float(dark[mask].mean()))))
    return soft[rows, columns]


def border(grey: np.ndarray) -> np.ndarray:
    """The outermost pixels, [2 * W + 2 * H]."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def resized(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 [H, W] -> float32 [height, width]: the mean over each pixel's area, or between pixels linear."""
    reduces = height * width <= array.size
    picture = Image.fromarray(np.ascontiguousarray(array, np.float32))
    return np.asarray(picture.resize((width, height), Image.BOX if reduces else Image.BILINEAR))
