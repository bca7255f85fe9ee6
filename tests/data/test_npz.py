import io
import os
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from lenet.data import npz
from lenet.data.splits import Form
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
    (dict(x_train=images(13).astype(np.float32)), 'x_train: expected uint8 [n, 28, 28], got float32 [13, 28, 28]'),
    (dict(x_test=images(7)[:, :13]), 'x_test: expected uint8 [n, 28, 28], got uint8 [7, 13, 28]'),
    (dict(x_test=images(7).reshape(7, 784)), 'got uint8 [7, 784]'),
    (dict(y_train=labels(13).astype(np.float64)), 'y_train: expected integers [n], got float64 [13]'),
    (dict(y_test=np.eye(7, 10, dtype=np.uint8)), 'y_test: expected integers [n], got uint8 [7, 10]'),
    (dict(y_train=np.array([[1], [2, 3]], dtype=object)), 'y_train: expected integers [n], got object [2]'),
    (dict(y_train=np.array(5)), 'y_train: expected integers [n], got int64 []'),
])
def test_other_types_and_pickled_objects_are_refused(path, changes, expected):
    assert expected in refusal(path, **changes)


@pytest.mark.parametrize('changes, expected', [
    (dict(y_train=labels(12)), 'y_train: expected 13 labels'),
    (dict(y_test=np.full(7, 12)), 'y_test: expected labels from 0 to 9, got 12 at item 0'),
    (dict(x_test=images(0), y_test=labels(0)), 'x_test: expected at least one image'),
])
def test_splits_are_checked(path, changes, expected):
    assert expected in refusal(path, **changes)


def write_claiming(path, shape, content, compression=zipfile.ZIP_DEFLATED, **claims):
    """Writes a file whose x_train is a header of `shape` before `content`; the zip's directory makes `claims`."""
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {'descr': '|u1', 'fortran_order': False, 'shape': shape})
    np.savez(path, **keras_arrays(x_train=None))
    with zipfile.ZipFile(path, 'a', compression) as archive:
        archive.writestr('x_train.npy', member.getvalue() + content)
        for name, value in claims.items():
            setattr(archive.getinfo('x_train.npy'), name, value)


@pytest.mark.parametrize('count', [2 ** 20, 2 ** 22, 2 ** 40], ids=['800 MB', '3 GB', '800 TB'])
@pytest.mark.parametrize('claims', [{}, {'file_size': 2 ** 50}, {'file_size': 2 ** 50, 'compress_size': 2 ** 50}],
                         ids=['header', 'header and size', 'header and both sizes'])
def test_a_size_that_is_only_claimed_takes_no_memory(path, count, claims):
    write_claiming(path, (count, 28, 28), b'few bytes', zipfile.ZIP_STORED, **claims)
    message, peak = peak_of(error_of, npz.read, path, 10)
    expected = 'x_train: its header says %dx28x28, %d bytes, more than the 1073741824' % (count, 784 * count)
    if count == 2 ** 20:
        expected = 'x_train: expected %d bytes for its shape (%d, 28, 28), got 9;' % (784 * count, count)
    if 'compress_size' in claims:  # newer Pythons look at it first
        expected = '(%s|expected an intact .npz)' % re.escape(expected)
    assert re.search(expected if 'compress_size' in claims else re.escape(expected), message)
    assert peak < 4e6


def test_no_more_is_unpacked_than_the_header_says(path):
    write_claiming(path, (13, 28, 28), bytes(2 ** 26))
    message, peak = peak_of(error_of, npz.read, path, 10)
    assert 'x_train: expected %d bytes' % (13 * 784) in message and 'got more;' in message
    assert peak < 4e6


def peak_of(call, *args):
    """What it returns, and how many bytes it had taken at most."""
    tracemalloc.start()
    try:
        return call(*args), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def header(descr="'|u1'", fortran='False', shape='(13, 28, 28)'):
    return ("{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)).encode()


@pytest.mark.parametrize('header', [
    b'(((', b'(' * 9000, b'{[]: 1}', b'  {1:2}', b"{'descr': ('u1',), 'fortran_order': 0, 'shape': ()}",
    header(shape='(True,28,28)'), header(shape='(-1, 28, 28)'), header(shape='(1e308, 28, 28)'),
    header(shape='(' + '1' * 5000 + ')'), header(shape='(' + '1,' * 4000 + ')'), header(descr="'|u1,u1'"),
    header(fortran='1'), b' ' * 9999, header() + b'()', header()[:-1]],
                         ids=['open', 'open often', 'unhashable', 'indented', 'half a dtype', 'bool', 'negative',
                              '1e308', 'digits', 'ranks', 'two dtypes', 'order', 'spaces', 'a call', 'cut'])
def test_a_header_that_is_no_description_is_refused_in_one_line(path, header):
    np.savez(path, **keras_arrays(x_train=None))
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('x_train.npy', b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header)
    assert 'x_train: expected an .npy header, got: ' in error_of(npz.read, path, 10)


def test_a_header_of_a_gigabyte_is_not_read(path):
    np.savez(path, **keras_arrays(x_train=None))
    with zipfile.ZipFile(path, 'a', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('x_train.npy', b'\x93NUMPY\x02\x00' + struct.pack('<I', 1 << 26) + b' ' * (1 << 26))
    message, peak = peak_of(error_of, npz.read, path, 10)
    assert 'x_train: expected an .npy header' in message and peak < 4e6


def test_a_compression_without_a_bound_is_refused(path):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_LZMA) as archive:
        for key in npz.KEYS:
            archive.writestr(key + '.npy', bytes(1000))
    assert 'x_train: expected it stored or deflated' in error_of(npz.read, path, 10)


def test_a_list_of_members_without_a_bound_is_refused(path):
    with zipfile.ZipFile(path, 'w') as archive:
        for number in range(20000):
            archive.writestr('member %d' % number, b'')
    assert 'a list of members of more than 1048576 bytes' in error_of(npz.read, path, 10)


def test_other_integers_that_fit_are_read(path):
    np.savez(path, **keras_arrays(x_train=images(13, 1).astype(np.int64)))
    np.testing.assert_array_equal(npz.read(path, 10)[0].images[..., 0], images(13, 1))
    assert 'expected pixels from 0 to 255, got 0 to 5' in refusal(path, x_test=images(7).astype(np.int16) * 2)


def test_what_differs_from_mnist_s_form_is_undone(path):
    np.savez(path, **keras_arrays(y_train=labels(13) + 1, y_test=labels(7) + 1))
    train, _ = npz.read(path, 10, Form(label_offset=1, transposed=True))
    np.testing.assert_array_equal(train.images[..., 0], images(13, 1).transpose(0, 2, 1))
    np.testing.assert_array_equal(train.labels, labels(13))


def test_member_that_is_no_npy_is_refused(path):
    np.savez(path, **keras_arrays(x_train=None))
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('x_train.npy', b'text')
    assert 'x_train: expected an .npy header, got: ' in error_of(npz.read, path, 10)


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
