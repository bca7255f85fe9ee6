import os
import subprocess
import sys

import numpy as np
import pytest

from lenet.data import dataset, fetch, idx, synthetic
from lenet.data.splits import Form
from tests import data_files
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


@pytest.mark.parametrize('above', ['', 'MNIST', 'MNIST/raw'])
def test_torchvision_s_layout_is_found_from_each_of_its_folders(root, above):
    folder = os.path.join(root, 'MNIST', 'raw')
    write_dataset(folder)
    os.makedirs(os.path.join(root, 'MNIST', 'processed'))
    assert dataset.open_dataset(os.path.join(root, above), seed=1).origin == folder


def test_nothing_is_looked_for_three_folders_down(root):
    write_dataset(os.path.join(root, 'a', 'b', 'c'))
    assert 'got none of them' in error_of(dataset.open_dataset, root, 1)


@pytest.fixture
def letters(root):
    """Synthetic digits in the form of EMNIST's letters."""
    drawn = synthetic.draw(1, train=99, test=37)
    data_files.write_emnist(root, 'letters', drawn.train, drawn.test, first=1)
    return drawn


def assert_upright(opened, drawn):
    for split, expected in ((opened.train, drawn.train), (opened.test, drawn.test)):
        np.testing.assert_array_equal(split.images, expected.images)
        np.testing.assert_array_equal(split.labels, expected.labels)
        assert split.labels.dtype == np.int32


@pytest.mark.parametrize('path', ['', 'emnist-letters', 'emnist-letters/'])
def test_emnist_s_letters_are_made_upright_and_told_in_a_line(root, letters, capfd, path):
    opened = dataset.open_dataset(os.path.join(root, path) if path else root, 1, 26)
    assert_upright(opened, letters)
    assert opened.origin == os.path.join(root, 'emnist-letters') and opened.form == Form(1, True)
    assert capfd.readouterr() == ('', '%s/emnist-letters: read as EMNIST is distributed, with --label_offset=1 '
                                  '--transpose_images=true\n' % root)


def test_flags_decide_what_is_not_found_out_and_nothing_is_told(root, letters, capfd):
    opened = dataset.open_dataset(root, 1, 27, label_offset=0, transpose_images=False)
    np.testing.assert_array_equal(opened.train.labels, letters.train.labels + 1)
    np.testing.assert_array_equal(opened.train.images, letters.train.images.transpose(0, 2, 1, 3))
    assert opened.form == Form() and capfd.readouterr().err == ''


def test_splits_of_emnist_in_one_directory_are_told_apart_by_their_prefix(root, letters):
    other = synthetic.draw(2, train=13, test=7)
    data_files.write_emnist(root, 'digits', other.train, other.test, first=0)
    message = error_of(dataset.open_dataset, root, 1)
    assert '%s/emnist-digits and %s/emnist-letters; pass one' % (root, root) in message
    assert_upright(dataset.open_dataset(root + '/emnist-digits', 1), other)
    assert_upright(dataset.open_dataset(root + '/emnist-letters', 1, 26), letters)


def test_other_names_are_read_by_the_flags_that_say_how(root, letters):
    for name in os.listdir(root):
        standard = name.replace('emnist-letters-', '').replace('test', 't10k')
        os.rename(os.path.join(root, name), os.path.join(root, standard))
    message = error_of(dataset.open_dataset, root, 1, 10)
    assert 'expected labels from 0 to 9, got 10 at item' in message
    assert message.endswith('or give --label_offset=1 if that is the label of the first class')
    assert_upright(dataset.open_dataset(root, 1, 10, label_offset=1, transpose_images=True), letters)


def test_a_missing_file_of_emnist_is_named(root, letters):
    os.remove(os.path.join(root, 'emnist-letters-test-labels-idx1-ubyte.gz'))
    assert 'missing: emnist-letters-test-labels-idx1-ubyte;' in error_of(dataset.open_dataset, root, 1, 26)


def test_drawn_digits_need_no_flags_of_form():
    assert 'leave out --label_offset' in error_of(lambda: dataset.open_dataset('synthetic', 1, label_offset=1))


def test_memory_that_is_exhausted_is_one_line(root, monkeypatch):
    def exhaust(*unused_args):
        raise MemoryError

    write_dataset(root)
    monkeypatch.setattr(idx, 'make_split', exhaust)
    assert error_of(dataset.open_dataset, root, 1).startswith('--data_path=%s: the memory is exhausted' % root)


@pytest.mark.parametrize('name', ['pipe', 'pipe.npz'])
def test_a_pipe_is_refused_without_waiting(root, name):
    path = os.path.join(root, name)
    os.mkfifo(path)
    assert 'got something else' in error_of(dataset.open_dataset, path, 1)


def test_files_here_are_preferred_to_a_folder_down(root):
    write_dataset(root)
    write_dataset(os.path.join(root, 'raw'))
    assert dataset.open_dataset(root, seed=1).origin == root


def test_two_folders_are_refused_by_name(root):
    for name in ('one', 'two'):
        write_dataset(os.path.join(root, name))
    message = error_of(dataset.open_dataset, root, 1)
    assert 'expected one data set, got %s/one and %s/two' % (root, root) in message


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
    assert 'mnist.npz' in message and 'up to two folders down' in message


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

    monkeypatch.setattr(os, 'scandir', refuse)  # chmod would not stop root
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
