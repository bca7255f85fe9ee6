import hashlib
import json
import os
import subprocess
import sys

import pytest

from lenet.export import sidecar
from tests import processes
from tests.data_files import error_of


def read(pb_path):
    with open(pb_path, 'rb') as stream:
        return sidecar.read(pb_path, stream.read())


def write_pair(directory, content):
    """A .pb and the sidecar that describes it; returns their paths."""
    os.makedirs(str(directory), exist_ok=True)
    paths = str(directory / 'a.pb'), str(directory / 'a.json')
    with open(paths[0], 'wb') as stream:
        stream.write(content)
    with open(paths[1], 'w') as stream:
        json.dump({'sha256': hashlib.sha256(content).hexdigest(), 'name': content.decode()}, stream)
    return paths


@pytest.mark.parametrize('pb_path, expected', [('x/lenet.pb', 'x/lenet.json'), ('a.pb/b', 'a.pb/b.json'),
                                               ('frozen.pb.old', 'frozen.pb.old.json')])
def test_its_name(pb_path, expected):
    assert sidecar.path_of(pb_path) == expected


@pytest.mark.parametrize('call', range(4))
def test_a_crash_between_any_two_steps_leaves_no_contradiction(tmp_path, call, capsys):
    """The process is killed before its `call`-th change of a name."""
    old, new = write_pair(tmp_path, b'old'), write_pair(tmp_path / 'staged', b'new')
    program = ('import os, sys\n'
               'from lenet.export import sidecar\n'
               'left = [int(sys.argv[1])]\n'
               'def dying(function):\n'
               '    def call(*arguments):\n'
               '        if not left[0]: os._exit(9)\n'
               '        left[0] -= 1\n'
               '        return function(*arguments)\n'
               '    return call\n'
               'for name in ("unlink", "replace", "rename"): setattr(os, name, dying(getattr(os, name)))\n'
               'sidecar.publish([sidecar.Staged(*sys.argv[2:4], sidecar._load(sys.argv[4]))])\n')
    status = subprocess.call([sys.executable, '-c', program, str(call), new[0], old[0], new[1]], cwd=processes.ROOT)
    assert status == (9 if call < 3 else 0)
    with open(old[0], 'rb') as stream:
        content = stream.read()
    assert content == (b'old' if call < 2 else b'new')
    assert read(old[0])['name'] == content.decode() and capsys.readouterr().err == ''


def test_a_file_that_is_not_the_described_one_is_named(tmp_path):
    pb, described = write_pair(tmp_path, b'right')
    assert read(pb)['name'] == 'right'
    with open(pb, 'wb') as stream:
        stream.write(b'wrong')
    message = error_of(read, pb)
    assert message.startswith('%s: is damaged, or not the file that %s describes' % (pb, described))


@pytest.mark.parametrize('content', [b'', b'[]', b'{"x": 1}', b'{"sha256": 7}', b'\xff\xfe', b'[' * 100000])
def test_a_damaged_sidecar_is_an_error(tmp_path, content):
    pb, described = write_pair(tmp_path, b'x')
    (tmp_path / 'a.json').write_bytes(content)
    assert error_of(read, pb).startswith(described + ': ')


def test_a_graph_without_a_sidecar_is_told(tmp_path, capsys):
    pb, described = write_pair(tmp_path, b'x')
    os.unlink(described)
    assert read(pb) == {}
    sidecar.warn_of_none(pb)
    assert capsys.readouterr().err == ('warning: %s: has no a.json beside it, so nothing tells whether it is whole\n' %
                                       pb)
