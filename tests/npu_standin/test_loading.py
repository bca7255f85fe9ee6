"""The installation: loaded, unloaded, incomplete, and left without closing the session."""

import sys

import tensorflow.compat.v1 as tf

from tests import npu_standin
from tests.npu_standin.programs import run_python


def test_unloading_gives_tensorflow_back():
    before = tf.Session.run, tf.Session.close
    with npu_standin.loaded('v21'):
        assert (tf.Session.run, tf.Session.close) != before
    assert (tf.Session.run, tf.Session.close) == before
    assert not [name for name in sys.modules if name.split('.')[0] in ('npu_bridge', 'standin', 'hccl')]


_OPEN = '''
import npu_bridge, tensorflow.compat.v1 as tf
from tests.npu_standin.programs import config
session = tf.Session(config=config())
'''


def test_an_open_session_fails_the_process_and_a_closed_one_does_not(tmp_path):
    ended = run_python(_OPEN, 'v23')
    assert (ended.returncode, 'exit-open-session' in ended.stderr) == (npu_standin.EXIT_STATUS, True)
    ended = run_python(_OPEN + 'session.close()', 'v23', journal=str(tmp_path / 'journal'))
    assert ended.returncode == 0, ended.stderr
    assert [entry['event'] for entry in npu_standin.read_journal(str(tmp_path / 'journal'))] == [
        'load', 'session', 'session_closed', 'npu_close', 'exit']


def test_missing_pieces_of_the_installation():
    ended = run_python('import npu_bridge', 'v23', fault='no_hccl')
    assert ended.returncode == 1 and "No module named 'hccl'" in ended.stderr
    ended = run_python('import npu_bridge; print("imported"); from npu_bridge.estimator.npu import util', 'v21',
                       fault='no_handle')
    assert ended.stdout.splitlines()[-1] == 'imported'
    assert ended.returncode == 1 and "cannot import name 'npu_bridge_handle'" in ended.stderr
