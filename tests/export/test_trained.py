import numpy as np
import pytest

from lenet.export import trained
from lenet.run import checkpoint
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


def test_the_activation_is_the_runs_own_unless_another_is_asked_for(tmp_path, capsys):
    prefix = checkpoints.write(tmp_path / 'ckpt_npu')
    (tmp_path / 'flags.txt').write_text('--activation=tanh\n')
    assert trained.load(prefix, 'nowhere').activation == 'tanh'
    assert trained.load(prefix, 'nowhere', 'tanh').activation == 'tanh' and capsys.readouterr().err == ''
    assert trained.load(prefix, 'nowhere', 'relu').activation == 'relu'
    assert capsys.readouterr().err == 'warning: --activation=relu: %s was trained with tanh\n' % prefix


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
