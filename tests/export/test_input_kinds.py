import os

import numpy as np
import pytest

from lenet.data import synthetic
from lenet.export import binaries
from lenet.export import input_kinds
from lenet.export.inputs import flatten
from tests import data_files
from tests import pictures
from tests import trainings
from tests.data_files import error_of


def test_a_data_set_gives_its_test_split(tmp_path):
    data_files.write_dataset(str(tmp_path), test=37)
    inputs = input_kinds.open_inputs(str(tmp_path), 1)
    np.testing.assert_allclose(inputs.images, data_files.images(37, 2).reshape(37, 784) / 255, rtol=1e-6)
    np.testing.assert_array_equal(inputs.labels, data_files.labels(37))
    assert inputs.names[7] == '00007' and inputs.origin == '%s, test split' % tmp_path


def test_a_data_set_may_lie_one_folder_down_or_be_an_npz_file(tmp_path):
    folder = tmp_path / 'data'
    folder.mkdir()
    np.savez(str(folder / 'mnist.npz'), x_train=data_files.images(13), y_train=data_files.labels(13),
             x_test=data_files.images(7), y_test=data_files.labels(7))
    for path in (str(tmp_path), str(folder), str(folder / 'mnist.npz')):
        assert len(input_kinds.open_inputs(path, 1).labels) == 7


def test_a_data_set_may_be_named_by_a_prefix_and_is_made_upright(tmp_path):
    drawn = synthetic.draw(1, train=13, test=7)
    data_files.write_emnist(str(tmp_path), 'letters', drawn.train, drawn.test, first=1)
    inputs = input_kinds.open_inputs('%s/emnist-letters' % tmp_path, 1)
    np.testing.assert_array_equal(inputs.images, flatten(drawn.test.images))
    np.testing.assert_array_equal(inputs.labels, drawn.test.labels)
    inputs = input_kinds.open_inputs(str(tmp_path), 1, label_offset=0, transpose_images=False)
    np.testing.assert_array_equal(inputs.images, flatten(drawn.test.images.transpose(0, 2, 1, 3)))
    np.testing.assert_array_equal(inputs.labels, drawn.test.labels + 1)


def test_only_a_data_set_takes_flags_of_its_form(tmp_path):
    binaries.write(str(tmp_path), trainings.random_split(7), 'noise', None)
    assert 'leave out --label_offset' in error_of(input_kinds.open_inputs, str(tmp_path), 1, 1)


def test_synthetic_digits_are_drawn_from_the_seed():
    inputs = input_kinds.open_inputs('synthetic', 3)
    np.testing.assert_array_equal(inputs.labels, synthetic.draw(3).test.labels)


def test_labels_of_any_size_are_taken_and_negative_ones_are_not(tmp_path):
    def save(labels):
        np.savez(str(tmp_path / 'mnist.npz'), x_train=data_files.images(1), y_train=np.array([0]),
                 x_test=data_files.images(2), y_test=np.array(labels))
        return str(tmp_path)
    assert input_kinds.open_inputs(save([0, 4711]), 1).labels.tolist() == [0, 4711]
    assert 'y_test' in error_of(input_kinds.open_inputs, save([0, -1]), 1)


def test_a_manifest_makes_a_directory_one_of_preprocess(tmp_path):
    binaries.write(str(tmp_path), trainings.random_split(7), 'noise', None)
    (tmp_path / '0.png').write_bytes(b'')
    assert 'noise' in input_kinds.open_inputs(str(tmp_path), 1).origin
    (tmp_path / 'manifest.json').write_text('{}')
    assert 'manifest.json' in error_of(input_kinds.open_inputs, str(tmp_path), 1)


@pytest.fixture
def photo(monkeypatch):
    """Each pixel of a picture is the length of its file's name."""
    monkeypatch.setattr(input_kinds.picture, 'as_mnist',
                        lambda path: np.full((28, 28, 1), len(os.path.basename(path)), np.uint8))


def test_a_directory_of_pictures_is_read_in_the_order_of_the_names_without_labels(tmp_path, photo):
    for name in ('b.PNG', 'a10.jpeg', 'a9.jpg', '.hidden.png', 'notes.txt'):
        (tmp_path / name).write_bytes(b'')
    inputs = input_kinds.open_inputs(str(tmp_path), 1)
    assert inputs.names == ['a10.jpeg', 'a9.jpg', 'b.PNG'] and inputs.labels is None
    np.testing.assert_allclose(inputs.images[:, 0] * 255, [8, 6, 5], rtol=1e-6)
    assert inputs.images.shape == (3, 784) and inputs.origin == str(tmp_path)


def test_one_picture_is_read_whatever_its_name(tmp_path, photo):
    path = tmp_path / 'seven'
    path.write_bytes(b'')
    inputs = input_kinds.open_inputs(str(path), 1)
    assert inputs.names == ['seven'] and inputs.images.shape == (1, 784)


def test_mnist_files_go_before_pictures_of_them(tmp_path, photo):
    data_files.write_dataset(str(tmp_path))
    (tmp_path / 'preview.png').write_bytes(b'')
    assert len(input_kinds.open_inputs(str(tmp_path), 1).labels) == 7


def test_real_pictures(tmp_path):
    pictures.skip_without_packages()
    from PIL import Image
    drawn = np.zeros((56, 56), np.uint8)
    drawn[10:46, 24:30] = 255
    Image.fromarray(drawn).save(str(tmp_path / 'one.png'))
    inputs = input_kinds.open_inputs(str(tmp_path), 1)
    assert inputs.names == ['one.png'] and inputs.images.dtype == np.float32
    assert inputs.images.max() <= 1 and inputs.images.min() == 0 and inputs.images.any()
    (tmp_path / 'two.png').write_bytes(b'no picture')
    again = input_kinds.open_inputs(str(tmp_path), 1)
    assert again.names == ['one.png'] and len(again.refused) == 1 and 'two.png' in again.refused[0]


@pytest.mark.parametrize('make, words', [
    (lambda path: None, 'is neither a file nor a directory'),
    (lambda path: path.mkdir(), 'holds no manifest.json of lenet.preprocess, no MNIST files'),
    (lambda path: (path / 'deeper').mkdir(parents=True), 'expected the four MNIST files'),
    (lambda path: os.mkfifo(str(path)), 'is neither a file nor a directory')])
def test_where_there_are_no_images_the_flag_is_named(tmp_path, make, words):
    path = tmp_path / 'x'
    make(path)
    message = error_of(input_kinds.open_inputs, str(path), 1)
    assert message.startswith('--data_dir=%s: ' % path) and words in message
