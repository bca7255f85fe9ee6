import os
import struct

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.run import checkpoint
from tests import checkpoints as written
from tests.data_files import error_of
from tests.run.test_saving import save


def test_the_newest_is_found_and_knows_its_steps_also_after_the_directory_moved(tmp_path):
    save(tmp_path / 'run', [100, 200])
    os.rename(str(tmp_path / 'run'), str(tmp_path / 'moved here'))
    path = checkpoint.find_all(str(tmp_path / 'moved here'))[-1]
    assert path.endswith('model.ckpt-200') and checkpoint.read_position(path) == (200, 7)


def test_checkpoints_are_listed_by_number_whatever_tensorflows_own_list_says(tmp_path):
    assert checkpoint.find_all(str(tmp_path)) == []
    save(tmp_path / 'b [1]', [90, 100])
    for content in (b'', b'\xff\x00'):
        (tmp_path / 'b [1]' / 'ckpt_npu' / 'checkpoint').write_bytes(content)
        assert [path[-3:] for path in checkpoint.find_all(str(tmp_path / 'b [1]'))] == ['-90', '100']


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
