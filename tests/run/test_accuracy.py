import numpy as np
import pytest

from lenet.run import accuracy


def test_wilson_interval_equals_a_published_value():
    """Newcombe 1998, Statistics in Medicine 17:857, table I: 81/263 and 0/20, method 3."""
    assert accuracy.wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert accuracy.wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_report_gives_recall_by_class_and_null_for_a_class_without_images():
    confusion = np.zeros((10, 10), int)
    confusion[3, 3], confusion[3, 5], confusion[5, 5] = 6, 2, 4
    report = accuracy.report(accuracy.Counts(confusion, 0.25))
    assert report['accuracy'] == 10 / 12 and report['correct'] == 10 and report['images'] == 12
    assert report['recall'][3] == 0.75 and report['recall'][5] == 1.0 and report['recall'][0] is None
    assert report['confusion'][3][5] == 2


def test_confusion_matrix_has_true_classes_in_rows():
    matrix = accuracy.confusion_matrix(np.array([1, 1, 2]), np.array([1, 0, 2]), classes=3)
    assert matrix.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 1]]
