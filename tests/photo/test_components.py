import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.photo.components import components


def flooded(mask):
    """The parts by flood filling, pixel by pixel: a set of sets of pixels."""
    left, parts = set(map(tuple, np.argwhere(mask))), set()
    while left:
        part, edge = set(), [left.pop()]
        while edge:
            row, column = edge.pop()
            part.add((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            edge.extend(near)
        parts.add(frozenset(part))
    return parts


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 13), st.integers(1, 13), st.floats(0, 1), st.integers(0, 10 ** 6))
def test_parts_are_those_of_a_flood_fill(height, width, density, seed):
    mask = np.random.RandomState(seed).uniform(size=(height, width)) < density
    parts = components(mask)
    assert ((parts > 0) == mask).all()
    found = {frozenset(map(tuple, np.argwhere(parts == part))) for part in np.unique(parts[mask])}
    assert found == flooded(mask) and set(np.unique(parts)) - {0} == set(range(1, len(found) + 1))


@pytest.mark.parametrize('turns', [0, 1])
def test_a_long_spiral_is_one_part(turns):
    mask = np.zeros((99, 99), bool)
    mask[::4] = True  # lines, joined at alternating ends: one path of 2,600 pixels
    mask[1:4, -1] = mask[9:12, -1] = mask[17:20, -1] = True
    for row in range(0, 96, 4):
        mask[row + 1:row + 4, -1 if row % 8 == 0 else 0] = True
    parts = components(np.rot90(mask, turns))
    assert parts.max() == 1
