import numpy as np
import pytest

from lenet.data.splits import Form, make_split, require_labels_below
from tests.data_files import error_of, images, labels


def test_images_get_a_channel_and_labels_become_int32():
    split = make_split(images(13), labels(13), 'x', 'y', 10)
    assert split.images.shape == (13, 28, 28, 1) and split.images.dtype == np.uint8
    assert split.labels.shape == (13,) and split.labels.dtype == np.int32
    np.testing.assert_array_equal(split.images[..., 0], images(13))
    np.testing.assert_array_equal(split.labels, labels(13))


def test_no_images_are_refused():
    assert 'x.file: expected at least one image' in error_of(make_split, images(0), labels(0), 'x.file', 'y', 10)


def test_counts_that_differ_are_refused_with_both_names():
    message = error_of(make_split, images(13), labels(7), 'x.file', 'y.file', 10)
    assert 'y.file: expected 13 labels' in message and 'x.file' in message and 'got 7' in message


def test_label_out_of_range_is_refused_with_its_place():
    wrong = labels(13)
    wrong[5] = 10
    message = error_of(make_split, images(13), wrong, 'x', 'y.file', 10)
    assert 'y.file: expected labels from 0 to 9, got 10 at item 5' in message


def test_range_of_labels_follows_num_classes():
    eleven = np.full(13, 10, np.uint8)
    assert make_split(images(13), eleven, 'x', 'y', 11).labels.max() == 10
    assert 'from 0 to 4' in error_of(make_split, images(13), labels(13), 'x', 'y', 5)


def test_negative_label_is_refused():
    assert 'got -1 at item 0' in error_of(make_split, images(1), np.array([-1]), 'x', 'y', 10)


@pytest.mark.parametrize('values, first, hint', [
    ([1, 26, 13], 0, 1), ([0, 25], 1, 0), ([0, 26], 0, None), ([1, 27], 0, None), ([10 ** 9], 0, None)],
    ids=['from 1', 'from 0', 'one too many from 0', 'one too many from 1', 'far off'])
def test_labels_that_count_from_another_number_name_the_flag(values, first, hint):
    message = error_of(make_split, images(len(values)), np.array(values), 'x', 'y', 26, Form(first))
    assert 'y: expected labels from %d to %d, got ' % (first, first + 25) in message
    assert ('--label_offset=%s ' % hint in message) == (hint is not None)


def test_form_is_undone_whatever_the_dtype_of_the_labels():
    many = images(4099)  # more than are transposed at a time
    for dtype in (np.uint8, np.int64, np.uint64):
        split = make_split(many.copy(), labels(4099).astype(dtype) + dtype(7), 'x', 'y', 10, Form(7, True))
        np.testing.assert_array_equal(split.images[..., 0], many.transpose(0, 2, 1))
        np.testing.assert_array_equal(split.labels, labels(4099))


def test_who_asks_says_what_to_do():
    require_labels_below(13, np.array([0, 12]), 'y', 'take others')
    assert error_of(require_labels_below, 12, np.array([0, 12]), 'y', 'take others') == \
        'y: expected labels from 0 to 11, got 12 at item 1; take others'
