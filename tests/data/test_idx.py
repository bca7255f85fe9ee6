import os
import tracemalloc

import numpy as np
import pytest

from lenet.data import idx
from lenet.support import files
from tests.data_files import error_of, idx_bytes, images, labels, write, write_dataset, zipped

IMAGES, LABELS = idx.NAMES[:2]

SPELLINGS = {
    'raw': str,
    'dotted': lambda name: name.replace('-idx', '.idx'),
    'gz': '{}.gz'.format,
    'dotted gz': lambda name: name.replace('-idx', '.idx') + '.gz',
}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / IMAGES)


@pytest.mark.parametrize('spelling', SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling_is_read(tmp_path, spelling):
    write_dataset(str(tmp_path), spelling)
    train, test = idx.read(str(tmp_path), 10)
    np.testing.assert_array_equal(train.images[..., 0], images(13, 1))
    np.testing.assert_array_equal(train.labels, labels(13))
    np.testing.assert_array_equal(test.images[..., 0], images(7, 2))
    np.testing.assert_array_equal(test.labels, labels(7))


def test_raw_is_preferred_to_gz(tmp_path):
    write_dataset(str(tmp_path))
    for name in idx.NAMES:
        write(str(tmp_path / (name + '.gz')), b'never read')
    assert len(idx.read(str(tmp_path), 10)[0].labels) == 13


def test_file_is_preferred_to_a_directory_of_its_name(tmp_path):
    write_dataset(str(tmp_path), SPELLINGS['gz'])
    (tmp_path / IMAGES).mkdir()
    assert len(idx.read(str(tmp_path), 10)[0].labels) == 13


def test_missing_files_are_named(tmp_path):
    write_dataset(str(tmp_path))
    for name in (IMAGES, 't10k-labels-idx1-ubyte'):
        os.remove(str(tmp_path / name))
    message = error_of(idx.read, str(tmp_path), 10)
    assert str(tmp_path) in message
    assert 'missing: train-images-idx3-ubyte, t10k-labels-idx1-ubyte;' in message


def test_images_of_one_split_without_as_many_labels_are_refused(tmp_path):
    write_dataset(str(tmp_path))
    write(str(tmp_path / LABELS), idx_bytes(labels(12)))
    message = error_of(idx.read, str(tmp_path), 10)
    assert 'expected 13 labels' in message and LABELS in message and 'got 12' in message


def test_label_out_of_range_names_the_file(tmp_path):
    write_dataset(str(tmp_path))
    write(str(tmp_path / LABELS), idx_bytes(np.full(13, 12, np.uint8)))
    message = error_of(idx.read, str(tmp_path), 10)
    assert str(tmp_path / LABELS) in message and 'got 12 at item 0' in message


GOOD = idx_bytes(images(3))
ZIPPED = zipped(GOOD)
WRONG_FILES = {
    'empty': (b'', 'got an empty file'),
    'other rank': (b'\0\0\x08\x01' + GOOD[4:],
                   'expected IDX magic 00000803 (unsigned bytes of rank 3), got 00000801'),
    'no type of IDX': (b'\0\0\x0a\x03' + GOOD[4:], 'got 00000a03; get the file again'),
    'float32': (idx_bytes(images(3).astype('>f4')), 'got float32 (00000d03); convert them to unsigned bytes'),
    'float64': (idx_bytes(images(3).astype('>f8')), 'got float64 (00000e03); convert them to unsigned bytes'),
    'int32, too large': (idx_bytes(images(3).astype('>i4') * 2), 'expected pixels from 0 to 255, got 0 to 5'),
    'int16, negative': (idx_bytes(images(3).astype('>i2') - 1), 'expected pixels from 0 to 255, got -1 to 254'),
    'int32, one byte short': (idx_bytes(images(3).astype('>i4'))[:-1], 'expected 9408 bytes after the header'),
    'shorter than the magic': (GOOD[:3], 'got 000008;'),
    'header cut': (GOOD[:15], 'expected an IDX header of 16 bytes, got 15'),
    'other size': (idx_bytes(images(3)[:, :13, :7]), 'expected images of 28x28 pixels, got 13x7'),
    'one byte short': (GOOD[:-1], 'expected 2352 bytes after the header (3 items), got 2351;'),
    'one byte long': (GOOD + b'\0', 'expected 2352 bytes after the header (3 items), got more'),
    'header alone': (GOOD[:16], 'got 0;'),
}


@pytest.mark.parametrize('suffix', ['', '.gz'])
@pytest.mark.parametrize('case', WRONG_FILES)
def test_wrong_content_is_refused(path, case, suffix):
    content, expected = WRONG_FILES[case]
    message = error_of(idx.read_images, write(path + suffix, content))
    assert message.startswith(path + suffix + ': ') and expected in message


def test_rank_of_labels_is_checked(tmp_path):
    message = error_of(idx.read_labels, write(str(tmp_path / LABELS), idx_bytes(images(3))))
    assert 'expected IDX magic 00000801 (unsigned bytes of rank 1), got 00000803' in message


def error_and_peak(path):
    """What reading images says, and the most memory that it took meanwhile, in bytes."""
    tracemalloc.start()
    try:
        return error_of(idx.read_images, path), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('suffix', ['', '.gz'])
def test_header_that_claims_a_giant_size_takes_no_memory(path, suffix):
    write(path + suffix, idx_bytes(images(3), (2 ** 32 - 1, 28, 28)))
    message, peak = error_and_peak(path + suffix)
    assert '4294967295x28x28, 3367254359280 bytes, more than the 1073741824 that are read' in message
    assert peak < 8 << 20


@pytest.mark.parametrize('suffix', ['', '.gz'])
def test_no_more_is_unpacked_than_the_header_says(path, suffix):
    write(path + suffix, idx_bytes(images(3)) + bytes(1 << 26))
    message, peak = error_and_peak(path + suffix)
    assert 'expected 2352 bytes after the header (3 items), got more' in message and peak < 4 << 20


def test_a_sparse_file_is_refused_at_once(path):
    write(path, GOOD)
    os.truncate(path, 40 << 30)
    assert 'has 42949672960 bytes, more than the ' in error_of(idx.read_images, path)


@pytest.mark.parametrize('dtype', ['i1', '>i2', '>i4'])
def test_other_integers_that_fit_are_read(tmp_path, dtype):
    pixels = images(3) // 2
    read = idx.read_images(write(str(tmp_path / IMAGES), idx_bytes(pixels.astype(dtype))))
    np.testing.assert_array_equal(read, pixels)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(idx.read_labels(write(str(tmp_path / LABELS), idx_bytes(labels(13).astype(dtype)))),
                                  labels(13))


def test_gzip_under_a_raw_name_and_twice_have_remedies(path):
    assert error_of(idx.read_images, write(path, ZIPPED)).endswith('got 1f8b0800; add .gz to its name')
    message = error_of(idx.read_images, write(path + '.gz', ZIPPED))
    assert message.endswith('it is gzipped twice: put what `gunzip -c` makes of it in its place')


@pytest.mark.parametrize('make, whole', [
    (lambda: GOOD, True), (lambda: idx_bytes(np.zeros((2, 32, 32), '>f4')), True), (lambda: GOOD[:-1], False),
    (lambda: GOOD + b'!', False), (lambda: GOOD[:7], False), (lambda: b'\0' * 100, False), (lambda: b'', False),
], ids=['good', 'of another type and size', 'short', 'long', 'header cut', 'zeros', 'empty'])
def test_what_is_whole_idx_is_known_from_its_header_and_size(path, make, whole):
    assert idx.is_whole(write(path, make())) is whole


DAMAGED = {
    'truncated': ZIPPED[:len(ZIPPED) // 2],
    'trailer cut': ZIPPED[:-4],
    'wrong CRC': ZIPPED[:-8] + bytes([ZIPPED[-8] ^ 1]) + ZIPPED[-7:],
    'corrupt': ZIPPED[:10] + b'\xff' + ZIPPED[11:],  # a block type that does not exist
    'no gzip at all': GOOD,
    'garbage after the end': ZIPPED + b'garbage',
}


@pytest.mark.parametrize('case', DAMAGED)
def test_damaged_gzip_is_refused(path, case):
    path += '.gz'
    with open(path, 'wb') as stream:
        stream.write(DAMAGED[case])
    message = error_of(idx.read_images, path)
    assert message.startswith(path) and 'expected intact gzip data, got: ' in message


def test_directory_in_place_of_a_file_is_refused(path):
    os.mkdir(path)
    assert error_of(idx.read_images, path).startswith(path + ': cannot be read (Is a directory)')


def test_pipe_in_place_of_a_file_is_refused_without_waiting(path):
    os.mkfifo(path)
    assert 'is no regular file' in error_of(idx.read_images, path)


@pytest.mark.parametrize('suffix', ['', '.gz'])
def test_unreadable_file_is_refused(monkeypatch, path, suffix):
    def refuse(*unused_args, **unused_kwargs):
        raise PermissionError(13, 'Permission denied')

    write(path + suffix, GOOD)
    monkeypatch.setattr(files, 'open', refuse, raising=False)  # chmod would not stop root
    assert error_of(idx.read_images, path + suffix) == (
        path + suffix + ': cannot be read (Permission denied); check the file and its permissions')
