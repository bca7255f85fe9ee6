"""The check of the data set: read like training's, never fetched."""

import os

from lenet import flags
from lenet.checks import data
from lenet.checks import FAIL, PASS, WARN
from lenet.data import fetch
from lenet.data import mnist_files
from tests import data_files


def check(**overrides):
    return data.data(flags.make_params(**overrides))


def test_synthetic_digits_pass_without_being_drawn():
    assert check(data_path='synthetic', seed=3) == data.passed('data', 'synthetic digits, drawn from --seed=3')


def test_files_are_read(tmp_path):
    data_files.write_dataset(str(tmp_path), train=13, test=7)
    result = check(data_path=tmp_path)
    assert result.status == PASS and result.found.endswith('13 training and 7 test images')
    (tmp_path / 't10k-labels-idx1-ubyte').write_bytes(b'')
    result = check(data_path=tmp_path)
    assert result.status == FAIL and 't10k-labels-idx1-ubyte' in result.found


def test_a_path_that_does_not_exist_fails():
    assert '--data_path=/nowhere' in check(data_path='/nowhere').found


def test_missing_mnist_is_a_warning_and_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv(fetch.DIRECTORY_VARIABLE, str(tmp_path / 'MNIST'))
    monkeypatch.setattr(fetch, 'ensure', None)
    result = check()
    assert result.status == WARN and str(tmp_path / 'MNIST') in result.found and 'train-images' in result.remedy
    assert os.listdir(str(tmp_path)) == []


def test_mnist_that_is_there_is_read(tmp_path, monkeypatch):
    data_files.write_dataset(str(tmp_path))
    files = [data_files.raw_file(name, (tmp_path / name).read_bytes()) for name in os.listdir(str(tmp_path))]
    monkeypatch.setenv(fetch.DIRECTORY_VARIABLE, str(tmp_path))
    monkeypatch.setattr(mnist_files, 'MNIST', files)
    assert check().status == PASS
    (tmp_path / files[0].name).write_bytes(b'half')
    assert check().status == WARN and files[0].name in check().remedy


def test_another_data_set_in_mnist_s_place_fails(tmp_path, monkeypatch):
    data_files.write_dataset(str(tmp_path))
    monkeypatch.setenv(fetch.DIRECTORY_VARIABLE, str(tmp_path))
    assert check().status == FAIL and 'another data set' in check().found


def test_flags_of_the_form_of_the_data_are_heeded(tmp_path):
    data_files.write_dataset(str(tmp_path))
    assert check(data_path=tmp_path, label_offset=1).status == FAIL
