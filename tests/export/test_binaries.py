import hashlib
import json
import os

import numpy as np
import pytest

from lenet.export import binaries
from tests import trainings
from tests.data_files import error_of


@pytest.fixture
def written(tmp_path):
    """A directory of 13 images, in batches of 5, and the split that it holds."""
    directory, split = tmp_path / 'bins', trainings.random_split(13)
    directory.mkdir()
    assert binaries.write(str(directory), split, 'noise', batch=5) == 3
    return directory, split


def manifest_of(directory):
    return json.loads((directory / 'manifest.json').read_text())


def rewrite(directory, change):
    manifest = manifest_of(directory)
    change(manifest)
    (directory / 'manifest.json').write_text(json.dumps(manifest))


def test_the_files_hold_what_their_manifest_says(written):
    directory, split = written
    manifest = manifest_of(directory)
    assert (manifest['format'], manifest['version'], manifest['source'], manifest['num_images']) == \
        ('LeNet binaries', 1, 'noise', 13)
    assert manifest['image']['dtype'] == 'float32' and manifest['image']['shape'] == [784]
    assert 'pixel/255' in manifest['image']['normalisation'] and manifest['label']['dtype'] == 'int32'
    assert [entry['index'] for entry in manifest['images']] == list(range(13))
    for index, entry in enumerate(manifest['images']):
        image = np.fromfile(str(directory / 'images' / ('%05d.bin' % index)), '<f4')
        np.testing.assert_allclose(image, split.images[index].ravel() / 255, rtol=1e-6)
        label = np.fromfile(str(directory / 'labels' / ('%05d.bin' % index)), '<i4')
        assert label.tolist() == [split.labels[index]] == [entry['label']]
        for file in (entry['image_file'], entry['label_file']):
            content = (directory / file['name']).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file['sha256']
    assert sorted(os.listdir(str(directory))) == ['batches', 'images', 'labels', 'manifest.json']
    assert len(os.listdir(str(directory / 'images'))) == len(os.listdir(str(directory / 'labels'))) == 13


def test_batches_hold_the_images_in_order_and_the_last_is_filled_up_with_zeros(written):
    directory, _ = written
    manifest = manifest_of(directory)
    assert [batch['num_images'] for batch in manifest['batches']] == [5, 5, 3]
    assert manifest['batch']['shape'] == [5, 784]
    batches = [np.fromfile(str(directory / batch['file']['name']), '<f4').reshape(5, 784)
               for batch in manifest['batches']]
    images = [np.fromfile(str(directory / ('images/%05d.bin' % index)), '<f4') for index in range(13)]
    np.testing.assert_array_equal(np.concatenate(batches)[:13], images)
    assert not batches[2][3:].any()
    for batch in manifest['batches']:
        assert hashlib.sha256((directory / batch['file']['name']).read_bytes()).hexdigest() == batch['file']['sha256']


def test_what_was_written_is_read_again(written):
    directory, split = written
    read = binaries.read(str(directory))
    np.testing.assert_allclose(read.images, split.images.reshape(13, 784) / 255, rtol=1e-6)
    assert read.images.dtype == np.float32 and read.labels.dtype == np.int32
    np.testing.assert_array_equal(read.labels, split.labels)
    assert read.names[:2] == ['images/00000.bin', 'images/00001.bin'] and 'noise' in read.origin


def test_without_batches_there_is_no_folder_for_them(tmp_path):
    assert binaries.write(str(tmp_path), trainings.random_split(7), 'noise', batch=None) == 0
    assert sorted(os.listdir(str(tmp_path))) == ['images', 'labels', 'manifest.json']
    assert len(binaries.read(str(tmp_path)).labels) == 7


@pytest.mark.parametrize('index, count, name', [
    (7, 13, 'images/00007.bin'), (99999, 100000, 'images/99999.bin'), (7, 100001, 'images/000007.bin')])
def test_names_are_ordered_as_the_images(index, count, name):
    assert binaries.file_name('images', index, count) == name


def test_image_and_label_are_paired_by_the_manifest_not_by_names_or_order(written):
    directory, split = written
    order = np.random.RandomState(1).permutation(13)
    for folder, names in (('images', ['z%02d.bin' % i for i in range(13)]), ('labels', ['%d.bin' % i for i in order])):
        for index, name in enumerate(names):
            os.rename(str(directory / folder / ('%05d.bin' % index)), str(directory / folder / name))

    def renamed(manifest):
        for index, entry in enumerate(manifest['images']):
            entry['image_file']['name'] = 'images/z%02d.bin' % index
            entry['label_file']['name'] = 'labels/%d.bin' % order[index]
        manifest['images'] = [manifest['images'][index] for index in order]
    rewrite(directory, renamed)
    read = binaries.read(str(directory))
    np.testing.assert_array_equal(read.labels, split.labels[order])
    np.testing.assert_allclose(read.images, split.images[order].reshape(13, 784) / 255, rtol=1e-6)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path):
    path.write_bytes(path.read_bytes() + b'\0')


def alter(path):
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(bytes(content))


