import os

import numpy as np
import pytest

from lenet.export import trained
from lenet.run import checkpoint
from lenet.run.network_record import NetworkRecord
from tests import checkpoints
from tests.data_files import error_of


def test_the_newest_checkpoint_of_a_run_is_the_default(trained_run):
    loaded = trained.load(None, trained_run)
    assert loaded.path == checkpoint.find_all(trained_run)[-1] and loaded.path.endswith('-80')
    assert loaded.steps_run == 80 and loaded.activation == 'sigmoid' and loaded.num_classes == 10
    assert set(loaded.weights) == set(checkpoints.weights())


@pytest.mark.parametrize('num_classes', [10, 26])
def test_a_checkpoint_of_the_reference_gives_its_weights(tmp_path, num_classes):
    values = checkpoints.weights(num_classes=num_classes)
    prefix = checkpoints.write(tmp_path / 'ckpt_npu', values, beta1_power=np.float32(0.9))
    loaded = trained.load(prefix, 'nowhere')
    assert loaded.steps_run is None and loaded.activation == 'sigmoid' and loaded.num_classes == num_classes
    assert set(loaded.weights) == set(values)
    for name, value in values.items():
        np.testing.assert_array_equal(loaded.weights[name], value)


def test_the_activation_is_the_checkpoints_own_unless_another_is_asked_for(tmp_path, capsys):
    (tmp_path / 'flags.txt').write_text('--activation=sigmoid\n')  # of somebody else, or with a flipped bit
    prefix = checkpoints.write(tmp_path / 'ckpt_npu', record=NetworkRecord('tanh', 10, True))
    loaded = trained.load(prefix, 'nowhere')
    assert loaded.activation == 'tanh' and loaded.dark_on_light
    assert trained.load(prefix, 'nowhere', 'tanh').activation == 'tanh' and capsys.readouterr().err == ''
    assert trained.load(prefix, 'nowhere', 'relu').activation == 'relu'
    assert capsys.readouterr().err == 'warning: --activation=relu: %s was trained with tanh\n' % prefix


def test_where_nothing_tells_the_activation_it_is_asked_for(tmp_path):
    prefix = checkpoints.write(tmp_path, steps_run=np.int64(7))  # of a version without records
    assert 'does not say which activation it was trained with' in error_of(trained.load, prefix, 'nowhere')
    assert trained.load(prefix, 'nowhere', 'relu').activation == 'relu'


@pytest.mark.parametrize('record, words', [
    (NetworkRecord('tanh', 12), 'speaks of 12 classes, its weights are for 10'),
    (NetworkRecord('softplus', 10), 'is of no network that this version knows'),
    (NetworkRecord(7, 10), 'is of no network that this version knows'),
    (NetworkRecord('tanh', True), 'is of no network that this version knows')])
def test_a_record_of_another_network_is_refused(tmp_path, record, words):
    prefix = checkpoints.write(tmp_path, record=record)
    assert words in error_of(trained.load, prefix, 'nowhere')


@pytest.mark.parametrize('listed', ['/elsewhere/mode.ckpt', '\xff rubbish {', 'model_checkpoint_path: 7'])
def test_a_moved_directory_of_the_reference_is_read_by_what_lies_in_it(tmp_path, listed):
    prefix = checkpoints.write(tmp_path / 'ckpt')
    (tmp_path / 'ckpt' / 'checkpoint').write_text(
        'model_checkpoint_path: "%s"\n' % listed if listed.startswith('/') else listed)
    assert trained.load(str(tmp_path / 'ckpt'), 'nowhere').path == prefix


@pytest.mark.parametrize('ending', ['.index', '.data-00000-of-00001'])
def test_a_pipe_of_a_checkpoints_name_is_refused(tmp_path, ending):
    prefix = checkpoints.write(tmp_path)
    os.unlink(prefix + ending)
    os.mkfifo(prefix + ending)
    assert 'is no regular file' in error_of(trained.load, prefix, 'nowhere')


@pytest.mark.parametrize('changes, message', [
    (dict(fc_2__bias=None), 'mode.ckpt: is no checkpoint of this network: it holds no fc_2/bias, but fc_1/bias, '),
    (dict(fc_3__bias=None), 'it holds no fc_3/bias, but '),
    (dict(fc_3__bias=np.float32(1)), 'fc_3/bias has shape [], not [10]'),
    (dict(fc_1__weight=np.zeros((400, 120), np.float32)), 'fc_1/weight has shape [400, 120], not [784, 120]'),
    (dict(layer_1__bias=np.array([0, 1, np.nan, 0, 0, 0], np.float32)),
     'mode.ckpt: layer_1/bias holds NaN or infinity, its training went wrong; take an older checkpoint'),
    (dict(fc_3__bias=np.full(10, np.inf, np.float32)), 'fc_3/bias holds NaN or infinity')])
def test_another_network_is_named(tmp_path, changes, message):
    assert message in error_of(trained.load, checkpoints.write(tmp_path, **changes), 'nowhere')


@pytest.mark.parametrize('damage', [lambda path: checkpoints.truncate(path, 1000),
                                    lambda path: checkpoints.flip_bit(path, 200001)])
def test_damaged_data_is_named(tmp_path, damage):
    prefix = checkpoints.write(tmp_path)
    damage(checkpoints.data_file(prefix))
    assert 'mode.ckpt: is no readable checkpoint' in error_of(trained.load, prefix, 'nowhere')


def test_without_a_checkpoint_it_is_said_where_one_was_looked_for(tmp_path):
    assert "--output_dir=%s/x: there is no such directory" % tmp_path in error_of(trained.load, None,
                                                                                  str(tmp_path / 'x'))
    assert '%s: holds no checkpoint' % tmp_path in error_of(trained.load, None, str(tmp_path))
    assert '%s/x: is no readable checkpoint' % tmp_path in error_of(trained.load, str(tmp_path / 'x'), str(tmp_path))
