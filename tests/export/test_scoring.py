import numpy as np
import pytest

from lenet.export import network
from lenet.export import scoring
from tests import numpy_lenet


def answers(n, classes, seed=0):
    logits = (5 * np.random.RandomState(seed).randn(n, classes)).astype(np.float32)
    exponentials = np.exp(logits)
    return network.Answers(logits, exponentials / exponentials.sum(axis=1, keepdims=True), logits.argmax(axis=1))


@pytest.mark.parametrize('classes', [3, 26])
def test_every_image_counts_once(classes):
    given = answers(99, classes)
    labels = np.random.RandomState(1).randint(0, classes, 99).astype(np.int32)
    counts, wrong = scoring.count(given, labels), scoring.mistakes(given, labels)
    expected = np.zeros((classes, classes), int)
    for label, predicted in zip(labels, given.classes):
        expected[label, predicted] += 1
    np.testing.assert_array_equal(counts.confusion, expected)
    assert counts.mean_loss == pytest.approx(numpy_lenet.softmax_cross_entropy(given.logits, labels).mean(), rel=1e-6)
    assert counts.correct + len(wrong) == 99
    assert [mistake.index for mistake in wrong] == [i for i in range(99) if given.logits[i].argmax() != labels[i]]
    assert all(mistake.label == labels[mistake.index] and mistake.predicted == given.classes[mistake.index]
               and mistake.probability == given.probabilities[mistake.index].max() for mistake in wrong)


def test_the_loss_of_huge_logits_is_finite():
    logits = np.array([[3e38, -3e38]], np.float32)
    assert scoring.cross_entropy(logits, np.array([0])) == 0 and np.isfinite(scoring.cross_entropy(logits, [1])).all()


def test_the_table_is_aligned_and_gives_recall():
    labels = np.array([0] * 120 + [2] * 4, np.int32)
    predicted = np.array([0] * 117 + [2] * 3 + [2, 0, 2, 2])
    logits = np.eye(3, dtype=np.float32)[predicted]
    given = network.Answers(logits, logits, predicted)
    text = scoring.lines(scoring.count(given, labels), scoring.mistakes(given, labels))
    assert text[0] == 'correct: 120 of 124, accuracy 0.9677, 95 % interval 0.9200 to 0.9874'
    assert text[4:8] == ['        0   1   2   recall',
                         '    0 117   0   3   0.9750',
                         '    1   0   0   0        -',
                         '    2   1   0   3   0.7500']
    assert text[9:] == ['misclassified: 4', '  image   true  predicted  probability',
                        '    117      0          2       1.0000', '    118      0          2       1.0000',
                        '    119      0          2       1.0000', '    121      2          0       1.0000']


def test_of_many_mistakes_the_first_20_are_shown_and_none_is_said():
    given = answers(99, 3)
    labels = ((given.classes + 1) % 3).astype(np.int32)
    text = scoring.lines(scoring.count(given, labels), scoring.mistakes(given, labels))
    assert 'misclassified: 99, the first 20' in text and len(text[text.index('misclassified: 99, the first 20'):]) == 22
    labels = given.classes.astype(np.int32)
    assert scoring.lines(scoring.count(given, labels), [])[-1] == 'misclassified: none'
