"""Paths of users: one meaning everywhere."""

import os
import sys

import pytest

from lenet.errors import UsageError
from lenet.support import paths


@pytest.mark.parametrize('given, meant', [
    ('~', '/h'), ('~/run', '/h/run'), ('a/~', 'a/~'), ('./~/x', './~/x'), ('~root', os.path.expanduser('~root')),
    ('a b', 'a b'), ('\u6570', '\u6570')],
    ids=['home', 'in home', 'inside', 'escaped', 'user', 'space', 'not ASCII'])
def test_a_home_directory_is_written_out(given, meant, monkeypatch):
    monkeypatch.setenv('HOME', '/h')
    assert paths.interpret(given, '--x') == meant


@pytest.mark.parametrize('given, words', [
    ('', '--x= is empty: a path is needed'), ('a\0b', r'--x=a\x00b: a path has no NUL'),
    ('~no_such_user/x', '--x=~no_such_user/x: there is no home directory of that name; write ./~no_such_user/x'),
    (os.fsdecode(b'\xca\xfd'), r'--x=\xca\xfd: is no name in UTF-8')],
    ids=['empty', 'NUL', 'nobody', 'no text'])
def test_what_is_no_path_is_refused(given, words):
    with pytest.raises(UsageError) as raised:
        paths.interpret(given, '--x')
    assert str(raised.value).startswith(words)


@pytest.mark.parametrize('encoding, accepted', [('utf-8', True), ('UTF8', True), ('gbk', False), ('ascii', False)])
def test_names_that_tensorflow_would_take_for_others_are_refused(encoding, accepted, monkeypatch):
    monkeypatch.setattr(sys, 'getfilesystemencoding', lambda: encoding)
    paths.require_locale('ascii', '--x')
    if accepted:
        paths.require_locale('\u6570', '--x')
    else:
        with pytest.raises(UsageError, match='^--x=\u6570: .* %s; .*UTF-8 locale' % encoding):
            paths.require_locale('\u6570', '--x')


def test_variables_are_paths_too(monkeypatch):
    monkeypatch.setenv('HOME', '/h')
    monkeypatch.setenv('LENET_DATA', '~/MNIST')
    monkeypatch.setenv('RANK_TABLE_FILE', '')
    paths.interpret_variables()
    assert (os.environ['LENET_DATA'], os.environ['RANK_TABLE_FILE']) == ('/h/MNIST', '')
    monkeypatch.setenv('LENET_DATA', '~no_such_user/MNIST')
    with pytest.raises(UsageError, match='^LENET_DATA=~no_such_user/MNIST: '):
        paths.interpret_variables()
