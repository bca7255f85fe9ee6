import os
import subprocess
import sys

from lenet.support import quiet
from tests import processes


def test_matching_lines_are_held_back_and_the_others_printed(capfd):
    with quiet.without_stderr_lines('noise'):
        os.write(2, b'some noise\nreal warning\n')
    os.write(2, b'noise after\n')
    assert capfd.readouterr().err == 'real warning\nnoise after\n'


def test_tensorflow_is_quiet_about_its_age_and_loud_about_the_rest():
    program = '''
import warnings
import lenet
import tensorflow.compat.v1 as tf
from lenet import flags, platforms
platforms.choose(flags.make_params()).start()
tf.Session().close()
tf.add_check_numerics_ops
from tensorflow.contrib import mixed_precision
tf.data.make_one_shot_iterator(tf.data.Dataset.range(3)).output_types
tf.logging.warning('a real warning')
warnings.warn('another real warning')
'''
    ended = subprocess.run([sys.executable, '-c', program], stderr=subprocess.PIPE, universal_newlines=True,
                           cwd=processes.ROOT)
    assert ended.returncode == 0, ended.stderr
    assert 'WARNING:tensorflow:a real warning' in ended.stderr and 'another real warning' in ended.stderr
    assert len(ended.stderr.splitlines()) == 2, ended.stderr
