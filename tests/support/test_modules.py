"""Programs of the project beside files of the user's that are called like modules."""

import os
import subprocess

import pytest

from lenet.support import modules
from tests import processes

NAMES = ('enum', 'signal', 'random', 'csv', 'json', 'logging', 'numpy', 'tensorflow', 'absl', 'tqdm')


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / (name + '.py')).write_text('raise SystemExit("a file of the working directory")')
    return tmp_path


@pytest.mark.parametrize('module', ['lenet.train', 'lenet.launch', 'lenet.data.fetch', 'bench.perf'])
def test_python_m_imports_nothing_of_the_working_directory(folder, module):
    ended = processes.run_module(module, '--no_such_flag', cwd=folder)
    assert (ended.returncode, ended.stdout) == (2, '') and len(ended.stderr.splitlines()) == 1, ended.stderr


@pytest.mark.parametrize('variables', [{}, {'PYTHONSAFEPATH': '1'}], ids=['plain', 'safe path'])
def test_neither_does_a_process_that_the_project_starts(folder, variables):
    (folder / 'runpy.py').write_text('raise SystemExit("a file of the working directory")')
    elsewhere = folder / 'packages'
    elsewhere.mkdir()
    (elsewhere / 'of_the_user.py').write_text('import sys; print(sys.argv[1:])')
    ended = subprocess.run(modules.command('of_the_user', ['a b', '']), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           universal_newlines=True, cwd=str(folder),
                           env=dict(os.environ, PYTHONPATH=str(elsewhere), **variables))
    assert (ended.stdout, ended.stderr) == ("['a b', '']\n", '')


def test_the_working_directory_of_a_library_s_user_stays_on_the_path(tmp_path):
    (tmp_path / 'mine.py').write_text('import lenet, sys, other')
    (tmp_path / 'other.py').write_text('print("found")')
    assert processes.run_module('mine', cwd=tmp_path).stdout == 'found\n'
