import os
import tracemalloc

import numpy as np
import pytest

from lenet.data import idx
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
WRONG_FILES = {
    'empty': (b'', 'got an empty file'),
    'other rank': (b'\0\0\x08\x01' + GOOD[4:],
                   'expected IDX magic 00000803 (unsigned bytes of rank 3), got 00000801'),
    'other type': (b'\0\0\x0d\x03' + GOOD[4:], 'got 00000d03'),
    'shorter than the magic': (GOOD[:3], 'got 000008;'),
    'gzip under a raw name': (zipped(GOOD), 'add .gz to its name'),
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


@pytest.mark.parametrize('suffix', ['', '.gz'])
def test_header_that_claims_a_giant_size_takes_no_memory(path, suffix):
    write(path + suffix, idx_bytes(images(3), (2 ** 32 - 1, 28, 28)))
    tracemalloc.start()
    try:
        message = error_of(idx.read_images, path + suffix)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 'expected 3367254359280 bytes' in message and 'got 2352' in message
    assert peak < 8 << 20


ZIPPED = zipped(GOOD)
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
    assert error_of(idx.read_images, path).startswith(path + ': expected a regular file, got a directory')


def test_pipe_in_place_of_a_file_is_refused_without_waiting(path):
    os.mkfifo(path)
    assert 'expected a regular file, got something else' in error_of(idx.read_images, path)


@pytest.mark.parametrize('suffix', ['', '.gz'])
def test_unreadable_file_is_refused(monkeypatch, path, suffix):
    def refuse(*unused_args):
        raise PermissionError(13, 'Permission denied')

    write(path + suffix, GOOD)
    monkeypatch.setattr(idx, 'open', refuse, raising=False)  # chmod would not stop root
    monkeypatch.setattr(idx.gzip, 'open', refuse)
    assert error_of(idx.read_images, path + suffix) == (
        path + suffix + ': cannot be read (Permission denied); check the file and its permissions')
