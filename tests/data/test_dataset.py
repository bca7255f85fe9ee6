import os
import subprocess
import sys

import numpy as np
import pytest

from lenet.data import dataset, fetch, idx
from tests.data_files import error_of, images, labels, write_dataset


def write_npz(path):
    np.savez(path, x_train=images(5), y_train=labels(5), x_test=images(3), y_test=labels(3))
    return path


@pytest.fixture
def root(tmp_path):
    return str(tmp_path)


def test_directory_is_read(root):
    write_dataset(root)
    opened = dataset.open_dataset(root, seed=1)
    assert (len(opened.train.labels), len(opened.test.labels)) == (13, 7)
    assert opened.origin == root and not opened.synthetic


def test_files_one_folder_down_are_found(root):
    os.mkdir(os.path.join(root, 'empty'))
    write_dataset(os.path.join(root, 'raw'))
    assert dataset.open_dataset(root, seed=1).origin == os.path.join(root, 'raw')


def test_files_here_are_preferred_to_a_folder_down(root):
    write_dataset(root)
    write_dataset(os.path.join(root, 'raw'))
    assert dataset.open_dataset(root, seed=1).origin == root


def test_two_folders_are_refused_by_name(root):
    for name in ('one', 'two'):
        write_dataset(os.path.join(root, name))
    message = error_of(dataset.open_dataset, root, 1)
    assert '%s/one and %s/two' % (root, root) in message


def test_complete_folder_is_preferred_to_an_incomplete_one(root):
    for name in ('one', 'two'):
        write_dataset(os.path.join(root, name))
    os.remove(os.path.join(root, 'one', idx.NAMES[0]))
    assert dataset.open_dataset(root, seed=1).origin == os.path.join(root, 'two')


@pytest.mark.parametrize('folder', ['.', 'raw'])
def test_missing_file_is_named_with_its_folder(root, folder):
    folder = os.path.normpath(os.path.join(root, folder))
    write_dataset(folder)
    os.remove(os.path.join(folder, idx.NAMES[2]))
    message = error_of(dataset.open_dataset, root, 1)
    assert message.startswith(folder + ': ') and 'missing: t10k-images-idx3-ubyte;' in message


@pytest.mark.parametrize('name', ['mnist.npz', 'raw/mnist.npz'])
def test_npz_is_found_in_the_directory_or_below(root, name):
    os.mkdir(os.path.join(root, 'raw'))
    path = write_npz(os.path.join(root, name))
    opened = dataset.open_dataset(root, seed=1)
    assert opened.origin == path and len(opened.train.labels) == 5


def test_npz_may_be_named_itself(root):
    path = write_npz(os.path.join(root, 'other.npz'))
    assert dataset.open_dataset(path, seed=1).origin == path


def test_npz_is_preferred_to_incomplete_files_only(root):
    write_npz(os.path.join(root, 'mnist.npz'))
    write_dataset(root)
    assert len(dataset.open_dataset(root, seed=1).train.labels) == 13
    os.remove(os.path.join(root, idx.NAMES[0]))
    assert len(dataset.open_dataset(root, seed=1).train.labels) == 5


def test_empty_directory_is_refused(root):
    message = error_of(dataset.open_dataset, root, 1)
    assert '--data_path=' + root in message and all(name in message for name in idx.NAMES)
    assert 'mnist.npz' in message and 'one folder down' in message


@pytest.mark.parametrize('name', ['nowhere', ''])
def test_path_that_does_not_exist_is_refused(root, name):
    path = os.path.join(root, name, 'gone') if name else ''
    assert '--data_path=%s: expected a directory' % path in error_of(dataset.open_dataset, path, 1)


def test_file_that_is_no_npz_is_refused(root):
    write_dataset(root)
    path = os.path.join(root, idx.NAMES[0])
    assert 'got another file' in error_of(dataset.open_dataset, path, 1)


def test_directory_that_cannot_be_listed_is_refused(root, monkeypatch):
    def refuse(unused_path):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(dataset.os, 'scandir', refuse)  # chmod would not stop root
    assert 'cannot be listed (Permission denied)' in error_of(dataset.open_dataset, root, 1)


def test_num_classes_bounds_the_labels(root):
    write_dataset(root)
    assert 'from 0 to 4' in error_of(dataset.open_dataset, root, 1, 5)


def test_synthetic_is_drawn_from_the_seed():
    opened = dataset.open_dataset('synthetic', seed=3)
    assert opened.synthetic and opened.origin == 'synthetic, seed 3'
    assert (len(opened.train.labels), len(opened.test.labels)) == (60000, 10000)


def test_synthetic_with_fewer_classes_is_refused():
    assert 'draws 10 classes, got --num_classes=9' in error_of(dataset.open_dataset, 'synthetic', 1, 9)


def test_without_a_path_mnist_is_fetched(root, monkeypatch):
    write_dataset(root)
    monkeypatch.setattr(fetch, 'ensure', lambda: root)
    opened = dataset.open_dataset(None, seed=1)
    assert opened.origin == root and not opened.synthetic


def test_reading_needs_neither_tensorflow_nor_http():
    code = 'import sys, lenet.data.dataset; print([m for m in ("tensorflow", "urllib.request") if m in sys.modules])'
    assert subprocess.check_output([sys.executable, '-c', code], universal_newlines=True) == '[]\n'
