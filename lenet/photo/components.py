"""The connected parts of a picture's marked pixels."""

import numpy as np


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
