import json
import os
import sys

import pytest

from bench import whole
from lenet.support import modules
from tests import processes


def test_a_run_is_timed_from_start_to_end():
    ended = processes.run_module('bench.whole', '--data_path=synthetic', '--steps=40', '--epochs=1', '--batch_size=16',
                                 '--iterations_per_loop=20', '--warmup=20')
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report['steps'] == 40 and report['warmup_steps'] == 0 and 0 <= report['accuracy'] <= 1
    assert report['images_per_second'] == pytest.approx(40 * 16 / report['seconds'])
    assert report['seconds'] > 1, 'TensorFlow alone takes longer to import'


def test_a_run_that_fails_is_quoted(monkeypatch):
    monkeypatch.setenv('PYTHON', sys.executable)
    with pytest.raises(SystemExit, match='run_1p.sh: error: .*--batch_size'):
        whole.launch(['--batch_size=0'])


def test_the_launcher_is_the_projects():
    assert whole.LAUNCHER == os.path.join(modules.ROOT, 'run_1p.sh') and os.access(whole.LAUNCHER, os.X_OK)
