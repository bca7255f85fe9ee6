import os
import signal
import struct
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.graph import model
from lenet.run import checkpoint
from lenet.run.network_record import NetworkRecord
from tests import checkpoints as written
from tests import processes
from tests.data_files import error_of

RECORD = NetworkRecord('sigmoid', 10)


def save(directory, steps, keep=5, seed=1):
    """A run's checkpoints at each of `steps`; returns the path of the last and its weights."""
    with tf.Graph().as_default(), tf.Session() as session:
        weights = model.create_variables('sigmoid', seed)
        counter = tf.get_variable('steps_run', initializer=np.int64(0), trainable=False)
        tf.get_variable('global_step', initializer=np.int64(7), trainable=False)
        checkpoints = checkpoint.Checkpoints(str(directory), keep, RECORD)
        session.run(tf.global_variables_initializer())
        for step in steps:
            counter.load(step, session)
            path = checkpoints.save(session, step)
        return path, session.run(dict(weights))


def test_the_newest_is_found_and_knows_its_steps_also_after_the_directory_moved(tmp_path):
    save(tmp_path / 'run', [100, 200])
    os.rename(str(tmp_path / 'run'), str(tmp_path / 'moved here'))
    path = checkpoint.find_all(str(tmp_path / 'moved here'))[-1]
    assert path.endswith('model.ckpt-200') and checkpoint.read_position(path) == (200, 7)


def test_only_the_newest_are_kept(tmp_path):
    save(tmp_path, [10, 20, 30, 40], keep=2)
    kept = sorted(name for name in os.listdir(str(tmp_path / 'ckpt_npu')) if name.endswith('.index'))
    assert kept == ['model.ckpt-30.index', 'model.ckpt-40.index']
    graph = (tmp_path / 'ckpt_npu' / 'graph.pbtxt').read_text()
    assert 'layer_1/weights' in graph and 'Placeholder' not in graph


def test_checkpoints_are_listed_by_number_whatever_tensorflows_own_list_says(tmp_path):
    assert checkpoint.find_all(str(tmp_path)) == []
    save(tmp_path / 'b [1]', [90, 100])
    for content in (b'', b'\xff\x00'):
        (tmp_path / 'b [1]' / 'ckpt_npu' / 'checkpoint').write_bytes(content)
        assert [path[-3:] for path in checkpoint.find_all(str(tmp_path / 'b [1]'))] == ['-90', '100']


def test_restoring_gives_every_value_back_and_keeps_counting_kept_checkpoints(tmp_path):
    path, saved = save(tmp_path, [10, 20], keep=2)
    with tf.Graph().as_default(), tf.Session() as session:
        weights = model.create_variables('sigmoid', 9)
        for counter in ('steps_run', 'global_step'):
            tf.get_variable(counter, initializer=np.int64(0), trainable=False)
        checkpoints = checkpoint.Checkpoints(str(tmp_path), 2, RECORD)
        checkpoints.restore(session, path)
        for name, value in session.run(dict(weights)).items():
            np.testing.assert_array_equal(value, saved[name])
        checkpoints.save(session, 30)
    kept = sorted(name for name in os.listdir(str(tmp_path / 'ckpt_npu')) if name.endswith('.index'))
    assert kept == ['model.ckpt-20.index', 'model.ckpt-30.index']


def test_what_a_path_may_be(tmp_path):
    path, saved = save(tmp_path / 'run', [10, 20])
    for form in (path, path + '.index', path + '.data-00000-of-00001', str(tmp_path / 'run'),
                 str(tmp_path / 'run' / 'ckpt_npu')):
        np.testing.assert_array_equal(checkpoint.read(checkpoint.resolve(form))['fc_1/weight'], saved['fc_1/weight'])
    with pytest.raises(UserError, match='holds no checkpoint'):
        checkpoint.resolve(str(tmp_path))


def test_every_bit_that_flips_is_noticed_or_harmless(tmp_path):
    path, _ = save(tmp_path, [10])
    expected = checkpoint.read(path)
    random = np.random.RandomState(0)
    noticed = 0
    for name in (path + '.index', path + '.data-00000-of-00001'):
        with open(name, 'rb') as stream:
            whole = stream.read()
        places = range(len(whole)) if name.endswith('.index') else random.randint(len(whole), size=300)
        for place in places:
            damaged = bytearray(whole)
            damaged[place] ^= 1 << random.randint(8)
            with open(name, 'wb') as stream:
                stream.write(damaged)
            try:
                came = checkpoint.read(path)
            except UserError:
                noticed += 1
                continue
            assert set(came) == set(expected), place
            for variable, value in came.items():
                np.testing.assert_array_equal(value, expected[variable])
        with open(name, 'wb') as stream:
            stream.write(whole)
    assert noticed > 600


