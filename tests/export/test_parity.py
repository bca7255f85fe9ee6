import numpy as np
import pytest

from lenet import platforms
from lenet.export import parity
from lenet.export import trained
from tests import checkpoints
from tests import numpy_lenet
from tests import trainings
from tests.data_files import error_of


def test_the_largest_difference_and_the_changed_predictions():
    expected = np.array([[1, 0], [0, 1], [2, 3]], np.float32)
    actual = np.array([[1, 0.25], [0.5, 0.25], [2, 3]], np.float32)
    assert parity.compare(expected, actual) == (3, 0.75, 1)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('both', [False, True])
def test_what_is_not_finite_never_passes(value, both):
    expected, actual = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)
    actual[1, 1] = value
    if both:
        expected[1, 1] = value
    assert 'x: not written' in error_of(parity.require, parity.compare(expected, actual), 1.0, 'x')


def test_the_tolerance_itself_passes():
    parity.require(parity.Parity(1, 0.5, 0), 0.5, 'x')
    parity.require(parity.Parity(1, 0.0, 0), 0.0, 'x')
    assert error_of(parity.require, parity.Parity(1, 0.5, 0), 0.25, 'x') == (
        'x: not written, its logits differ from those of the checkpoint by up to 0.5, more than --tolerance=0.25')


@pytest.mark.parametrize('num_classes', [10, 26])
def test_the_checkpoints_own_logits_come_from_its_files(tmp_path, num_classes):
    values = checkpoints.weights(num_classes=num_classes)
    source = trained.load(checkpoints.write(tmp_path, values), 'nowhere')
    blind = source._replace(weights={name: 0 * value for name, value in source.weights.items()})
    split = trainings.random_split(507)
    logits = parity.checkpoint_logits(blind, split, platforms.inference_config('cpu'))
    expected = numpy_lenet.lenet(split.images / 255.0, values, numpy_lenet.sigmoid)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_checkpoint_that_went_away_is_named(tmp_path):
    source = trained.load(checkpoints.write(tmp_path), 'nowhere')._replace(path=str(tmp_path / 'gone'))
    assert '/gone: cannot be restored (' in error_of(parity.checkpoint_logits, source, trainings.random_split(7),
                                                     platforms.inference_config('cpu'))
