import io
import os
import zipfile

import numpy as np
import pytest

from lenet.data import npz
from tests.data_files import error_of, images, labels


def keras_arrays(**changes):
    arrays = dict(x_train=images(13, 1), y_train=labels(13), x_test=images(7, 2), y_test=labels(7))
    arrays.update(changes)
    return {key: array for key, array in arrays.items() if array is not None}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'mnist.npz')


def refusal(path, **changes):
    np.savez(path, **keras_arrays(**changes))
    message = error_of(npz.read, path, 10)
    assert message.startswith(path)
    return message


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_keras_file_is_read(path, save):
    save(path, **keras_arrays())
    train, test = npz.read(path, 10)
    np.testing.assert_array_equal(train.images[..., 0], images(13, 1))
    np.testing.assert_array_equal(train.labels, labels(13))
    np.testing.assert_array_equal(test.images[..., 0], images(7, 2))
    np.testing.assert_array_equal(test.labels, labels(7))


def test_fortran_order_and_wide_labels_are_read(path):
    np.savez(path, **keras_arrays(x_train=np.asfortranarray(images(13, 1)), y_test=labels(7).astype('>i8')))
    train, test = npz.read(path, 10)
    np.testing.assert_array_equal(train.images[..., 0], images(13, 1))
    np.testing.assert_array_equal(test.labels, labels(7))


@pytest.mark.parametrize('key', npz.KEYS)
def test_missing_array_is_named(path, key):
    assert 'missing: %s;' % key in refusal(path, **{key: None})


@pytest.mark.parametrize('changes, expected', [
    (dict(x_train=images(13).astype(np.float32)), 'x_train: expected uint8 [n, 28, 28], came float32 [13, 28, 28]'),
    (dict(x_test=images(7)[:, :13]), 'x_test: expected uint8 [n, 28, 28], came uint8 [7, 13, 28]'),
    (dict(x_test=images(7).reshape(7, 784)), 'came uint8 [7, 784]'),
    (dict(y_train=labels(13).astype(np.float64)), 'y_train: expected integers [n], came float64 [13]'),
    (dict(y_test=np.eye(7, 10, dtype=np.uint8)), 'y_test: expected integers [n], came uint8 [7, 10]'),
    (dict(y_train=np.array([[1], [2, 3]], dtype=object)), 'y_train: expected integers [n], came object [2]'),
    (dict(y_train=np.array(5)), 'y_train: expected integers [n], came int64 []'),
])
def test_other_types_and_pickled_objects_are_refused(path, changes, expected):
    assert expected in refusal(path, **changes)


@pytest.mark.parametrize('changes, expected', [
    (dict(y_train=labels(12)), 'y_train: expected 13 labels'),
    (dict(y_test=np.full(7, 12)), 'y_test: expected labels from 0 to 9, came 12 at item 0'),
    (dict(x_test=images(0), y_test=labels(0)), 'x_test: expected at least one image'),
])
def test_splits_are_checked(path, changes, expected):
    assert expected in refusal(path, **changes)


def test_header_that_claims_a_giant_size_is_refused(path):
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, {'descr': '|u1', 'fortran_order': False, 'shape': (2 ** 40, 28, 28)})
    arrays = keras_arrays(x_train=None)
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('x_train.npy', member.getvalue() + b'few bytes')
    message = error_of(npz.read, path, 10)
    assert 'x_train: expected %d bytes' % (2 ** 40 * 784) in message and 'came 9' in message


def test_member_that_is_no_npy_is_refused(path):
    np.savez(path, **keras_arrays(x_train=None))
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('x_train.npy', b'text')
    assert 'x_train: expected an .npy header, came: ' in error_of(npz.read, path, 10)


@pytest.mark.parametrize('damage', [
    lambda content: b'',
    lambda content: b'text',
    lambda content: content[:len(content) // 2],
    lambda content: content[:2000] + bytes(255 - byte for byte in content[2000:2100]) + content[2100:],
], ids=['empty', 'no zip', 'truncated', 'wrong CRC'])
def test_damaged_file_is_refused(path, damage):
    np.savez(path, **keras_arrays())
    with open(path, 'rb') as stream:
        content = stream.read()
    with open(path, 'wb') as stream:
        stream.write(damage(content))
    message = error_of(npz.read, path, 10)
    assert message.startswith(path) and 'expected an intact .npz (zip) file' in message


def test_unreadable_file_is_refused(path):
    os.mkdir(path)
    assert error_of(npz.read, path, 10).startswith(path + ': cannot be read (Is a directory)')
