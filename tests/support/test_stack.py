import os
import subprocess
import sys

import pytest
import tensorflow.compat.v1 as tf

from lenet.support import stack
from tests import processes

PROGRAM = """
import os, warnings
from lenet import flags, platforms
from lenet.support import stack
with stack.importing():
    import tensorflow.compat.v1 as tf
platforms.choose(flags.make_params()).start()
tf.Session().close()
tf.add_check_numerics_ops
tf.data.make_one_shot_iterator(tf.data.Dataset.range(3)).output_types
tf.summary.FileWriter(os.environ['SUMMARIES']).close()
assert not tf.executing_eagerly()
tf.logging.warning('a real warning')
warnings.warn('another real warning')
os.write(2, b'one of C++\\n')
"""


def stderr_of(program, tmp_path):
    ended = subprocess.run([sys.executable, '-c', program], stderr=subprocess.PIPE, universal_newlines=True,
                           cwd=processes.ROOT, env=dict(os.environ, SUMMARIES=str(tmp_path)))
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def test_tensorflow_is_quiet_about_itself_and_loud_about_the_rest(tmp_path):
    stderr = stderr_of(PROGRAM, tmp_path)
    for words in ('WARNING:tensorflow:a real warning', 'another real warning', 'one of C++'):
        assert words in stderr
    assert len([line for line in stderr.splitlines() if not line.startswith('  ')]) == 3, stderr


@pytest.mark.skipif(not stack.IS_FIRST, reason='TensorFlow 2 does not import distutils')
def test_tensorflow_does_not_bring_setuptools_along(tmp_path):
    before = "import sys\nassert '_distutils_hack' in sys.modules, 'nothing would bring it'"
    stderr_of(before + PROGRAM + "assert 'setuptools' not in sys.modules\n", tmp_path)


def test_the_interpreter_tells_the_stack():
    assert stack.versions()['tensorflow'] == tf.__version__
    assert tf.__version__.startswith('1.15.' if stack.IS_FIRST else '2.')
    python = sys.version_info[:2]
    assert python == stack.FIRST_PYTHON if stack.IS_FIRST else python in stack.SECOND_PYTHONS
    assert os.path.isfile(os.path.join(processes.ROOT, stack.REQUIREMENTS))


def test_too_little_memory_for_tensorflow_is_told_before_it_aborts():
    ended = subprocess.run(['bash', '-c', 'ulimit -v 2000000; exec "$0" -m lenet.evaluate', sys.executable],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, cwd=processes.ROOT)
    assert ended.returncode == 1 and ended.stderr == (
        'error: this process may have 2000000 KiB of memory (ulimit -v), TensorFlow takes 2900000 and more; allow it\n')
