import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.graph import model
from lenet.run import checkpoint
from lenet.run import saving
from lenet.run.network_record import NetworkRecord
from tests import processes

RECORD = NetworkRecord('sigmoid', 10)


def save(directory, steps, keep=5, seed=1):
    """A run's checkpoints at each of `steps`; returns the path of the last and its weights."""
    with tf.Graph().as_default(), tf.Session() as session:
        weights = model.create_variables('sigmoid', seed)
        counter = tf.get_variable('steps_run', initializer=np.int64(0), trainable=False)
        tf.get_variable('global_step', initializer=np.int64(7), trainable=False)
        checkpoints = saving.Checkpoints(str(directory), keep, RECORD)
        session.run(tf.global_variables_initializer())
        for step in steps:
            counter.load(step, session)
            path = checkpoints.save(session, step)
        return path, session.run(dict(weights))


def test_only_the_newest_are_kept(tmp_path):
    save(tmp_path, [10, 20, 30, 40], keep=2)
    kept = sorted(name for name in os.listdir(str(tmp_path / 'ckpt_npu')) if name.endswith('.index'))
    assert kept == ['model.ckpt-30.index', 'model.ckpt-40.index']
    graph = (tmp_path / 'ckpt_npu' / 'graph.pbtxt').read_text()
    assert 'layer_1/weights' in graph and 'Placeholder' not in graph


def test_restoring_gives_every_value_back_and_keeps_counting_kept_checkpoints(tmp_path):
    path, saved = save(tmp_path, [10, 20], keep=2)
    with tf.Graph().as_default(), tf.Session() as session:
        weights = model.create_variables('sigmoid', 9)
        for counter in ('steps_run', 'global_step'):
            tf.get_variable(counter, initializer=np.int64(0), trainable=False)
        checkpoints = saving.Checkpoints(str(tmp_path), 2, RECORD)
        checkpoints.restore(session, path)
        for name, value in session.run(dict(weights)).items():
            np.testing.assert_array_equal(value, saved[name])
        checkpoints.save(session, 30)
    kept = sorted(name for name in os.listdir(str(tmp_path / 'ckpt_npu')) if name.endswith('.index'))
    assert kept == ['model.ckpt-20.index', 'model.ckpt-30.index']


def names_in(directory, pattern='*'):
    return sorted(path.name for path in (directory / 'ckpt_npu').glob(pattern))


def test_a_save_killed_at_any_change_leaves_whole_checkpoints_alone(tmp_path):
    """One is kept. The changes: renames of data and index, TensorFlow's list, removals of the older and the scratch."""
    program = ('import os, sys\nimport numpy as np\nimport tensorflow.compat.v1 as tf\n'
               'from lenet.run import saving\nfrom lenet.run.network_record import NetworkRecord\n'
               'from tests import kills\n'
               'directory, call = sys.argv[1], int(sys.argv[2])\n'
               'with tf.Graph().as_default(), tf.Session() as session:\n'
               '    counter = tf.get_variable("steps_run", initializer=np.int64(10), trainable=False)\n'
               '    tf.get_variable("global_step", initializer=np.int64(7), trainable=False)\n'
               '    session.run(tf.global_variables_initializer())\n'
               '    checkpoints = saving.Checkpoints(directory, 1, NetworkRecord("sigmoid", 10))\n'
               '    checkpoints.save(session, 10)\n'
               '    counter.load(20, session)\n'
               '    kills.die_at(call)\n'
               '    checkpoints.save(session, 20)\n')
    seen = []
    for call in range(1, 20):  # 0 is the making of the directory
        output_dir = tmp_path / str(call)
        ended = subprocess.run([sys.executable, '-c', program, str(output_dir), str(call)], cwd=processes.ROOT,
                               env=dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3'))
        whole = [int(path.rsplit('-', 1)[1]) for path in checkpoint.find_all(str(output_dir))]
        assert whole in ([10], [10, 20], [20]) and ended.returncode in (0, -signal.SIGKILL)
        assert checkpoint.read_position(checkpoint.find_whole(str(output_dir))[-1]).steps_run == whole[-1]
        seen.append(whole)
        save(output_dir, [30])
        assert names_in(output_dir, '.*') == []
        assert all(name.split('.data-')[0] + '.index' in names_in(output_dir)
                   for name in names_in(output_dir, '*.data-*'))
        if ended.returncode == 0:
            break
    assert ended.returncode == 0 and seen[0] == [10] and [10, 20] in seen and seen[-1] == [20]


@pytest.mark.parametrize('name', ['model.ckpt-mine.index', 'model.ckpt-best-5.index', 'model.ckpt-05.index',
                                  'model.ckpt-\u00b2.index', 'mymodel.ckpt-5.index', 'model.ckpt-10.data-backup',
                                  'model.ckpt-mine.data-00000-of-00001', '.notes.tmp', 'model.ckpt-10.meta'])
def test_files_of_the_users_are_neither_checkpoints_nor_removed(tmp_path, name):
    (tmp_path / 'ckpt_npu').mkdir()
    (tmp_path / 'ckpt_npu' / name).write_text('mine')
    (tmp_path / 'ckpt_npu' / 'model.ckpt-7.data-00000-of-00001').write_text('of a killed save')
    save(tmp_path, [10, 20, 30], keep=2)
    assert [path.rsplit('-', 1)[1] for path in checkpoint.find_all(str(tmp_path))] == ['20', '30']
    assert (tmp_path / 'ckpt_npu' / name).read_text() == 'mine'
    assert len(names_in(tmp_path, 'model.ckpt-[0-9]*.data-0*')) == 2


def test_a_directory_that_cannot_be_written_is_named_and_the_older_checkpoint_stays(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        model.create_variables('sigmoid', 1)
        checkpoints = saving.Checkpoints(str(tmp_path), 5, RECORD)
        session.run(tf.global_variables_initializer())
        first = checkpoints.save(session, 10)
        os.rename(str(tmp_path / 'ckpt_npu'), str(tmp_path / 'aside'))
        (tmp_path / 'ckpt_npu').write_text('a file in the way')
        with pytest.raises(UserError, match='model.ckpt-20: the checkpoint cannot be written'):
            checkpoints.save(session, 20)
        assert tf.train.checkpoint_exists(first.replace('ckpt_npu', 'aside'))
