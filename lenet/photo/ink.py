"""Telling the ink of a picture from its ground; pure functions of arrays.

Letters: H, W of the picture, h, w of the digit. Grey is float32 in [0, 255], 0 black. Darkness is float32 [H, W], how
much darker than its ground a pixel is: 0 is ground, 1 is black. Needs SciPy, and Pillow for resampling.
"""

import math
from typing import List, Tuple

import numpy as np
from PIL import Image
from scipy import ndimage

LEAST_CONTRAST = 0.1  # darkness; JPEG's artefacts and the texture of paper stay below
LEAST_CONTRAST_AT_EDGE = 0.3  # dark corners of a photograph stay below
DARK_GROUND = 64  # grey: paper is lighter, also in shadow
LEAST_SIDE = 5  # pixels, of the smallest fonts' digits
LEAST_SHARE = 1 / 20  # of the picture's longer side, that what is taken for the digit beside other things spans
SPECK = 1 / 20  # of the largest part's darkness; the bar of a 5, drawn apart, is 1/6
FRAMED = 1 / 5  # of a frame's longer side, that what it frames has at least
SAME_SIZE = 0.6  # of the tallest mark's height, from which another may be a digit of its own
APART = 0.12  # of that height: the gap between two digits
GROUND_GRID = 32  # pixels of the longer side, on which the ground is estimated
GROUND_REACH = 0.2  # of the longer side; strokes up to twice as wide do not count as ground


def find(grey: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Finds the digit, whether it is dark on light ground or light on dark.

    Nothing tells beforehand which of the two a picture shows, so the likely ones are tried, and the marks compared:

    1. Most of a picture is ground. Where its median is light, only light ground is tried. Where it is dark, dark ground
       is tried, and light ground too unless the border is nearly black: paper in shadow looks dark beside paper in
       light.
    2. A digit lies within its picture, so marks that touch the edge (a table, a shadow) do not count. Of two grounds
       the one with the longer mark is right: on the wrong one, the holes of a digit look like marks, and are shorter.
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
    inner = [(dark, mask) for dark, mask in attempts if mask.any() and not border(mask).any()]
    if not inner:
        return _find_on(edge, grey, LEAST_CONTRAST_AT_EDGE)
    return max(inner, key=lambda attempt: _length(attempt[1]))


def _find_on(light: bool, grey: np.ndarray, least: float) -> Tuple[np.ndarray, np.ndarray]:
    """What `find` returns, if the ground is light, or dark; `least` is the contrast from which marks count."""
    dark = darkness(grey if light else 255 - grey)
    return dark, digit_mask(dark, max(least, 5 * noise_of(dark)))


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
    than SPECK of the largest's darkness are dust; parts around another one are a frame.
    """
    parts, _ = ndimage.label(mask, np.ones((3, 3)))  # diagonal neighbours are of one part
    weights = np.bincount(parts.ravel(), np.where(mask, dark, 0).ravel())
    inner = weights.copy()
    inner[border(parts)] = 0
    inner[0] = 0
    if inner.any() and _length(parts == inner.argmax()) >= max(LEAST_SIDE, LEAST_SHARE * max(mask.shape)):
        weights = inner
    for part in _frames(parts, weights >= SPECK * weights.max()):
        weights[part] = 0
    return mask & (weights >= SPECK * weights.max())[parts]


def _frames(parts: np.ndarray, counts: np.ndarray) -> List[int]:
    """The parts that lie on all four sides of another, which is not much smaller: a box or a ring around a digit.

    Args:
      parts: int32 [H, W], 0 for none, as ndimage.label numbers them.
      counts: bool [parts + 1], which of them are more than dust.
    """
    boxes = {part: box for part, box in enumerate(ndimage.find_objects(parts), 1) if counts[part]}
    return [outer for outer in boxes if any(
        inner != outer and _side(boxes[inner]) >= FRAMED * _side(boxes[outer]) and
        _surrounds(parts == outer, boxes[inner]) for inner in boxes)]


def _surrounds(mask: np.ndarray, box: Tuple[slice, slice]) -> bool:
    """Whether `mask` has something above, below, left and right of `box`, and nothing within."""
    rows, columns = box
    return bool(mask[:rows.start, columns].any() and mask[rows.stop:, columns].any() and
                mask[rows, :columns.start].any() and mask[rows, columns.stop:].any() and not mask[box].any())


def count_digits(mask: np.ndarray) -> int:
    """How many digits stand side by side, or one above the other, in what `find` gives.

    Parts of one digit overlap, or lie close together, or are of very different size. Measured on MNIST's test images:
    it takes 15 of 10,000 for several.
    """
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    boxes = [box for box in ndimage.find_objects(parts) if _side(box) >= LEAST_SIDE]
    if not boxes:
        return 1
    tallest = max(box[0].stop - box[0].start for box in boxes)
    tall = [box for box in boxes if box[0].stop - box[0].start >= SAME_SIZE * tallest]
    return max(_count_apart([box[axis] for box in tall], APART * tallest) for axis in (0, 1))


def _count_apart(spans: List[slice], gap: float) -> int:
    """Into how many groups, at least `gap` apart, intervals fall."""
    count, end = 0, -math.inf
    for span in sorted(spans, key=lambda span: span.start):
        count += span.start - end >= gap
        end = max(end, span.stop)
    return count


def _length(mask: np.ndarray) -> int:
    """The longer side of the box around a mask that is not all False."""
    return _side(_box(mask))


def _side(box: Tuple[slice, slice]) -> int:
    return max(side.stop - side.start for side in box)


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
    reach = math.ceil(_length(mask) / 20)  # a pixel of the 20x20 box
    near = ndimage.maximum_filter(mask, 2 * reach + 1, mode='nearest')
    soft = np.where(near, np.maximum(dark, 0), 0)
    strokes = mask | (soft > max(4 * noise_of(dark), 0.25 * float(dark[mask].mean())))
    return soft[_box(strokes)]


def border(grey: np.ndarray) -> np.ndarray:
    """The outermost pixels, [2 * W + 2 * H]."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 [H, W] -> float32 [height, width]: the mean over each pixel's area, or between pixels linear."""
    reduces = height * width <= array.size
    picture = Image.fromarray(np.ascontiguousarray(array, np.float32))
    return np.asarray(picture.resize((width, height), Image.BOX if reduces else Image.BILINEAR))
