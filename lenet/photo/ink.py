"""Telling the ink of a picture from its ground; pure functions of arrays.

Letters: H, W of the picture, h, w of the digit. Grey is float32 in [0, 255], 0 black. Darkness is float32 [H, W], how
much darker than its ground a pixel is: 0 is ground, 1 is black. Needs SciPy, and Pillow for resampling.
"""

import math
from typing import Tuple

import numpy as np
from PIL import Image
from scipy import ndimage

from lenet.photo import marks

LEAST_CONTRAST = 0.1  # darkness; JPEG's artefacts and the texture of paper stay below
LEAST_CONTRAST_AT_EDGE = 0.3  # dark corners of a photograph stay below
DARK_GROUND = 64  # grey: paper is lighter, also in shadow
SPECK = 1 / 20  # of the largest part's darkness; the bar of a 5, drawn apart, is 1/6
GROUND_GRID = 32  # pixels of the longer side, on which the ground is estimated
GROUND_REACH = 0.2  # of the longer side; strokes up to twice as wide do not count as ground


def find(grey: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Finds the digit, whether it is dark on light ground or light on dark.

    Nothing tells beforehand which of the two a picture shows, so the likely ones are tried, and the marks compared:

    1. Most of a picture is ground. Where its median is light, only light ground is tried. Where it is dark, dark ground
       is tried, and light ground too unless the border is nearly black: paper in shadow looks dark beside paper in
       light.
    2. A digit lies within its picture, so marks that touch the edge (a table, a shadow) do not count. Of two grounds
       the one with the longer mark is right: on the wrong one, the holes of a digit, or of a frame around it, look like
       marks, and are shorter.
    3. Where every mark touches the edge, the digit may be cut out that closely. Then the border tells which ground it
       is, and the contrast must be stronger than that of a photograph's dark corners.

    Args:
      grey: float32 [H, W].

    Returns:
      float32 [H, W], the darkness on the ground that was chosen, and bool [H, W], the cores of the digit's strokes, all
      False where there is no digit.
    """
    edge, whole = [is_light(float(np.median(pixels)), grey) for pixels in (border(grey), grey)]
    paper = float(np.median(border(grey))) >= DARK_GROUND
    attempts = [_find_on(light, grey, LEAST_CONTRAST) for light in {whole, whole or edge or paper}]
    inner = [attempt for attempt in attempts if attempt[1].any() and not border(attempt[1]).any()]
    if not inner:
        return _find_on(edge, grey, LEAST_CONTRAST_AT_EDGE)[:2]
    return max(inner, key=lambda attempt: attempt[2])[:2]


def _find_on(light: bool, grey: np.ndarray, least: float) -> Tuple[np.ndarray, np.ndarray, int]:
    """What `find` returns, if the ground is light, or dark, and the length of the longest mark, be it a frame.

    Args:
      least: the contrast from which marks count.
    """
    dark = darkness(grey if light else 255 - grey)
    least = max(least, 5 * noise_of(dark))
    framed = digit_mask(dark, least)
    for share in (0, 1 / 4, 1 / 2):  # a black frame's digit may be grey; at a low level dark corners join the frame
        dark = without_frames(dark, dark > share_of_darkest(dark, share, least))
    return dark, digit_mask(dark, least), length(framed) if framed.any() else 0


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
    coarse = resize(grey, max(1, round(scale * grey.shape[0])), max(1, round(scale * grey.shape[1])))
    reach = max(1, round(GROUND_REACH * max(coarse.shape)))
    ground = ndimage.maximum_filter(coarse, 2 * reach + 1, mode='nearest')
    ground = ndimage.minimum_filter(ground, 2 * reach + 3, mode='nearest')
    ground = resize(ground, *grey.shape)
    dark = (ground - grey) / np.maximum(ground, 1)
    flat = dark[np.abs(dark) < LEAST_CONTRAST]
    return dark - (np.median(flat) if flat.size else 0)


def noise_of(dark: np.ndarray) -> float:
    """The standard deviation of the noise, from the lower quartile of neighbours' differences, which edges leave alone.

    0.3186 is that quartile's place in the half-normal distribution, sqrt(2) makes one deviation of a difference's.
    """
    steps = np.abs(np.diff(dark, axis=1))
    return float(np.percentile(steps, 25)) / (0.3186 * math.sqrt(2)) if steps.size else 0.0


def share_of_darkest(dark: np.ndarray, share: float, least: float) -> float:
    """A share of the darkness of the darkest, of which a few black pixels (a grey digit's dust) are left out."""
    candidates = dark[dark > least]
    return max(least, share * float(np.percentile(candidates, 98))) if candidates.size else least


def without_frames(dark: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The darkness without what of `mask` is drawn around a digit, and its soft edges."""
    around = marks.frames(mask)
    if not around.any():
        return dark
    return np.where(ndimage.maximum_filter(around, 2 * math.ceil(max(mask.shape) / 200) + 1), 0, dark)


def digit_mask(dark: np.ndarray, least: float) -> np.ndarray:
    """bool [H, W]: the cores of the digit's strokes; all False where nothing is darker than `least`."""
    mask = dark > share_of_darkest(dark, 1 / 2, least)
    return without_specks(dark, mask) if mask.any() else mask


def without_specks(dark: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The parts of `mask` that can be the digit's.

    Parts that reach the picture's edge are the table, a shadow or a line, if there is a digit besides; parts with less
    than SPECK of the largest's darkness are dust.
    """
    parts, _ = ndimage.label(mask, np.ones((3, 3)))  # diagonal neighbours are of one part
    weights = np.bincount(parts.ravel(), np.where(mask, dark, 0).ravel())
    inner = weights.copy()
    inner[border(parts)] = 0
    inner[0] = 0
    if inner.any() and length(parts == inner.argmax()) >= marks.least_length(mask.shape):
        weights = inner
    return mask & (weights >= SPECK * weights.max())[parts]


def length(mask: np.ndarray) -> int:
    """The longer side of the box around a mask that is not all False."""
    return marks.length(_box(mask))


def _box(mask: np.ndarray) -> Tuple[slice, slice]:
    return ndimage.find_objects(mask, max_label=1)[0]


def crop(dark: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cuts out the digit with the soft edges of its strokes.

    Args:
      dark: float32 [H, W].
      mask: bool [H, W], not all False.

    Returns:
      float32 [h, w], 0 outside of the strokes.
    """
    near = _near(mask)
    return np.where(near, np.maximum(dark, 0), 0)[_box(_strokes(dark, mask, near))]


def strokes(dark: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """bool [H, W]: cores of strokes, their soft edges and the faint ink between them; arguments as of `crop`."""
    return _strokes(dark, mask, _near(mask))


def _strokes(dark: np.ndarray, mask: np.ndarray, near: np.ndarray) -> np.ndarray:
    return mask | near & (dark > max(4 * noise_of(dark), 0.25 * float(dark[mask].mean())))


def _near(mask: np.ndarray) -> np.ndarray:
    """bool [H, W]: what is as near as a pixel of the 20x20 box."""
    return ndimage.maximum_filter(mask, 2 * math.ceil(length(mask) / 20) + 1, mode='nearest')


def border(grey: np.ndarray) -> np.ndarray:
    """The outermost pixels, [2 * W + 2 * H]."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 [H, W] -> float32 [height, width]: the mean over each pixel's area, or between pixels linear."""
    reduces = height * width <= array.size
    picture = Image.fromarray(np.ascontiguousarray(array, np.float32))
    return np.asarray(picture.resize((width, height), Image.BOX if reduces else Image.BILINEAR))
