import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import checkpoint
from lenet import model
from lenet.errors import UserError


def save(directory, steps, keep=5, seed=1):
    """A run's checkpoints at each of `steps`; returns the path of the last and its weights."""
    with tf.Graph().as_default(), tf.Session() as session:
        weights = model.create_variables('sigmoid', seed)
        counter = tf.get_variable('steps_run', initializer=np.int64(0), trainable=False)
        tf.get_variable('global_step', initializer=np.int64(7), trainable=False)
        checkpoints = checkpoint.Checkpoints(str(directory), keep)
        session.run(tf.global_variables_initializer())
        for step in steps:
            counter.load(step, session)
            path = checkpoints.save(session, step)
        return path, session.run(dict(weights))


def test_the_newest_is_found_and_knows_its_steps_also_after_the_directory_moved(tmp_path):
    save(tmp_path / 'run', [100, 200])
    os.rename(str(tmp_path / 'run'), str(tmp_path / 'moved here'))
    path = checkpoint.listed(str(tmp_path / 'moved here'))[-1]
    assert path.endswith('model.ckpt-200') and checkpoint.position(path) == (200, 7)


def test_only_the_newest_are_kept(tmp_path):
    save(tmp_path, [10, 20, 30, 40], keep=2)
    kept = sorted(name for name in os.listdir(str(tmp_path / 'ckpt_npu')) if name.endswith('.index'))
    assert kept == ['model.ckpt-30.index', 'model.ckpt-40.index']
    graph = (tmp_path / 'ckpt_npu' / 'graph.pbtxt').read_text()
    assert 'layer_1/weights' in graph and 'Placeholder' not in graph


def test_checkpoints_are_listed_by_number_whatever_tensorflows_own_list_says(tmp_path):
    assert checkpoint.listed(str(tmp_path)) == []
    save(tmp_path / 'b [1]', [90, 100])
    for content in (b'', b'\xff\x00'):
        (tmp_path / 'b [1]' / 'ckpt_npu' / 'checkpoint').write_bytes(content)
        assert [path[-3:] for path in checkpoint.listed(str(tmp_path / 'b [1]'))] == ['-90', '100']


def test_restoring_gives_every_value_back_and_keeps_counting_kept_checkpoints(tmp_path):
    path, saved = save(tmp_path, [10, 20], keep=2)
    with tf.Graph().as_default(), tf.Session() as session:
        weights = model.create_variables('sigmoid', 9)
        for counter in ('steps_run', 'global_step'):
            tf.get_variable(counter, initializer=np.int64(0), trainable=False)
        checkpoints = checkpoint.Checkpoints(str(tmp_path), 2)
        checkpoints.restore(session, path)
        for name, value in session.run(dict(weights)).items():
            np.testing.assert_array_equal(value, saved[name])
        checkpoints.save(session, 30)
    kept = sorted(name for name in os.listdir(str(tmp_path / 'ckpt_npu')) if name.endswith('.index'))
    assert kept == ['model.ckpt-20.index', 'model.ckpt-30.index']


def read(path, exclude, num_classes=10):
    return checkpoint.read_weights(str(path), model.variable_shapes(num_classes), exclude)


def test_transfer_reads_all_weights_but_the_excluded(tmp_path):
    path, saved = save(tmp_path, [10])
    for form in (path, path + '.index', path + '.data-00000-of-00001', tmp_path / 'ckpt_npu'):
        read_values = read(form, ['fc_3/', 'fc_2/bias'])
        assert set(read_values) == set(saved) - {'fc_3/weight', 'fc_3/bias', 'fc_2/bias'}
        for name, value in read_values.items():
            np.testing.assert_array_equal(value, saved[name], err_msg=name)


@pytest.mark.parametrize('exclude, num_classes, message', [
    (['linear/'], 10, '--restore_exclude=linear/ matches none of layer_1/weights, .* fc_3/bias'),
    (['layer_', 'fc_'], 10, '--restore_exclude=layer_,fc_ leaves nothing to load'),
    ([], 26, r'fc_3/weight has shape \[84, 10\], the network needs \[84, 26\]; --restore_exclude can leave it out')])
def test_transfer_refuses_what_cannot_be_meant(tmp_path, exclude, num_classes, message):
    path, _ = save(tmp_path, [10])
    with pytest.raises(UserError, match=message):
        read(path, exclude, num_classes)


def test_transfer_names_a_missing_variable_and_those_there_are(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('other', [3])
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / 'x'))
    with pytest.raises(UserError, match='x: holds no layer_1/weights, but other'):
        read(path, [])
    with pytest.raises(UserError, match='x: holds no steps_run'):
        checkpoint.position(path)


def test_a_path_without_a_checkpoint_is_named(tmp_path):
    with pytest.raises(UserError, match='nowhere: is no readable checkpoint'):
        read(tmp_path / 'nowhere', [])
    (tmp_path / 'x.index').write_bytes(b'')
    (tmp_path / 'x.data-00000-of-00001').write_bytes(b'')
    with pytest.raises(UserError, match='x: is no readable checkpoint'):
        checkpoint.position(str(tmp_path / 'x'))


def test_truncated_data_is_named(tmp_path):
    path, _ = save(tmp_path, [10])
    with open(path + '.data-00000-of-00001', 'r+b') as stream:
        stream.truncate(1000)
    for function in (lambda: read(path, []), lambda: checkpoint.position(path)):
        with pytest.raises(UserError, match='model.ckpt-10: is no readable checkpoint'):
            function()


def test_a_directory_that_cannot_be_written_is_named_and_the_older_checkpoint_stays(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        model.create_variables('sigmoid', 1)
        checkpoints = checkpoint.Checkpoints(str(tmp_path), 5)
        session.run(tf.global_variables_initializer())
        first = checkpoints.save(session, 10)
        os.rename(str(tmp_path / 'ckpt_npu'), str(tmp_path / 'aside'))
        (tmp_path / 'ckpt_npu').write_text('a file in the way')
        with pytest.raises(UserError, match='model.ckpt-20: the checkpoint cannot be written'):
            checkpoints.save(session, 20)
        assert tf.train.checkpoint_exists(first.replace('ckpt_npu', 'aside'))
