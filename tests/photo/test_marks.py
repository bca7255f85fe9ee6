import numpy as np
import pytest

from tests import pictures

pictures.skip_without_packages()
from lenet.photo import marks  # noqa: E402


def drawn(*strokes):
    """bool [120, 160]: filled boxes (top, left, bottom, right)."""
    mask = np.zeros((120, 160), bool)
    for top, left, bottom, right in strokes:
        mask[top:bottom, left:right] = True
    return mask


def box(top, left, bottom, right, corner=0, thickness=3):
    """The four sides of a box, which leave its corners open by some pixels."""
    return [(top, left + corner, top + thickness, right - corner), (bottom - thickness, left + corner, bottom,
            right - corner), (top + corner, left, bottom - corner, left + thickness),
            (top + corner, right - thickness, bottom - corner, right)]


ONE, OTHER = [(40, 60, 80, 66)], [(40, 90, 80, 96)]
ZERO = box(40, 60, 80, 86, thickness=6)
FRAMES = {
    'closed': box(20, 40, 100, 120), 'thick': box(20, 40, 100, 120, thickness=12), 'wide': box(30, 5, 90, 155),
    'open corners': box(20, 40, 100, 120, corner=7),
    'open': box(20, 40, 100, 120)[1:] + [(20, 40, 23, 70), (20, 75, 23, 120)],
    'double': box(20, 40, 100, 120) + box(12, 32, 108, 128), 'table': box(20, 40, 100, 120) + [(20, 98, 100, 101)]}


@pytest.mark.parametrize('frame', sorted(FRAMES))
@pytest.mark.parametrize('digit', [ONE, ZERO], ids=['1', '0'])
def test_a_frame_around_a_digit_is_found(frame, digit):
    np.testing.assert_array_equal(marks.frames(drawn(*FRAMES[frame], *digit)), drawn(*FRAMES[frame]))


@pytest.mark.parametrize('strokes', [
    ZERO, ZERO + [(57, 71, 61, 75)], ONE + OTHER, box(0, 40, 100, 120) + ONE, box(20, 40, 100, 120)[:1] + ONE,
    box(20, 40, 100, 120)[1:] + ONE, [(90, 20, 94, 150)] + ONE, []],
    ids=['0', 'dust in a 0', '11', 'at the edge', 'bar above', 'three sides', 'underline', 'blank'])
def test_what_encloses_no_digit_is_no_frame(strokes):
    assert not marks.frames(drawn(*strokes)).any()


@pytest.mark.parametrize('strokes, count', [
    (ONE, 1), (ZERO, 1), (ONE + OTHER, 2), (ONE + OTHER + [(30, 120, 75, 140)], 3), (ONE + [(44, 69, 78, 75)], 2),
    (ONE + [(95, 50, 119, 56)], 2), (ONE + [(40, 70, 46, 90)], 1), (ONE + [(40, 70, 55, 76)], 1),
    ([(20, 60, 40, 66), (46, 63, 70, 69)], 1), ([(20, 60, 40, 66), (46, 63, 70, 69)] + [(20, 90, 70, 99)], 2),
    ([(20 + 9 * row, 60 + 9 * column, 24 + 9 * row, 64 + 9 * column) for row in range(7) for column in range(5)], 1)],
    ids=['1', '0', '11', '3 digits', 'close', 'one over the other', 'bar of a 5', 'comma', 'broken', 'broken and whole',
         'dots of a printer'])
def test_marks_of_the_same_height_beside_each_other_are_digits(strokes, count):
    mask = drawn(*strokes)
    digits = marks.separate(mask, mask)
    assert len(digits) == count
    np.testing.assert_array_equal(np.sum(digits, axis=0), mask)
    lefts = [np.flatnonzero(digit.any(0))[0] for digit in digits]
    assert lefts == sorted(lefts)


def test_small_marks_belong_to_the_nearest_digit():
    mask = drawn(*ONE, *OTHER, (84, 60, 88, 64), (40, 99, 44, 119))
    first, second = marks.separate(mask, mask)
    np.testing.assert_array_equal(first, drawn(*ONE, (84, 60, 88, 64)))
    np.testing.assert_array_equal(second, drawn(*OTHER, (40, 99, 44, 119)))


def test_marks_that_faint_ink_joins_are_one_digit():
    mask = drawn(*ONE, *OTHER)
    digit, = marks.separate(mask, drawn(*ONE, *OTHER, (60, 60, 63, 96)))
    np.testing.assert_array_equal(digit, mask)


def test_faint_ink_beside_a_digit_is_none():
    digit, = marks.separate(drawn(*ONE), drawn(*ONE, *OTHER))
    np.testing.assert_array_equal(digit, drawn(*ONE))
