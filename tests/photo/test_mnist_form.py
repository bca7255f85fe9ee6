import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lenet.data import dataset
from lenet.errors import UserError
from tests import pictures
from tests.data_files import error_of

pictures.skip_without_packages()
from lenet.photo import mnist_form  # noqa: E402


def extent(image):
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def centre(image):
    return [(image.sum(1 - axis) * np.arange(28)).sum() / image.sum() for axis in (0, 1)]


def only_digit(grey):
    made, = mnist_form.normalise(grey, 'x')
    return made[..., 0]


@pytest.fixture(scope='module')
def digits(mnist):
    """uint8 [10000, 28, 28]: the test images."""
    return dataset.open_dataset(mnist, 1).test.images[..., 0]


def test_mnist_has_the_form_that_is_made_here(digits):
    extents = [max(extent(digit)) for digit in digits]
    assert set(extents) <= {19, 20} and extents.count(19) <= 3
    centres = np.array([centre(digit.astype(float)) for digit in digits])
    assert (centres >= 13.5).all() and (centres < 14.5).all()


def test_images_of_mnist_are_taken_as_they_are(digits):
    for digit in digits:
        assert mnist_form.is_mnist(digit.astype(np.float32))
    np.testing.assert_array_equal(only_digit(digits[7].astype(np.float32)), digits[7])


def test_a_28x28_digit_on_light_ground_is_inverted(digits):
    for digit in digits[:40]:
        made = only_digit(255 - digit.astype(np.float32))
        assert np.abs(made.astype(float) - digit).mean() < 2


@pytest.mark.parametrize('times', [3, 7, 10])
def test_enlarged_inverted_and_moved_digits_come_back(digits, times):
    errors = []
    for digit in digits[:40]:
        grey = pictures.page(pictures.enlarged(digit, times, smooth=False), 40 * times, 33 * times, 9 * times, times)
        made = only_digit(pictures.noisy(grey, 0))
        errors.append(np.abs(made.astype(float) - digit).mean())
    assert np.mean(errors) < 1 and max(errors) < 2  # grey levels, of 255; measured: 0.2 and 0.9


def test_scaled_to_twenty_pixels_and_centred():
    made = only_digit(pictures.noisy(pictures.page(pictures.seven(), 300, 200, 13, 99)))
    assert made.dtype == np.uint8 and made.shape == (28, 28) and made.max() == 255
    assert extent(made) == (20, 13)
    assert all(13.5 <= c <= 14.5 for c in centre(made.astype(float)))


def test_a_digit_whose_mass_lies_at_one_end_loses_nothing():
    digit = np.full((20, 20), 1.0)
    digit[:, 0] = 255
    digit[:, 1:] = 0.6
    made = mnist_form.centre(digit)
    assert extent(made) == (20, 20)
    lopsided = np.zeros((28, 13))
    lopsided[0] = 200
    lopsided[-1, 5] = 9
    np.testing.assert_array_equal(mnist_form.centre(lopsided)[:, 8:21], lopsided)


def test_strokes_reach_full_intensity_and_keep_grey_edges():
    faint = pictures.seven(70, 9) * 0.13
    fitted = mnist_form.fit(faint.astype(np.float32))
    assert fitted.shape == (20, 13) and fitted.max() == 255
    assert ((fitted > 20) & (fitted < 235)).sum() > 10


def test_twenty_from_forty_is_the_mean_of_four():
    digit = np.random.RandomState(0).randint(0, 2, (40, 26)).astype(np.float32)
    digit[:4] = 1
    expected = digit.reshape(20, 2, 13, 2).mean((1, 3))
    full = np.percentile(expected[expected > 0.15], 90)
    np.testing.assert_allclose(mnist_form.fit(digit), np.minimum(expected / full, 1) * 255, rtol=1e-5)


@pytest.mark.parametrize('grey, message', [
    (np.full((13, 99), 200.0), 'x: holds no digit: the picture of 99x13 pixels is blank, or too faint; take'),
    (np.zeros((28, 28)), 'x: holds no digit: the picture of 28x28 pixels is blank'),
    (np.full((1, 1), 7.0), 'x: holds no digit: the picture of 1x1 pixels is blank'),
    (pictures.page(np.ones((2, 3)), 40, 40, 9, 9), 'x: holds no digit: the largest mark is 3x2 pixels, a speck; take a '
     'larger picture of it')])
def test_what_holds_no_digit_is_refused(grey, message):
    assert error_of(mnist_form.normalise, grey.astype(np.float32), 'x').startswith(message)


SIZES = st.tuples(st.integers(1, 60), st.integers(1, 60))


@given(st.one_of(arrays.arrays(np.float32, SIZES, elements=st.sampled_from([0, 1, 60, 127, 200, 254, 255])),
                 arrays.arrays(np.float32, SIZES, elements=st.floats(0, 255, width=32)),
                 st.tuples(SIZES, st.integers(0, 99)).map(
                     lambda drawn: np.random.RandomState(drawn[1]).uniform(0, 255, drawn[0]).astype(np.float32))))
def test_whatever_the_pixels_are_the_result_is_an_image_or_an_error(grey):
    try:
        made = mnist_form.normalise(grey, 'x')
    except UserError as error:
        assert str(error).startswith('x: holds no digit: ') and '\n' not in str(error)
    else:
        assert made and all(digit.dtype == np.uint8 and digit.shape == (28, 28, 1) and digit.any() for digit in made)
