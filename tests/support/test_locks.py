"""Locks: one process at a time, the others told so or waiting."""

import fcntl
import os
import select
import subprocess
import sys

import pytest

from lenet.errors import UserError
from lenet.support import locks
from tests import processes


def hold(path, waits=False):
    return locks.held(str(path), 'x is taken', '--place=x', 'choose another', waits)


def test_it_makes_the_directory_and_lets_go_at_the_end_of_the_block(tmp_path):
    path = tmp_path / 'a' / '.lock'
    for _ in range(2):
        with hold(path):
            with pytest.raises(UserError, match='^x is taken$'):
                with hold(path):
                    pass
    with pytest.raises(KeyError), hold(path):
        raise KeyError
    with path.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


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
    def refuse(*unused_args):
        raise OSError(38, 'Function not implemented')
    monkeypatch.setattr(fcntl, 'flock', refuse)
    with pytest.raises(UserError, match='--place=x: cannot be locked .Function not implemented.; choose another'):
        with hold(tmp_path / '.lock'):
            pass


def test_what_the_lock_file_holds_is_left_alone(tmp_path):
    (tmp_path / '.lock').write_text('notes')
    with hold(tmp_path / '.lock'):
        pass
    assert (tmp_path / '.lock').read_text() == 'notes'


@pytest.mark.parametrize('kind, reason', [('link', 'symbolic link'), ('dangling', 'symbolic link'),
                                          ('pipe', 'no regular file')])
def test_no_other_file_is_locked_or_made(tmp_path, kind, reason):
    path, target = tmp_path / '.lock', tmp_path / 'target'
    if kind == 'pipe':
        os.mkfifo(str(path))
    else:
        path.symlink_to(target)
    if kind == 'link':
        target.write_text('notes')
    with pytest.raises(UserError, match='^--place=x: cannot be written .*%s.; choose another$' % reason), hold(path):
        pass
    assert target.read_text() == 'notes' if kind == 'link' else not target.exists()
