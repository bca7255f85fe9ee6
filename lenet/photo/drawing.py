"""A picture's answer as a terminal shows it: the 28x28 pixels that the network saw beside its most likely classes.

Letters: C classes.
"""

from typing import List, Optional

import numpy as np

from lenet.support.text import printable

LISTED = 10  # classes, the most likely
BAR = 24  # characters
BLOCKS = {(False, False): ' ', (True, False): '\u2580', (False, True): '\u2584', (True, True): '\u2588'}
SHADES = ' .:-=+*#%@'


def half_blocks(image: np.ndarray) -> List[str]:
    """uint8 [28, 28, 1] -> 14 lines of 28 characters, each of two pixels, one above the other."""
    inked = image[..., 0] >= 96
    return [''.join(BLOCKS[pair] for pair in zip(upper, lower)) for upper, lower in zip(inked[::2], inked[1::2])]


def shades(image: np.ndarray) -> List[str]:
    """The same in ASCII: the mean of two pixels as one of ten shades."""
    means = image.astype(float)[..., 0].reshape(14, 2, 28).mean(axis=1)
    return [''.join(SHADES[int(value * len(SHADES) / 256)] for value in row) for row in means]


def can_print_blocks(encoding: Optional[str]) -> bool:
    """Whether all of BLOCKS are in an encoding."""
    try:
        ''.join(BLOCKS.values()).encode(encoding or 'ascii')
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def rank(probabilities: np.ndarray, block: str) -> List[str]:
    """The most likely classes, one a line, the first one the answer.

    Args:
      probabilities: float32 [C].
      block: what bars are made of.
    """
    order = np.argsort(-probabilities, kind='stable')[:LISTED]
    return [('%d %6.2f %% %s' % (i, 100 * probabilities[i], block * int(round(BAR * float(probabilities[i]))))).rstrip()
            for i in order]


def describe_several(name: str, probabilities: List[np.ndarray], encoding: Optional[str]) -> str:
    """The answers for the digits of one picture in one line, from left to right.

    Args:
      name: of the file.
      probabilities: float32 [C] each.
      encoding: of the output.
    """
    return '%s: %s (%s)' % (printable(name, encoding), ' '.join(str(int(row.argmax())) for row in probabilities),
                            ', '.join('%.2f %%' % (100 * row.max()) for row in probabilities))


def describe(name: str, image: np.ndarray, probabilities: np.ndarray, picture: bool,
             encoding: Optional[str]) -> List[str]:
    """The answer for one picture, line by line.

    Args:
      name: of the file.
      image: uint8 [28, 28, 1], what the network saw.
      probabilities: float32 [C].
      picture: whether to draw the image too.
      encoding: of the output.
    """
    blocks = can_print_blocks(encoding)
    best = int(np.argmax(probabilities))
    head = '%s: %d (%.2f %%)' % (printable(name, encoding), best, 100 * probabilities[best])
    ranks = rank(probabilities, BLOCKS[True, True] if blocks else '#')
    if not picture:
        return [head] + ['  ' + line for line in ranks]
    drawn = half_blocks(image) if blocks else shades(image)
    ranks = [''] * ((len(drawn) - len(ranks)) // 2) + ranks
    ranks += [''] * (len(drawn) - len(ranks))
    return [head] + ['  %s  %s' % pair if pair[1] else ('  ' + pair[0]).rstrip() for pair in zip(drawn, ranks)]
