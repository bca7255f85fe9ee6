"""Which marks of a picture are digits: frames around them go, several stand apart; pure functions of masks.

Letters: H, W of the picture. A mark is a part of a mask whose pixels touch, at corners too; box is its bounding box.
"""

from typing import Callable, List, Tuple

import numpy as np
from scipy import ndimage

LEAST_SIDE = 5  # pixels, of the smallest fonts' digits
LEAST_SHARE = 1 / 20  # of the picture's longer side, that what is taken for the digit beside other things spans
LEAST_FRAMED = 1 / 5  # of a frame's height; what is smaller is dust in a 0
SURROUNDED = 0.9  # of what a mark's pixels see above, below and beside, that is its frame, which may have gaps
FLAT = 1 / 6  # of a mark's longer side; what is thinner is a line, and four of them are a frame with open corners
TALL = 1 / 2  # of the tallest mark's height; what is lower is no digit beside it, but the bar of a 5
OVERLAP = 0.3  # of the narrower mark's width, by which leaning neighbours reach over each other
BESIDE = 1 / 2  # of the lower mark's height, which neighbours of one line share
PIECES = 0.2  # of the tallest mark's height, that the pieces of a broken stroke are apart at most
ROUND = 0.7  # of a mark's box, that a dot covers, and of its longer side, that the shorter one has; no digit does
DISTANCE = 0.3  # of the taller mark's height; the pieces of a broken digit are nearer

Box = Tuple[slice, slice]
Mark = Tuple[Box, List[int]]  # with the numbers of its parts


def label(mask: np.ndarray) -> Tuple[np.ndarray, List[Box]]:
    """int32 [H, W], the number of each pixel's mark, 0 where there is none, and the boxes of marks 1, 2, ..."""
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    return parts, ndimage.find_objects(parts)


def frames(mask: np.ndarray) -> np.ndarray:
    """bool [H, W]: the marks that are drawn around another one of a digit's size, which makes them no digits.

    What reaches the picture's edge is left out: it is no digit either way, see lenet/photo/ink.py.
    """
    parts, boxes = label(mask)
    least = least_length(mask.shape)
    marks = [number for number, box in enumerate(boxes, 1) if length(box) >= least and not _at_edge(box, mask.shape)]
    lines = [number for number in marks if min(_sides(boxes[number - 1])) <= FLAT * length(boxes[number - 1])]
    found = set()
    for inner in marks:
        sides = [number for number in lines if number != inner]
        for around in [[number] for number in marks if number != inner] + [sides] * (len(sides) > 3):
            if not found.issuperset(around) and _is_around(parts, boxes, around, inner):
                found.update(around)
    return np.isin(parts, list(found))


def _is_around(parts: np.ndarray, boxes: List[Box], around: List[int], inner: int) -> bool:
    """Whether the marks `around` enclose the mark `inner`."""
    rows, columns = [(min(boxes[number - 1][axis].start for number in around),
                      max(boxes[number - 1][axis].stop for number in around)) for axis in (0, 1)]
    box = boxes[inner - 1]
    if not (rows[0] < box[0].start and box[0].stop < rows[1] and columns[0] < box[1].start and
            box[1].stop < columns[1] and length(box) >= LEAST_FRAMED * (rows[1] - rows[0])):
        return False
    part = parts[slice(*rows), slice(*columns)]
    return np.mean([seen[part == inner].mean() for seen in _directions(np.isin(part, around))]) >= SURROUNDED


def _directions(mask: np.ndarray) -> List[np.ndarray]:
    """bool [H, W]: the pixels that have some of `mask` above, below, to the left, to the right."""
    return [np.logical_or.accumulate(mask, 0), np.logical_or.accumulate(mask[::-1], 0)[::-1],
            np.logical_or.accumulate(mask, 1), np.logical_or.accumulate(mask[:, ::-1], 1)[:, ::-1]]


