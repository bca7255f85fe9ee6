"""Locks: one process at a time, the others told so or waiting."""

import os
import select
import subprocess
import sys

import filelock
import pytest

from lenet.errors import UserError
from lenet.support import locks
from tests import processes


def hold(path, waits=False):
    return locks.held(str(path), 'x is taken', '--place=x', 'choose another', waits)


def test_it_makes_the_directory_and_lets_go_at_the_end_of_the_block(tmp_path, monkeypatch):
    monkeypatch.setattr(filelock.FileLock, '__del__', lambda lock: None, raising=False)  # not left to the collector
    path = tmp_path / 'a' / '.lock'
    for _ in range(2):
        with hold(path):
            with pytest.raises(UserError, match='^x is taken$'):
                with hold(path):
                    pass
    with pytest.raises(KeyError), hold(path):
        raise KeyError
    filelock.FileLock(str(path)).acquire(timeout=0)


def test_who_waits_says_so_and_goes_on_when_the_other_process_ends(tmp_path):
    code = '''import sys; from lenet.support import locks
with locks.held(sys.argv[1], 'busy', '', '', waits=True): print('mine', flush=True); sys.stdin.read()'''
    first, second = [subprocess.Popen([sys.executable, '-c', code, str(tmp_path / '.lock')], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=processes.ROOT)
                     for _ in range(2)]
    if select.select([first.stdout, second.stdout], [], [], 30)[0] == [second.stdout]:
        first, second = second, first
    assert first.stdout.readline() == b'mine\n' and second.stderr.readline() == b'busy\n' and second.poll() is None
    first.kill()
    assert first.communicate()[1] == b'' and second.communicate(timeout=30) == (b'mine\n', b'')


@pytest.mark.parametrize('waits', [False, True], ids=['at once', 'waiting'])
def test_what_cannot_be_locked_is_named(tmp_path, waits):
    os.mkdir(str(tmp_path / '.lock'))
    for path, reason in ((tmp_path / '.lock', 'Is a directory'), (tmp_path / 'file' / '.lock', 'File exists')):
        (tmp_path / 'file').write_text('')
        with pytest.raises(UserError) as raised, hold(path, waits):
            pass
        assert str(raised.value) == '--place=x: cannot be written (%s); choose another' % reason


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(*unused_args, **unused_kwargs):
        raise NotImplementedError('no flock')
    monkeypatch.setattr(filelock.FileLock, 'acquire', refuse)
    with pytest.raises(UserError, match='cannot be written .no flock.; choose another'), hold(tmp_path / '.lock'):
        pass
