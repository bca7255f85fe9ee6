"""Digits drawn by the program: a learnable stand-in for MNIST where there is no network, a pure function of a seed.

Each split first draws "hands", distortions of the ten glyphs of a 5x7 dot-matrix font by a random size, slant,
rotation, place and pen width; then each image is one hand with its own brightness and noise. The splits share no
hand, so test accuracy measures more than memory.
"""

from typing import Tuple

import numpy as np

from lenet.data.splits import Dataset, Split

CLASSES = 10
_SIDE = 28  # pixels
_IMAGES_PER_HAND = 16
_BLOCK = 4096  # images at a time, so that a block's arrays stay in the cache

_FONT = (
    '.###. #...# #..## #.#.# ##..# #...# .###.',
    '..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.',
    '.###. #...# ....# ...#. ..#.. .#... #####',
    '.###. #...# ....# ..##. ....# #...# .###.',
    '...#. ..##. .#.#. #..#. ##### ...#. ...#.',
    '##### #.... ####. ....# ....# #...# .###.',
    '..##. .#... #.... ####. #...# #...# .###.',
    '##### ....# ...#. ..#.. .#... .#... .#...',
    '.###. #...# #...# .###. #...# #...# .###.',
    '.###. #...# #...# .#### ....# ...#. .##..',
)
_MARGIN = 2  # empty dots around a glyph: everything outside it reads as empty


def draw(seed: int, train: int = 60000, test: int = 10000) -> Dataset:
    """Draws a data set.

    Args:
      seed: any non-negative integer below 2**32; the same one gives the same bytes.
      train: number of training images.
      test: number of test images.

    Returns:
      a Dataset marked as synthetic; each class has the same number of images, give or take one.
    """
    return Dataset(train=_draw_split(np.random.RandomState([seed, 0]), train),
                   test=_draw_split(np.random.RandomState([seed, 1]), test),
                   origin='synthetic, seed %d' % seed, synthetic=True)


def _draw_split(random: np.random.RandomState, count: int) -> Split:
    hands_per_class = -(-count // (CLASSES * _IMAGES_PER_HAND))
    hands = _draw_hands(random, hands_per_class)
    labels = random.permutation(np.arange(count, dtype=np.int32) % CLASSES)
    chosen = labels * hands_per_class + random.randint(hands_per_class, size=count)
    images = np.empty((count, _SIDE, _SIDE, 1), np.uint8)
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        images[block] = _finish(random, hands[chosen[block]])
    return Split(images=images, labels=labels)


def _draw_hands(random: np.random.RandomState, per_class: int) -> np.ndarray:
    """Distorted glyphs, uint8 [10 * per_class, 28, 28], class by class."""
    glyphs = np.pad(_glyphs(), ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)))
    count = CLASSES * per_class
    row, column = _sample_points(random, count)  # float32 [count, 28, 28]: where in its glyph each pixel looks
    height, width = glyphs.shape[1:]
    row = np.clip(row + _MARGIN, 0, height - 1.001)  # .001: bilinear sampling reads the next dot as well
    column = np.clip(column + _MARGIN, 0, width - 1.001)
    ink = _bilinear(glyphs, np.repeat(np.arange(CLASSES), per_class), row, column)
    pen = random.uniform(0.15, 0.4, (count, 1, 1)).astype(np.float32)  # a lower threshold is a broader pen
    return (np.clip((ink - pen) * 3, 0, 1) * 255).astype(np.uint8)


def _glyphs() -> np.ndarray:
    """The font as float32 [10, 7, 5], 1 for ink."""
    return np.array([[[dot == '#' for dot in row] for row in glyph.split()] for glyph in _FONT], np.float32)


def _sample_points(random: np.random.RandomState, count: int) -> Tuple[np.ndarray, np.ndarray]:
    """For each pixel of each hand the point of its glyph, in dots: (row, column), each float32 [count, 28, 28]."""
    def uniform(low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, (count, 1, 1)).astype(np.float32)

    height, width = uniform(2.2, 3.2), uniform(2.0, 3.4)  # pixels of a dot
    angle, slant = uniform(-0.2, 0.2), uniform(-0.3, 0.3)
    down, right = uniform(-3, 3), uniform(-3, 3)  # pixels
    centre = (_SIDE - 1) / 2
    y = np.arange(_SIDE, dtype=np.float32)[None, :, None] - centre - down
    x = np.arange(_SIDE, dtype=np.float32)[None, None, :] - centre - right
    row = (np.cos(angle) * y - np.sin(angle) * x) / height
    column = (np.sin(angle) * y + np.cos(angle) * x) / width + slant * row
    return row + 3, column + 2  # the middle of 7 x 5 dots is dot (3, 2)


def _bilinear(glyphs: np.ndarray, glyph: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Samples glyphs[glyph] at fractional points.

    Args:
      glyphs: float32 [10, height, width].
      glyph: integers [count].
      row: float32 [count, 28, 28], at least 0 and below height - 1.
      column: float32 [count, 28, 28], at least 0 and below width - 1.

    Returns:
      float32 [count, 28, 28].
    """
    top, left = row.astype(np.intp), column.astype(np.intp)
    row_part, column_part = row - top, column - left
    glyph = glyph[:, None, None]
    upper = glyphs[glyph, top, left] * (1 - column_part) + glyphs[glyph, top, left + 1] * column_part
    lower = glyphs[glyph, top + 1, left] * (1 - column_part) + glyphs[glyph, top + 1, left + 1] * column_part
    return upper * (1 - row_part) + lower * row_part


def _finish(random: np.random.RandomState, hands: np.ndarray) -> np.ndarray:
    """Brightness and noise: uint8 [n, 28, 28] to uint8 [n, 28, 28, 1]; integers, for they are several times faster."""
    brightness = random.randint(150, 256, (len(hands), 1, 1)).astype(np.uint16)
    noise = np.frombuffer(random.bytes(hands.size), np.uint8).reshape(hands.shape) >> 1
    pixels = (hands * brightness >> 8).astype(np.int16)
    pixels += noise
    pixels -= 95  # three quarters of the noise 0..127 fall below zero: most of the background stays black
    return np.clip(pixels, 0, 255).astype(np.uint8)[..., None]