def test_the_newest_whole_checkpoint_is_taken_and_each_damaged_one_named(tmp_path, capsys):
    save(tmp_path, [10, 20, 30, 40])
    with open(str(tmp_path / 'ckpt_npu' / 'model.ckpt-40.data-00000-of-00001'), 'r+b') as stream:
        stream.truncate(1000)
    (tmp_path / 'ckpt_npu' / 'model.ckpt-30.index').write_bytes(b'')
    assert checkpoint.find_whole(str(tmp_path))[-1].endswith('model.ckpt-20')
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 2
    assert 'model.ckpt-40: is no readable checkpoint' in warnings[0] and 'model.ckpt-20' in warnings[0]
    assert 'model.ckpt-30: is no readable checkpoint' in warnings[1]
    for path in (tmp_path / 'ckpt_npu').glob('*.index'):
        path.write_bytes(b'')
    with pytest.raises(UserError, match='model.ckpt-40: is no readable checkpoint .*; no older one is whole'):
        checkpoint.find_whole(str(tmp_path))


def test_a_checkpoint_without_counters_cannot_be_resumed_from(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('other', [3])
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / 'x'))
    with pytest.raises(UserError, match='x: holds no steps_run'):
        checkpoint.read_position(path)


def test_a_path_without_a_checkpoint_is_named(tmp_path):
    with pytest.raises(UserError, match='nowhere: is no readable checkpoint'):
        checkpoint.read(str(tmp_path / 'nowhere'))
    (tmp_path / 'x.index').write_bytes(b'')
    (tmp_path / 'x.data-00000-of-00001').write_bytes(b'')
    with pytest.raises(UserError, match='x: is no readable checkpoint'):
        checkpoint.read_position(str(tmp_path / 'x'))


def test_truncated_data_is_named(tmp_path):
    path, _ = save(tmp_path, [10])
    with open(path + '.data-00000-of-00001', 'r+b') as stream:
        stream.truncate(1000)
    for function in (checkpoint.verify, checkpoint.read_position):
        with pytest.raises(UserError, match='model.ckpt-10: is no readable checkpoint'):
            function(path)


def names_in(directory, pattern='*'):
    return sorted(path.name for path in (directory / 'ckpt_npu').glob(pattern))


def test_a_save_killed_at_any_change_leaves_whole_checkpoints_alone(tmp_path):
    """One is kept. The changes: renames of data and index, TensorFlow's list, removals of the older and the scratch."""
    program = ('import os, sys\nimport numpy as np\nimport tensorflow.compat.v1 as tf\n'
               'from lenet.run import checkpoint\nfrom lenet.run.network_record import NetworkRecord\n'
               'from tests import kills\n'
               'directory, call = sys.argv[1], int(sys.argv[2])\n'
               'with tf.Graph().as_default(), tf.Session() as session:\n'
               '    counter = tf.get_variable("steps_run", initializer=np.int64(10), trainable=False)\n'
               '    tf.get_variable("global_step", initializer=np.int64(7), trainable=False)\n'
               '    session.run(tf.global_variables_initializer())\n'
               '    checkpoints = checkpoint.Checkpoints(directory, 1, NetworkRecord("sigmoid", 10))\n'
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
        checkpoints = checkpoint.Checkpoints(str(tmp_path), 5, RECORD)
        session.run(tf.global_variables_initializer())
        first = checkpoints.save(session, 10)
        os.rename(str(tmp_path / 'ckpt_npu'), str(tmp_path / 'aside'))
        (tmp_path / 'ckpt_npu').write_text('a file in the way')
        with pytest.raises(UserError, match='model.ckpt-20: the checkpoint cannot be written'):
            checkpoints.save(session, 20)
        assert tf.train.checkpoint_exists(first.replace('ckpt_npu', 'aside'))


def crc(content):
    """The checksum of TensorFlow's tables: a CRC32C, rotated, and a constant added."""
    value = 0xffffffff
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x82f63b78 * (value & 1)
    value ^= 0xffffffff
    return struct.pack('<I', ((value >> 15 | value << 17) + 0xa282ead8) & 0xffffffff)


@pytest.mark.parametrize('dtype', [99, 101], ids=['unknown', 'reference'])
def test_a_type_that_would_abort_tensorflow_is_refused(tmp_path, dtype):
    prefix = written.write(tmp_path)
    with open(prefix + '.index', 'rb') as stream:
        index = stream.read()
    entry = b'\x08\x01\x12\x04\x12\x02\x08\x0a'  # fc_3/bias: float32 [10]
    assert index.count(entry) == 1
    changed = index.replace(entry, bytes([8, dtype]) + entry[2:])
    end = next(place for place in range(len(index) - 4) if crc(index[:place]) == index[place:place + 4])
    with open(prefix + '.index', 'wb') as stream:
        stream.write(changed[:end] + crc(changed[:end]) + changed[end + 4:])
    assert 'is no readable checkpoint' in error_of(checkpoint.read, prefix)