def separate(mask: np.ndarray, strokes: np.ndarray) -> List[np.ndarray]:
    """The digits of a mask that is not all False, bool [H, W] each, from left to right.

    The pieces of a digit that was drawn, or came out, broken stay together: marks count as two where they stand side by
    side, or far from each other; low ones belong to the nearest digit.

    Args:
      strokes: bool [H, W], `mask` and the fainter ink, which joins pieces.
    """
    parts, boxes = label(strokes)
    inked = set(parts[mask])
    pieces = [(box, [number]) for number, box in enumerate(boxes, 1) if number in inked]  # faint ink alone is no digit
    upright = [piece for piece in pieces if _sides(piece[0])[1] < 2 * _sides(piece[0])[0]]
    near = PIECES * max(_sides(box)[0] for box, _ in pieces)
    joined = _join(upright, lambda one, other: _are_stacked(one, other, near)) + [
        piece for piece in pieces if piece not in upright]
    tall = TALL * max(_sides(box)[0] for box, _ in joined)
    seeds = [mark for mark in joined if _sides(mark[0])[0] >= tall and not _is_dot(np.isin(parts[mark[0]], mark[1]))]
    digits = _join(seeds, lambda one, other: not _are_apart(one, other))
    if len(digits) < 2:
        return [mask]
    for box, numbers in [mark for mark in joined if mark not in seeds]:
        min(digits, key=lambda digit: _gap(digit[0], box))[1].extend(numbers)
    return [mask & np.isin(parts, numbers) for _, numbers in sorted(digits, key=lambda digit: digit[0][1].start)]


def _join(marks: List[Mark], belong: Callable[[Box, Box], bool]) -> List[Mark]:
    """Makes one mark of those whose boxes belong together, also by way of others."""
    joined: List[Mark] = []
    for box, numbers in marks:
        same = [mark for mark in joined if belong(mark[0], box)]
        joined = [mark for mark in joined if mark not in same]
        for other, more in same:
            box, numbers = _around(box, other), numbers + more
        joined.append((box, numbers))
    return joined


def _around(one: Box, other: Box) -> Box:
    """The box around two boxes."""
    return tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other))


def _are_stacked(one: Box, other: Box, near: float) -> bool:
    """Whether two marks are pieces of one stroke: one over the other, at most `near` pixels apart."""
    narrower = min(_sides(one)[1], _sides(other)[1])
    return _overlap(one[1], other[1]) > OVERLAP * narrower and -near <= _overlap(one[0], other[0]) <= 0


def _is_dot(mask: np.ndarray) -> bool:
    """Whether a mark, cut out, is round or square and filled, as those that a printer makes a digit of."""
    return min(mask.shape) >= ROUND * max(mask.shape) and mask.mean() >= ROUND


def _are_apart(one: Box, other: Box) -> bool:
    """Whether two tall marks are two digits."""
    down, right = [_overlap(one[axis], other[axis]) for axis in (0, 1)]
    heights, widths = zip(_sides(one), _sides(other))
    beside = right <= OVERLAP * min(widths) and down >= BESIDE * min(heights)
    return beside or _gap(one, other) >= DISTANCE * max(heights)


def _gap(one: Box, other: Box) -> int:
    """Pixels between two boxes, 0 where they meet."""
    return max(0, *(-_overlap(one[axis], other[axis]) for axis in (0, 1)))


def _overlap(one: slice, other: slice) -> int:
    """Pixels that two intervals share; how far they are apart is negative."""
    return min(one.stop, other.stop) - max(one.start, other.start)


def least_length(shape: Tuple[int, ...]) -> float:
    """Of what is taken for a digit beside other things, in a picture of this shape."""
    return max(LEAST_SIDE, LEAST_SHARE * max(shape))


def length(box: Box) -> int:
    """The longer side."""
    return max(_sides(box))


def _sides(box: Box) -> Tuple[int, int]:
    return box[0].stop - box[0].start, box[1].stop - box[1].start


def _at_edge(box: Box, shape: Tuple[int, ...]) -> bool:
    return any(side.start == 0 or side.stop == size for side, size in zip(box, shape))
