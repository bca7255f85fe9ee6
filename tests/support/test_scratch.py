import fcntl
import os
import re
import subprocess
import sys

import pytest

from lenet.support import files
from lenet.support import scratch
from tests import kills
from tests import processes

LEFT = r'\.%s\.[a-z0-9_]{8}\.lenet-tmp'


def write(path, content):
    with files.replacing(str(path)) as stream:
        stream.write(content)


def fill(path, content):
    with files.replacing_directory(str(path)) as directory:
        for name in ('one', 'two'):
            with open(os.path.join(directory, name), 'w') as stream:
                stream.write(content)


def contents(path):
    return [(path / name).read_text() for name in sorted(os.listdir(str(path)))]


def test_a_file_killed_at_any_change_is_the_old_or_the_new_and_the_next_clears_up(tmp_path):
    path = tmp_path / 'a [b]'
    write(path, 'old')
    for _ in kills.at_every_change(lambda: write(path, 'new')):
        left = set(os.listdir(str(tmp_path))) - {path.name}
        assert (path.read_text(), len(left)) in (('old', 1), ('new', 0))
        assert all(re.fullmatch(LEFT % r'a \[b\]', name) for name in left)
        write(path, 'old')
        assert os.listdir(str(tmp_path)) == [path.name]


@pytest.mark.parametrize('at_once', [True, False], ids=['one call', 'two renames'])
def test_a_directory_killed_at_any_change_is_whole_and_the_next_clears_up(tmp_path, monkeypatch, at_once):
    if not at_once:
        monkeypatch.setattr(scratch, '_is_exchanged', lambda *unused: False)
    path = tmp_path / 'bins'
    fill(path, 'old')
    places, missing = [(os, kills.CHANGES), (scratch, ['_is_exchanged'])], 0
    for _ in kills.at_every_change(lambda: fill(path, 'new'), places):
        missing += not path.exists()
        files.recover(str(path))
        assert contents(path) in (['old'] * 2, ['new'] * 2) and os.listdir(str(tmp_path)) == ['bins']
        fill(path, 'old')
    assert missing == (0 if at_once else 1)
    if at_once and not scratch._is_exchanged(str(tmp_path), str(tmp_path)):
        pytest.skip('this system cannot exchange names at once')


STOPPED = '''
import contextlib, os, signal, sys
from lenet.support import files, signals

def replace_file(path, content):
    with files.replacing(path) as stream:
        stream.write(content)

def replace_directory(path, content):
    with files.replacing_directory(path) as directory, open(os.path.join(directory, content), 'w'):
        pass

def is_stopped(number, call):
    # Makes the call, with a SIGINT just before its opcode of that number; False if it has fewer.
    left = [number]
    def trace(frame, event, unused_argument):
        name = frame.f_code.co_filename
        if name != contextlib.__file__ and os.path.dirname(name) != os.path.dirname(files.__file__):
            return None
        frame.f_trace_opcodes = True
        left[0] -= event == 'opcode'
        if left[0] == 0 and event == 'opcode':
            os.kill(os.getpid(), signal.SIGINT)
        return trace
    sys.settrace(trace)
    try:
        call()
    except signals.Interrupted:
        pass
    finally:
        sys.settrace(None)
    return left[0] <= 0

signals.raise_on_signals()
folder = os.getcwd()
for name, replace in (('file', replace_file), ('directory', replace_directory)):
    replace(name, 'old')
    expected = sorted(os.listdir(folder))
    number = 1
    while is_stopped(number, lambda: replace(name, 'new')):
        assert sorted(os.listdir(folder)) == expected, (number, os.listdir(folder))
        number += 1
    print(name, number)
'''


def test_a_signal_at_any_moment_leaves_nothing(tmp_path):
    process = processes.start([sys.executable, '-c', STOPPED], cwd=str(tmp_path),
                              env=dict(os.environ, PYTHONPATH=processes.ROOT))
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert re.fullmatch(r'file [1-9]\d{2,}\ndirectory [1-9]\d{2,}\n', output)  # so many moments


def test_two_at_once_leave_each_others_alone(tmp_path):
    program = ('import sys\nfrom lenet.support import files\n'
               'with files.replacing(sys.argv[1]) as stream, files.scratch_beside(sys.argv[1]) as directory:\n'
               '    open(directory + "/x", "w").close()\n    print(flush=True)\n    sys.stdin.read()\n'
               '    open(directory + "/x").close()\n    stream.write("theirs")')
    path = tmp_path / 'x'
    other = subprocess.Popen([sys.executable, '-c', program, str(path)], cwd=processes.ROOT, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    other.stdout.readline()
    write(path, 'ours')
    with files.scratch_beside(str(path)):
        assert len(os.listdir(str(tmp_path))) == 4 and path.read_text() == 'ours'
    other.communicate()
    assert other.returncode == 0 and path.read_text() == 'theirs' and os.listdir(str(tmp_path)) == ['x']


@pytest.mark.parametrize('name', ['.x.tmp', '.notes.tmp', '.x.abcdefgh.tmp', 'x.abcdefgh.lenet-tmp', '.x.y.lenet-tmp',
                                  '.other.abcdefgh.lenet-tmp', '.x.x.abcdefgh.lenet-tmp'])
def test_what_has_another_name_stays(tmp_path, name):
    (tmp_path / name).write_text('mine')
    write(tmp_path / 'x', 'new')
    assert (tmp_path / name).read_text() == 'mine'


def test_links_and_what_cannot_be_locked_stay(tmp_path, monkeypatch):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'notes').write_text('')
    link, dead = tmp_path / '.x.abcdefgh.lenet-tmp', tmp_path / '.x.bbbbbbbb.lenet-tmp'
    link.symlink_to(tmp_path / 'mine')
    dead.mkdir()
    with monkeypatch.context() as patch:
        def refuse(*unused):
            raise OSError(95, 'Operation not supported')
        patch.setattr(fcntl, 'flock', refuse)
        write(tmp_path / 'x', 'written all the same')
        assert dead.exists()
    scratch.remove_dead(str(tmp_path))
    assert link.is_symlink() and (tmp_path / 'mine' / 'notes').exists() and not dead.exists()


def test_what_another_process_takes_for_dead_at_its_birth_is_made_again(tmp_path, monkeypatch):
    flock, born = fcntl.flock, []

    def late(handle, kind):
        if len(born) < 2:
            born.append(os.listdir(str(tmp_path))[0])
            remove = os.rmdir if os.path.isdir(str(tmp_path / born[-1])) else os.unlink
            remove(str(tmp_path / born[-1]))
        flock(handle, kind)
    monkeypatch.setattr(fcntl, 'flock', late)
    write(tmp_path / 'x', 'new')
    assert len(born) == 2 and (tmp_path / 'x').read_text() == 'new'
    born.clear()
    with scratch.directory(str(tmp_path / 'y')) as directory:
        assert os.path.isdir(directory)