def make_a_directory_of(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize('name', ['images/00007.bin', 'labels/00007.bin', 'batches/00002.bin'])
@pytest.mark.parametrize('damage, words', [
    (lambda path: path.unlink(), 'cannot be read (No such file'), (truncate, 'bytes, got'),
    (lengthen, 'that it can have'),
    (alter, 'was altered'), (make_a_directory_of, 'Is a directory'),
    (lambda path: (path.parent / '99999.bin').write_bytes(b''), 'is not in the manifest')])
def test_a_file_that_is_not_as_written_is_named(written, name, damage, words):
    directory, _ = written
    damage(directory / name)
    message = error_of(binaries.read, str(directory))
    named = name.replace('00007', '99999').replace('00002', '99999') if 'not in' in words else name
    assert str(directory / named) in message and words in message


def test_a_label_that_was_changed_in_the_manifest_is_noticed(written):
    directory, split = written
    rewrite(directory, lambda manifest: manifest['images'][3].update(label=99))
    assert 'labels/00003.bin: holds %d, the manifest says 99' % split.labels[3] in error_of(
        binaries.read, str(directory))


def set_in_image(key, value):
    return lambda manifest: manifest['images'][3]['image_file'].update({key: value})


@pytest.mark.parametrize('change, words', [
    (lambda manifest: manifest.update(version=2), 'is of version 2, this program reads 1'),
    (lambda manifest: manifest.update(format='other'), 'is no manifest of'),
    (lambda manifest: manifest.clear(), 'is no manifest of'),
    (lambda manifest: manifest.pop('images'), 'is damaged'),
    (lambda manifest: manifest.update(images=[]), 'is damaged'),
    (lambda manifest: manifest.update(images=7), 'is damaged'),
    (lambda manifest: manifest.update(num_images=12), 'is damaged'),
    (lambda manifest: manifest['images'].pop(), 'is damaged'),
    (lambda manifest: manifest['images'].append(manifest['images'][0]), 'is damaged'),
    (lambda manifest: manifest['images'][3].pop('label'), 'is damaged'),
    (lambda manifest: manifest['images'][3].update(label='7'), 'is damaged'),
    (lambda manifest: manifest['images'][3].update(label=-1), 'is damaged'),
    (lambda manifest: manifest['images'][3].update(label=2 ** 31), 'is damaged'),
    (lambda manifest: manifest['images'][3].update(label_file=None), 'is damaged'),
    (lambda manifest: manifest['image'].update(dtype='float16'), 'is damaged'),
    (lambda manifest: manifest.pop('batch'), 'is damaged'),
    (lambda manifest: manifest['batch'].update(shape=[2 ** 40, 784]), 'is damaged'),
    (lambda manifest: manifest['batch'].update(shape=[1e308, 784]), 'is damaged'),
    (lambda manifest: manifest['batch'].update(shape=[-1, 784]), 'is damaged'),
    (lambda manifest: manifest['batch'].update(shape=[True, 784]), 'is damaged'),
    (lambda manifest: manifest['batch'].update(shape=[[1], 784]), 'is damaged'),
    (lambda manifest: manifest['batch'].update(shape=[]), 'is damaged'),
    (lambda manifest: manifest['batch'].update(shape=[None, 784]), 'is damaged'),
    (set_in_image('name', '../../etc/passwd'), 'is damaged'),
    (set_in_image('name', 'images/00002.bin'), 'is damaged'),
    (set_in_image('name', 7), 'is damaged'),
    (set_in_image('sha256', 7), 'was altered')])
def test_a_manifest_that_is_not_as_written_is_refused(written, change, words):
    directory, _ = written
    rewrite(directory, change)
    message = error_of(binaries.read, str(directory))
    assert message.startswith(str(directory)) and words in message


@pytest.mark.parametrize('content, words', [
    (b'', 'no JSON'), (b'{"format": ', 'no JSON'), (b'\xff', 'no UTF-8'), (b'[1]', 'is no manifest of'),
    (b'{"a": NaN}', 'NaN is no JSON'), (b'[' * 100000, 'nested too deeply')])
def test_a_manifest_that_is_no_json_object_is_refused(written, content, words):
    directory, _ = written
    (directory / 'manifest.json').write_bytes(content)
    message = error_of(binaries.read, str(directory))
    assert message.startswith(str(directory / 'manifest.json')) and words in message


@pytest.mark.parametrize('name', ['notes.txt', 'images/notes.txt', 'images/00099.bin', 'batches/own/x', '.hidden'])
def test_only_what_the_manifest_lists_counts_as_written_here(written, name):
    directory, _ = written
    assert binaries.find_stranger(str(directory)) is None
    rewrite(directory, lambda manifest: manifest.update(version=0))
    (directory / 'images' / '00003.bin').unlink()
    assert binaries.find_stranger(str(directory)) is None, 'of another version, and damaged, but written here'
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text('mine')
    assert binaries.find_stranger(str(directory)) == ('batches/own' if 'own' in name else name)
    rewrite(directory, lambda manifest: manifest.update(format='mine'))
    assert binaries.find_stranger(str(directory)) is not None


def test_what_cannot_be_listed_is_not_taken_for_empty():
    with pytest.raises(OSError):
        binaries.find_stranger('/nowhere')
