import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.graph import model
from lenet.run import transfer
from lenet.run.network_record import NetworkRecord
from tests import checkpoints
from tests.data_files import error_of
from tests.run.test_checkpoint import save

SHAPES = model.variable_shapes()


def read(path, exclude, num_classes=10, activation='sigmoid'):
    return transfer.read_weights(str(path), model.variable_shapes(num_classes), exclude, activation)


def test_all_weights_but_the_excluded_are_read(tmp_path):
    path, saved = save(tmp_path, [10])
    values, shapes = read(path, ['fc_3/', 'fc_2/bias'])
    assert set(values) == set(saved) - {'fc_3/weight', 'fc_3/bias', 'fc_2/bias'}
    for name, value in values.items():
        np.testing.assert_array_equal(value, saved[name], err_msg=name)
    assert shapes['fc_3/weight'] == (84, 10)


@pytest.mark.parametrize('exclude, num_classes, message', [
    (['linear/'], 10, '--restore_exclude=linear/ matches none of layer_1/weights, .* fc_3/bias'),
    ([''], 10, '--restore_exclude= matches none of layer_1/weights'),
    (['fc_('], 10, r'--restore_exclude=fc_\( is no regular expression'),
    (['layer_', 'fc_'], 10, '--restore_exclude=layer_,fc_ leaves nothing to load'),
    ([], 26, r'fc_3/weight has shape \[84, 10\], the network needs \[84, 26\]; --restore_exclude=fc_3/ leaves it out')])
def test_what_cannot_be_meant_is_refused(tmp_path, exclude, num_classes, message):
    path, _ = save(tmp_path, [10])
    with pytest.raises(UserError, match=message):
        read(path, exclude, num_classes)


@pytest.mark.parametrize('record, activation, words', [
    (NetworkRecord('relu', 10), 'tanh', 'was trained with --activation=relu, this run has tanh; give --activation='),
    (None, 'relu', 'was trained with --activation=sigmoid, this run has relu')])
def test_weights_of_another_activation_are_refused(tmp_path, record, activation, words):
    path = checkpoints.write(tmp_path, record=record)
    assert words in error_of(read, path, [], 10, activation)
    read(path, [], activation='sigmoid' if record is None else record.activation)


def test_weights_that_do_not_tell_their_activation_are_told(tmp_path, capsys):
    read(checkpoints.write(tmp_path, steps_run=np.int64(7)), [], activation='relu')
    assert 'does not say with which --activation it was trained, this run has relu' in capsys.readouterr().err


def test_a_missing_variable_is_named_with_those_there_are(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('other', [3])
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / 'x'))
    with pytest.raises(UserError, match='x: holds no layer_1/weights, but other'):
        read(path, [])


def test_the_table_tells_of_every_variable():
    shapes = model.variable_shapes(26)
    lines = transfer.table(shapes, ['layer_1/weights'], {'fc_3/bias': (10,)}, ['layer_1/weights'])
    assert len(lines) == 1 + len(shapes)
    assert lines[1].split() == ['layer_1/weights', '[5,', '5,', '1,', '6]', 'frozen', 'restored']
    assert lines[2].split() == ['layer_1/bias', '[6]', 'yes', 're-initialised']
    assert lines[-1].endswith('re-initialised, its shape is [10] in the checkpoint')
