import contextlib
import math
import os

import pytest

from lenet.errors import UserError
from lenet.support import files
from lenet.support import scratch


def test_a_file_appears_whole_with_the_usual_mode(tmp_path):
    path = tmp_path / 'a b.json'
    with files.replacing(str(path)) as stream:
        stream.write('é')
        assert not path.exists()
    assert path.read_text(encoding='utf-8') == 'é'
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    assert os.listdir(str(tmp_path)) == ['a b.json']


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_former_file_and_nothing_else(tmp_path, error):
    path = tmp_path / 'x'
    path.write_bytes(b'good')
    with pytest.raises(error):
        with files.replacing(str(path), 'wb') as stream:
            stream.write(b'half')
            raise error()
    assert path.read_bytes() == b'good' and os.listdir(str(tmp_path)) == ['x']


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path):
    (tmp_path / 'good').write_bytes(b'1234')
    (tmp_path / 'sparse').write_bytes(b'')
    os.truncate(str(tmp_path / 'sparse'), 40 * 2**30)
    os.mkfifo(str(tmp_path / 'pipe'))
    assert files.read(str(tmp_path / 'good'), 4) == b'1234'
    for name, words in (('good', 'good: has 4 bytes, more than the 3 that it can have; get it again'),
                        ('sparse', 'sparse: has 42949672960 bytes'), ('pipe', 'pipe: is no regular file; get it again'),
                        ('.', 'cannot be read .Is a directory.; get'), ('none', 'none: cannot be read .No such file'),
                        ('good\0', 'cannot be read .embedded null byte')):
        with pytest.raises(UserError, match=words):
            files.read(str(tmp_path / name), 3, 'get it again')
    for device, words in (('/dev/zero', 'no regular file'), ('/proc/self/maps', 'more than the 9 bytes')):
        with pytest.raises(UserError, match=words):
            files.read(device, 9)


def test_json_is_strict_and_appears_whole(tmp_path):
    path = tmp_path / 'x.json'
    files.write_json(str(path), {'a': [1, (math.nan, True)], 'é': {'b': -math.inf, 'c': 'NaN'}})
    assert path.read_text().endswith('}\n') and os.listdir(str(tmp_path)) == ['x.json']
    assert files.read_json(str(path), 999) == {'a': [1, [None, True]], 'é': {'b': None, 'c': 'NaN'}}
    with pytest.raises(TypeError):
        files.write_json(str(path), {'a': object()})
    assert files.read_json(str(path), 999)['a'] == [1, [None, True]]


def test_an_unwritable_place_is_named(tmp_path):
    with pytest.raises(UserError, match='nowhere/x: cannot be written'):
        with files.replacing(str(tmp_path / 'nowhere' / 'x')):
            pass
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='file/directory: cannot make this directory'):
        files.make_directory(str(tmp_path / 'file' / 'directory'))


def test_a_full_disk_is_named_and_leaves_the_former_file(tmp_path):
    if not os.path.exists('/dev/full'):
        pytest.skip('no /dev/full on this system')
    path = tmp_path / 'x'
    path.write_text('good')
    with pytest.raises(UserError, match='x: cannot be written .No space left'):
        with files.replacing(str(path)):
            with open('/dev/full', 'w') as full:
                full.write('x' * 10)
                full.flush()
    assert path.read_text() == 'good' and os.listdir(str(tmp_path)) == ['x']


def fill(directory, names):
    for name in names:
        with open(os.path.join(directory, name), 'w') as stream:
            stream.write('some')


@pytest.mark.parametrize('former', [None, [], ['old', 'older']])
def test_a_directory_appears_whole_in_place_of_the_former(tmp_path, former):
    path = tmp_path / 'a b'
    if former is not None:
        path.mkdir()
        fill(str(path), former)
    with files.replacing_directory(str(path)) as directory:
        fill(directory, ['new'])
        assert (sorted(os.listdir(str(path))) if path.exists() else None) == former
    assert os.listdir(str(path)) == ['new'] and os.listdir(str(tmp_path)) == ['a b']
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o777 & ~mask


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_former_directory_and_nothing_else(tmp_path, error):
    path = tmp_path / 'x'
    path.mkdir()
    fill(str(path), ['good'])
    with pytest.raises(error):
        with files.replacing_directory(str(path)) as directory:
            fill(directory, ['half'])
            raise error()
    assert os.listdir(str(path)) == ['good'] and os.listdir(str(tmp_path)) == ['x']


def test_a_directory_that_cannot_be_renamed_leaves_the_former_one(tmp_path, monkeypatch):
    path = tmp_path / 'x'
    path.mkdir()
    fill(str(path), ['good'])
    rename = os.rename
    monkeypatch.setattr(scratch, '_is_exchanged', lambda *unused: False)

    def fail_on_the_second(source, target, calls=[]):
        calls.append(source)
        if len(calls) == 2:
            raise OSError(5, 'Input/output error')
        rename(source, target)
    monkeypatch.setattr(os, 'rename', fail_on_the_second)
    with pytest.raises(UserError, match='x: cannot be written .Input/output error'):
        with files.replacing_directory(str(path)) as directory:
            fill(directory, ['new'])
    assert os.listdir(str(path)) == ['good'] and os.listdir(str(tmp_path)) == ['x']


def test_a_link_to_a_directory_stays_one(tmp_path):
    (tmp_path / 'far').mkdir()
    (tmp_path / 'link').symlink_to(tmp_path / 'far')
    with files.replacing_directory(str(tmp_path / 'link')) as directory:
        fill(directory, ['new'])
    assert (tmp_path / 'link').is_symlink() and os.listdir(str(tmp_path / 'far')) == ['new']


@pytest.mark.parametrize('path, message', [
    ('/dev/null', '/dev/null: cannot be written, it is no regular file; name one'),
    ('{0}', '{0}: cannot be written, it is a directory; name a file'),
    ('{0}/x/', '{0}/x/: cannot be written, there is no directory {0}/x; make it, or choose another place')])
def test_a_name_that_no_file_can_have_is_refused_before_anything_is_written(tmp_path, path, message):
    with pytest.raises(UserError) as raised:
        with files.replacing(path.format(tmp_path)):
            pytest.fail('nothing should be written')
    assert str(raised.value) == message.format(tmp_path)


@pytest.mark.parametrize('error', [None, RuntimeError, KeyboardInterrupt])
def test_a_scratch_directory_lies_beside_its_target_and_goes(tmp_path, error):
    with pytest.raises(error) if error else contextlib.suppress():
        with files.scratch_beside(str(tmp_path / 'x')) as scratch:
            assert os.path.dirname(scratch) == str(tmp_path)
            open(os.path.join(scratch, 'file'), 'w').close()
            if error:
                raise error()
    assert os.listdir(str(tmp_path)) == []
