import numpy as np
import pytest

from lenet.data import synthetic


@pytest.fixture(scope='module')
def drawn():
    return synthetic.draw(1, train=4000, test=1000)


def test_shapes_dtypes_and_mark(drawn):
    for split, count in ((drawn.train, 4000), (drawn.test, 1000)):
        assert split.images.shape == (count, 28, 28, 1) and split.images.dtype == np.uint8
        assert split.labels.shape == (count,) and split.labels.dtype == np.int32
    assert drawn.synthetic and drawn.origin == 'synthetic, seed 1'


def test_same_seed_gives_the_same_bytes_whatever_numpys_global_state(drawn):
    np.random.seed(99)
    again = synthetic.draw(1, train=4000, test=1000)
    for first, second in zip(drawn.train + drawn.test, again.train + again.test):
        assert first.tobytes() == second.tobytes()


def test_numpys_global_state_is_left_alone():
    np.random.seed(99)
    expected = np.random.randint(1 << 30)
    np.random.seed(99)
    synthetic.draw(1, train=10, test=10)
    assert np.random.randint(1 << 30) == expected


def test_other_seed_and_other_split_give_other_images():
    one, other = (synthetic.draw(seed, train=99, test=99) for seed in (1, 2))
    assert (one.train.images != other.train.images).mean() > 0.1
    assert (one.train.images != one.test.images).mean() > 0.1


@pytest.mark.parametrize('count', [1, 7, 13, 4097])
def test_any_count_has_balanced_classes(count):
    labels = synthetic.draw(1, train=count, test=1).train.labels
    counts = np.bincount(labels, minlength=10)
    assert counts.sum() == count and counts.max() - counts.min() <= 1


def test_images_are_mostly_dark_and_use_the_whole_range(drawn):
    assert 0.05 < drawn.train.images.mean() / 255 < 0.2
    assert drawn.train.images.min() == 0 and drawn.train.images.max() == 255


def test_glyphs_of_the_font_are_7_by_5_and_distinct():
    glyphs = synthetic._glyphs()
    assert glyphs.shape == (10, 7, 5)
    assert len({glyph.tobytes() for glyph in glyphs}) == 10


def test_a_linear_classifier_learns_much_but_not_all(drawn):
    accuracy = least_squares_accuracy(drawn.train, drawn.test)
    assert 0.5 < accuracy < 0.97


def least_squares_accuracy(train, test):
    def features(images):
        flat = images.reshape(len(images), 784) / 255
        return np.hstack([flat, np.ones((len(flat), 1))])

    x = features(train.images)
    weights = np.linalg.solve(x.T @ x + 10 * np.eye(785), x.T @ np.eye(10)[train.labels])
    return np.mean(np.argmax(features(test.images) @ weights, axis=1) == test.labels)
