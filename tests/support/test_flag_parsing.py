"""absl's parsing, with errors of one line."""

import json
import os
import re
import subprocess
import sys

import pytest
from absl import flags

from lenet.errors import UsageError
from lenet.support import flag_parsing
from tests import processes

LISTING = '''
import json, runpy, sys
from absl import flags
from lenet.support import entry
entry.run = lambda *unused, **also_unused: None
runpy.run_module(sys.argv[1], run_name="__main__")
print(json.dumps({name: (type(flags.FLAGS[name].parser).__name__, flags.FLAGS[name].help) for name in flags.FLAGS}))
'''


def values():
    known = flags.FlagValues()
    known.set_gnu_getopt(True)
    flags.DEFINE_integer('n', 7, 'A number.', 1, 13, flag_values=known)
    return known


def test_it_sets_flags_and_returns_the_rest():
    known = values()
    assert flag_parsing.parse(known, ['a', '--n=3', 'b']) == ['a', 'b'] and known.n == 3
    assert flag_parsing.parse(values(), ['a', '--m=3', '--n=5'], known_only=True) == ['a', '--m=3']


@pytest.mark.parametrize('argument, words', [('--m=3', 'm'), ('--n=14', 'n=14')], ids=['unknown', 'out of bounds'])
def test_errors_are_usage_errors_of_one_line(argument, words):
    with pytest.raises(UsageError) as raised:
        flag_parsing.parse(values(), [argument])
    assert words in str(raised.value) and '\n' not in str(raised.value)


@pytest.mark.parametrize('content', [
    b'--n=3', b'\xef\xbb\xbf--n=3\n', b'# a\r\n\r\n  --n=3 \r\n', b'// a\r--n=3\r',
    b'\xef\xbb\xbf# \xe6\x95\xb0\n--n=3'],
    ids=['one line', 'BOM', 'CRLF', 'CR', 'not ASCII'])
@pytest.mark.parametrize('form', ['--flagfile=%s', '-flagfile=%s', '--flagfile %s'], ids=['long', 'short', 'spaced'])
def test_flagfiles_of_any_editor_are_read(tmp_path, content, form):
    (tmp_path / 'x').write_bytes(content)
    known = values()
    assert flag_parsing.parse(known, ['a', *(form % (tmp_path / 'x')).split(' '), 'b']) == ['a', 'b'] and known.n == 3


def test_a_flagfile_stands_where_it_is_named_and_names_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'outer').write_text('--n=3\n--flagfile=inner\n')
    (tmp_path / 'inner').write_text('--n=5\n')
    for arguments, n in ((['--flagfile=outer'], 5), (['--flagfile=outer', '--n=2'], 2),
                         (['--n=2', '--flagfile=outer'], 5), (['--n=2', '--', '--flagfile=outer'], 2)):
        known = values()
        flag_parsing.parse(known, arguments)
        assert known.n == n


@pytest.mark.parametrize('name, words', [
    ('nowhere', 'No such file'), ('directory', 'Is a directory'), ('pipe', 'no regular file'),
    ('/dev/zero', 'no regular file'), ('binary', 'is no UTF-8'), ('nul', 'holds NUL'), ('circle', 'includes itself'),
    ('', 'is empty')], ids=['missing', 'directory', 'pipe', 'endless', 'binary', 'NUL', 'circle', 'empty'])
def test_what_is_no_flagfile_is_told_in_one_line(tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'directory').mkdir()
    os.mkfifo('pipe')
    for written, content in (('binary', b'\xff\xfe-\0'), ('nul', b'--n=3\0'), ('circle', b'--flagfile=circle')):
        (tmp_path / written).write_bytes(content)
    with pytest.raises(UsageError) as raised:
        flag_parsing.parse(values(), ['--flagfile=' + name])
    assert str(raised.value).startswith('--flagfile=' + name) and words in str(raised.value)


# Flags whose help speaks of a file or a directory, but that are none: of absl, or words.
NO_PATHS = {'flagfile', 'log_dir', 'mirrors', 'random_remove', 'profiling', 'over_dump', 'data_dump_flag',
            'use_cprofile_for_profiling', 'run_with_profiling', 'profile_file', 'sweep'}


@pytest.mark.parametrize('module', ['lenet.train', 'lenet.evaluate', 'lenet.freeze', 'lenet.infer', 'lenet.preprocess',
                                    'lenet.predict', 'lenet.data.fetch', 'bench.perf', 'bench.compare',
                                    'bench.final_variables'])
def test_every_flag_of_a_command_that_takes_a_path_is_of_that_kind(module):
    """In a process of its own, for the flags of a command are those of all that it imports."""
    listed = subprocess.run([sys.executable, '-c', LISTING, module], stdout=subprocess.PIPE, check=True,
                            cwd=processes.ROOT, universal_newlines=True).stdout
    kinds = json.loads(listed)
    told = {name for name, (kind, help) in kinds.items()
            if re.search(r'(?i)\b(file|directory|checkpoint|interpreter|frozen graph|\.npz)\b', help) and
            kind in ('Path', 'ArgumentParser')}
    paths = {name for name, (kind, _) in kinds.items() if kind == 'Path'}
    assert told - NO_PATHS <= paths and paths
