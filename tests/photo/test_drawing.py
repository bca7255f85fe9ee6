import numpy as np
import pytest

from lenet.photo import drawing

IMAGE = np.zeros((28, 28, 1), np.uint8)
IMAGE[0, 0] = IMAGE[3, 1] = IMAGE[4:6, 27] = 255


def test_half_blocks_and_shades_draw_two_pixels_a_character():
    lines = drawing.half_blocks(IMAGE)
    assert [len(line) for line in lines] == [28] * 14
    assert (lines[0][0], lines[1][1], lines[2][27]) == ('\u2580', '\u2584', '\u2588')
    assert ''.join(lines).count(' ') == 28 * 14 - 3
    assert [drawing.shades(IMAGE)[row][column] for row, column in ((0, 0), (2, 27), (9, 9))] == ['=', '@', ' ']


def test_the_ten_most_likely_of_many_classes_are_listed():
    probabilities = np.arange(13, dtype=np.float32) / 78
    lines = drawing.rank(probabilities, '#')
    assert [line.split()[0] for line in lines] == [str(number) for number in range(12, 2, -1)]
    assert lines[0] == '12  15.38 % ####'


@pytest.mark.parametrize('encoding, corner, bar', [
    ('utf-8', '\u2580', '\u2588'), ('ascii', '=', '#'), (None, '=', '#')], ids=['utf-8', 'ascii', 'none'])
def test_the_classes_stand_beside_the_middle_of_the_drawing(encoding, corner, bar):
    lines = drawing.describe('a\nb', IMAGE, np.float32([0.25, 0.75]), True, encoding)
    assert len(lines) == 15 and lines[0] == 'a\\nb: 1 (75.00 %)' and lines[1] == '  ' + corner
    assert lines[7] == ' ' * 32 + '1  75.00 % ' + bar * 18 and lines[8] == ' ' * 32 + '0  25.00 % ' + bar * 6


def test_without_a_drawing_the_classes_stand_alone():
    assert drawing.describe('x', IMAGE, np.float32([0, 1]), False, 'ascii') == [
        'x: 1 (100.00 %)', '  1 100.00 % ' + '#' * 24, '  0   0.00 %']


def test_several_digits_stand_in_one_line():
    rows = [np.float32([0.25, 0.75]), np.float32([1, 0])]
    assert drawing.describe_several('a\nb', rows, 'ascii') == 'a\\nb: 1 0 (75.00 %, 100.00 %)'
