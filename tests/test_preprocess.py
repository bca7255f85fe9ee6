"""As its users run it: real processes, real files."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from lenet.data import idx
from lenet.data import synthetic
from tests import data_files
from tests import processes


def preprocess(*arguments, **environment):
    return processes.run_module('lenet.preprocess', *arguments, **environment)


@pytest.fixture
def data(tmp_path):
    """A data set of 37 test images."""
    data_files.write_dataset(str(tmp_path / 'data'), test=37)
    return str(tmp_path / 'data')


def test_the_test_split_is_written_and_told_in_one_line(tmp_path, data):
    output = tmp_path / 'not there yet' / 'bins'
    ended = preprocess('--data_path=%s' % data, '--output_path=%s/' % output, '--batch=7')
    assert ended.returncode == 0 and ended.stderr == ''
    line, = ended.stdout.splitlines()
    assert line.startswith('%s/: 37 images and labels of %s, test split, 6 batches of 7 in ' % (output, data))
    images = [np.fromfile(str(output / 'images' / name), '<f4') for name in sorted(os.listdir(str(output / 'images')))]
    np.testing.assert_allclose(images, data_files.images(37, 2).reshape(37, 784) / 255, rtol=1e-6)
    labels = [np.fromfile(str(output / 'labels' / name), '<i4') for name in sorted(os.listdir(str(output / 'labels')))]
    np.testing.assert_array_equal(np.ravel(labels), data_files.labels(37))
    assert os.listdir(str(output.parent)) == ['bins']


@pytest.mark.parametrize('source', ['npz', 'gz', 'synthetic'])
def test_every_kind_of_data_is_taken(tmp_path, source):
    folder, output = tmp_path / 'data', tmp_path / 'bins'
    path, images = str(folder), data_files.images(7, 2)
    if source == 'npz':
        folder.mkdir()
        np.savez(str(folder / 'mnist.npz'), x_train=data_files.images(13), y_train=data_files.labels(13),
                 x_test=images, y_test=data_files.labels(7))
    elif source == 'gz':
        data_files.write_dataset(path, lambda name: name + '.gz')
    else:
        path, images = 'synthetic', synthetic.draw(3).test.images
    ended = preprocess('--data_path=%s' % path, '--output_path=%s' % output, '--seed=3')
    assert ended.returncode == 0, ended.stderr
    manifest = json.loads((output / 'manifest.json').read_text())
    assert manifest['num_images'] == len(images)
    last = np.fromfile(str(output / manifest['images'][-1]['image_file']['name']), '<f4')
    np.testing.assert_allclose(last, images[-1].ravel() / 255, rtol=1e-6)


def test_flags_say_in_what_files_differ_from_mnist_s_form(tmp_path):
    drawn = synthetic.draw(3, train=13, test=7)
    data_files.write_emnist(str(tmp_path / 'data'), 'letters', drawn.train, drawn.test, first=1)
    ended = preprocess('--data_path=%s/data' % tmp_path, '--output_path=%s/bins' % tmp_path)
    assert ended.returncode == 0 and len(ended.stderr.splitlines()) == 1, ended.stderr
    last = np.fromfile(str(tmp_path / 'bins' / 'images' / '00006.bin'), '<f4')
    np.testing.assert_allclose(last, drawn.test.images[-1].ravel() / 255, rtol=1e-6)
    ended = preprocess('--data_path=%s/data' % tmp_path, '--output_path=%s/bins' % tmp_path, '--label_offset=-1',
                       '--notranspose_images', '--num_classes=13')
    assert ended.returncode == 0 and ended.stderr == '', ended.stderr
    last = np.fromfile(str(tmp_path / 'bins' / 'images' / '00006.bin'), '<f4')
    np.testing.assert_allclose(last, drawn.test.images[-1, ..., 0].T.ravel() / 255, rtol=1e-6)
    label = np.fromfile(str(tmp_path / 'bins' / 'labels' / '00006.bin'), '<i4')
    assert label.tolist() == [drawn.test.labels[-1] + 2]


def test_without_a_data_path_mnist_is_fetched(tmp_path):
    nowhere = {'LENET_DATA': str(tmp_path / 'data'), 'LENET_MIRRORS': '', 'PATH': ''}  # nobody to fetch it from
    ended = preprocess('--output_path=%s' % (tmp_path / 'bins'), **nowhere)
    assert ended.returncode == 1 and 'MNIST could not be fetched' in ended.stderr
    assert not (tmp_path / 'bins').exists()


def test_a_former_directory_is_replaced_whole(tmp_path, data):
    output = tmp_path / 'bins'
    first = preprocess('--data_path=%s' % data, '--output_path=%s' % output, '--batch=5')
    second = preprocess('--data_path=%s' % data, '--output_path=%s' % output)
    assert first.returncode == second.returncode == 0
    assert sorted(os.listdir(str(output))) == ['images', 'labels', 'manifest.json']
    assert sorted(os.listdir(str(tmp_path))) == ['bins', 'data']


def test_a_run_that_fails_leaves_the_former_directory(tmp_path, data):
    output = tmp_path / 'bins'
    assert preprocess('--data_path=%s' % data, '--output_path=%s' % output).returncode == 0
    os.truncate(os.path.join(data, idx.NAMES[2]), 1000)
    ended = preprocess('--data_path=%s' % data, '--output_path=%s' % output, '--batch=5')
    assert ended.returncode == 1 and idx.NAMES[2] in ended.stderr
    assert sorted(os.listdir(str(output))) == ['images', 'labels', 'manifest.json']


def test_a_former_directory_that_a_kill_left_without_its_name_is_back_at_the_next_start(tmp_path, data):
    output, left = tmp_path / 'bins', tmp_path / '.bins.abcdefgh.lenet-tmp'
    assert preprocess('--data_path=%s' % data, '--output_path=%s' % output).returncode == 0
    left.mkdir()
    output.rename(left / 'former')
    assert preprocess('--data_path=/nowhere', '--output_path=%s' % output).returncode == 1
    assert sorted(os.listdir(str(output))) == ['images', 'labels', 'manifest.json'] and not left.exists()


def test_a_run_that_is_stopped_leaves_nothing(tmp_path):
    program = ('import os, runpy, signal, sys\nfrom lenet.export import binaries\n'
               'put = binaries._put\n'
               'def stop(advance, directory, count, folder, index, array):\n'
               '    if index == 500: os.kill(os.getpid(), signal.SIGINT)\n'
               '    return put(advance, directory, count, folder, index, array)\n'
               'binaries._put = stop\n'
               'sys.argv = ["preprocess", "--data_path=synthetic", "--output_path=%s/bins"]\n'
               'runpy.run_module("lenet.preprocess", run_name="__main__")' % tmp_path)
    ended = subprocess.run([sys.executable, '-c', program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           universal_newlines=True, cwd=processes.ROOT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.SIGINT, '', 'stopped by SIGINT\n')
    assert os.listdir(str(tmp_path)) == []


def test_tensorflow_is_not_needed(tmp_path, data):
    program = ('import runpy, sys\nsys.modules["tensorflow"] = None\n'
               'sys.argv = ["preprocess", "--data_path=%s", "--output_path=%s"]\n'
               'runpy.run_module("lenet.preprocess", run_name="__main__")' % (data, tmp_path / 'bins'))
    assert subprocess.run([sys.executable, '-c', program], cwd=processes.ROOT, stdout=subprocess.PIPE).returncode == 0


def a_file(path):
    path.write_text('mine')


def a_foreign_directory(path):
    path.mkdir()
    (path / 'mine.txt').write_text('mine')


def a_foreign_manifest(path):
    path.mkdir()
    (path / 'manifest.json').write_text('{"format": "mine"}')


def a_former_one_with_something_of_the_users(path):
    assert preprocess('--data_path=%s' % (path.parent / 'data'), '--output_path=%s' % path).returncode == 0
    (path / 'mine.txt').write_text('mine')


def a_former_one_with_something_of_the_users_further_down(path):
    assert preprocess('--data_path=%s' % (path.parent / 'data'), '--output_path=%s' % path).returncode == 0
    (path / 'images' / 'my-notes.txt').write_text('mine')


@pytest.mark.parametrize('make, words', [
    (a_former_one_with_something_of_the_users_further_down, 'it holds images/my-notes.txt; name a new directory, or'),
    (a_file, 'is a file'), (a_foreign_directory, 'it holds mine.txt'), (a_foreign_manifest, 'it holds manifest.json'),
    (a_former_one_with_something_of_the_users, 'it holds mine.txt')])
def test_what_somebody_else_left_there_is_refused_and_stays(tmp_path, data, make, words):
    output = tmp_path / 'bins'
    make(output)
    before = output.stat().st_ino
    ended = preprocess('--data_path=%s' % data, '--output_path=%s' % output)
    line, = ended.stderr.splitlines()
    assert ended.returncode == 1 and line.startswith('error: --output_path=%s: ' % output) and words in line
    assert output.stat().st_ino == before and ended.stdout == ''


@pytest.mark.parametrize('arguments, status, words', [
    ([], 2, '--output_path'), (['--output_path='], 2, '--output_path= is empty'),
    (['--output_path=x', '--data_path='], 2, '--data_path= is empty'),
    (['--output_path=x', '--batch=0'], 2, '--batch=0'), (['--output_path=x', '--batch=-3'], 2, '--batch=-3'),
    (['--output_path=x', '--batch=nan'], 2, '--batch=nan'), (['--output_path=x', '--batch=1e99'], 2, '--batch=1e99'),
    (['--output_path=x', '--num_classes=1'], 2, '--num_classes=1'), (['--output_path=x', '--seed=-1'], 2, '--seed=-1'),
    (['--output_path=x', 'synthetic'], 2, "unexpected argument 'synthetic'"),
    (['--output_path=x', '--data_path=nowhere'], 1, '--data_path=nowhere'),
    (['--output_path=x', '--data_path=.'], 1, '--data_path=.: expected the four MNIST files'),
    (['--output_path=x', '--data_path=synthetic', '--num_classes=7'], 1, '--num_classes=7'),
    (['--output_path=.', '--data_path=synthetic'], 1, '--output_path=.: is the working directory'),
    (['--output_path=/proc/nowhere/x', '--data_path=synthetic'], 1, '/proc/nowhere')])
def test_what_is_wrong_ends_in_one_line(tmp_path, arguments, status, words):
    ended = processes.run_module('lenet.preprocess', *arguments, cwd=tmp_path)
    line, = ended.stderr.splitlines()
    assert ended.returncode == status and line.startswith('error: ') and words in line and ended.stdout == ''
    assert os.listdir(str(tmp_path)) == []


def test_labels_outside_the_classes_are_refused(tmp_path, data):
    ended = preprocess('--data_path=%s' % data, '--output_path=%s' % (tmp_path / 'x'), '--num_classes=7')
    line, = ended.stderr.splitlines()
    assert ended.returncode == 1 and 'expected labels from 0 to 6' in line and not (tmp_path / 'x').exists()
