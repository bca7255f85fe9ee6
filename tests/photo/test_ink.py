import numpy as np
import pytest

from tests import pictures

pictures.skip_without_packages()
from lenet.photo import ink  # noqa: E402


def box(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


ROWS, COLUMNS = np.mgrid[:240, :320]
SEVEN = pictures.page(pictures.seven(), 240, 320, 90, 130)
SCENES = {
    'paper': SEVEN,
    'black ground': 255 - pictures.page(pictures.seven(), 240, 320, 90, 130, 250, 0.8),
    'gradient': SEVEN * (1 - 0.6 * COLUMNS / 320),
    'dark corners': SEVEN * (1 - 0.4 * ((ROWS - 120) ** 2 + (COLUMNS - 160) ** 2) / 200 ** 2),
    'shadow beside the digit': np.where(COLUMNS + ROWS / 2 > 250, 0.5, 1) * SEVEN,
    'digit in a shadow over most of it': np.where(COLUMNS + ROWS / 2 > 130, 0.45, 1) * SEVEN,
    'table at two sides': np.where((COLUMNS < 10) | (ROWS > 228), 45, SEVEN),
    'paper within a table': np.where((COLUMNS < 40) | (COLUMNS > 290) | (ROWS < 30) | (ROWS > 215), 45, SEVEN),
    'ruled paper': np.where(ROWS % 24 < 2, 0.8, 1) * SEVEN,
    'faint': pictures.page(pictures.seven(), 240, 320, 90, 130, contrast=0.2),
    'specks': np.where((ROWS % 50 < 3) & (COLUMNS % 70 < 3), 30, SEVEN),
}


@pytest.mark.parametrize('scene', sorted(SCENES))
@pytest.mark.parametrize('deviation', [0, 4])
def test_the_digit_and_nothing_else_is_found(scene, deviation):
    _, mask = ink.find(pictures.noisy(SCENES[scene], deviation))
    drawn = np.zeros((240, 320), bool)
    drawn[90:150, 130:170] = pictures.seven() > 0
    near = np.abs(np.subtract(box(mask), box(drawn))).max()
    assert near <= 1 and (mask != drawn).sum() <= 0.05 * drawn.sum()


@pytest.mark.parametrize('scene', ['plain', 'noise', 'gradient', 'black'])
def test_a_blank_picture_has_no_ink(scene):
    blank = np.full((99, 130), 0.0 if scene == 'black' else 210.0)
    if scene == 'gradient':
        blank *= np.linspace(0.5, 1, 130)
    assert not ink.find(pictures.noisy(blank, 6 if scene == 'noise' else 0))[1].any()


def test_a_digit_cut_out_closely_reaches_the_edges_and_is_kept():
    grey = pictures.noisy(pictures.page(pictures.seven(), 60, 40, 0, 0))
    _, mask = ink.find(grey)
    assert box(mask) == (0, 60, 0, 40)


@pytest.mark.parametrize('light', [True, False])
def test_the_hole_of_a_closely_cut_zero_is_no_digit(light):
    rows, columns = np.mgrid[:60, :40]
    away = ((rows - 29.5) / 30) ** 2 + ((columns - 19.5) / 20) ** 2
    zero = pictures.noisy(np.where((away < 1) & (away > 0.4), 30, 220))
    _, mask = ink.find(zero if light else 250 - zero)
    assert box(mask) == (0, 60, 0, 40) and not mask[20:40, 15:25].any()


def test_darkness_does_not_depend_on_the_light():
    dark = ink.darkness(SEVEN.astype(np.float32))
    np.testing.assert_allclose(dark, ink.darkness((SEVEN / 2).astype(np.float32)), atol=1e-6)
    np.testing.assert_allclose(dark[90:150, 130:170], 0.7 * pictures.seven(), atol=1e-6)


def test_noise_is_measured_beside_strokes():
    grey = pictures.noisy(SEVEN, 11)
    assert ink.noise_of(grey / 220) == pytest.approx(0.05, rel=0.05)


def test_parts_at_the_edge_and_specks_go_but_not_a_bar_drawn_apart():
    mask = np.zeros((50, 70), bool)
    mask[20:40, 30:34] = mask[15:17, 30:40] = True  # 80 and 20 pixels
    digit = mask.copy()
    mask[0:3, 10:40] = mask[45, 60] = True
    np.testing.assert_array_equal(ink.without_specks(mask.astype(float), mask), digit)


def test_pixels_that_touch_at_corners_are_one_part():
    mask = np.zeros((50, 70), bool)
    mask[10:40, 20:50] = np.eye(30)
    digit = mask.copy()
    mask[0:3, 10:40] = True
    np.testing.assert_array_equal(ink.without_specks(mask.astype(float), mask), digit)


def test_reduced_pixels_are_means_and_enlarged_ones_are_interpolated():
    array = np.random.RandomState(0).uniform(0, 255, (26, 21)).astype(np.float32)
    np.testing.assert_allclose(ink.resize(array, 13, 7), array.reshape(13, 2, 7, 3).mean((1, 3)), rtol=1e-5)
    line = np.array([[0, 90, 30]], np.float32)
    centres = (np.arange(9) + 0.5) / 3 - 0.5
    np.testing.assert_allclose(ink.resize(line, 1, 9)[0], np.interp(centres, range(3), line[0]), atol=1e-4)


GREY = np.float32([[10, 200, 50], [30, 30, 30], [90, 60, 20]])


@pytest.mark.parametrize('alpha, grey, expected', [
    (np.ones((3, 3)), GREY, GREY),
    (np.zeros((3, 3)), GREY, np.full((3, 3), 255)),
    (np.eye(3), GREY, np.where(np.eye(3) > 0, GREY, 255)),  # dark strokes
    (np.eye(3), GREY + 150, np.where(np.eye(3) > 0, GREY + 150, 0)),  # light strokes
    (np.eye(3) / 2, GREY, np.where(np.eye(3) > 0, GREY / 2 + 127.5, 255)),
    (1 - np.eye(3), GREY, np.where(np.eye(3) > 0, 55, GREY))],  # 55: the median of the border's opaque pixels
    ids=['opaque', 'transparent', 'dark', 'light', 'half', 'holes'])
def test_transparent_parts_get_a_ground(alpha, grey, expected):
    np.testing.assert_allclose(ink.over_ground(grey, alpha.astype(np.float32)), expected)
