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
        json.dump({'file': 'a.pb', 'sha256': hashlib.sha256(content).hexdigest(), 'name': content.decode()}, stream)
    return paths


@pytest.mark.parametrize('pb_path, expected', [('x/lenet.pb', 'x/lenet.json'), ('a.pb/b', 'a.pb/b.json'),
                                               ('frozen.pb.old', 'frozen.pb.old.json'), ('x.tflite', 'x.json'),
                                               ('x/y.onnx', 'x/y.json'), ('x', 'x.json')])
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


def staged(folder, **contents):
    """Files in folder/new that wait for their names in folder, by their stems and suffixes: a_pb is a.pb."""
    os.makedirs(str(folder / 'new'), exist_ok=True)
    result = []
    for name, content in contents.items():
        name = '.'.join(name.rsplit('_', 1))
        (folder / 'new' / name).write_bytes(content)
        description = {'file': name, 'sha256': hashlib.sha256(content).hexdigest(), 'says': content.decode()}
        result.append(sidecar.Staged(str(folder / 'new' / name), str(folder / name), description))
    return result


def test_files_of_one_stem_share_their_description_and_each_lists_all(tmp_path):
    written = sidecar.publish(staged(tmp_path, a_pb=b'1', a_tflite=b'2', b_tflite=b'3', a_onnx=b'4'))
    assert written == [str(tmp_path / 'a.json'), str(tmp_path / 'b.json')]
    assert sorted(os.listdir(str(tmp_path))) == ['a.json', 'a.onnx', 'a.pb', 'a.tflite', 'b.json', 'b.tflite', 'new']
    assert os.listdir(str(tmp_path / 'new')) == []
    for path, says in (('a.json', '1'), ('b.json', '3')):
        contents = json.loads((tmp_path / path).read_text())
        assert contents['says'] == says and 'former' not in contents
        assert [entry['says'] for entry in contents['files']] == ['1', '2', '3', '4']
    for name, says in (('a.pb', '1'), ('a.tflite', '2'), ('b.tflite', '3'), ('a.onnx', '4')):
        assert read(str(tmp_path / name))['says'] == says


def test_files_that_stay_beside_are_still_described(tmp_path):
    sidecar.publish(staged(tmp_path, a_pb=b'1', a_tflite=b'2', a_onnx=b'3'))
    os.unlink(str(tmp_path / 'a.onnx'))
    sidecar.publish(staged(tmp_path, a_pb=b'4'))
    assert read(str(tmp_path / 'a.pb'))['says'] == '4' and read(str(tmp_path / 'a.tflite'))['says'] == '2'
    assert [entry['file'] for entry in json.loads((tmp_path / 'a.json').read_text())['files']] == ['a.pb', 'a.tflite']


def test_the_expected_digest_is_the_file_s_own(tmp_path):
    first, second = staged(tmp_path, a_pb=b'1', a_tflite=b'2')
    sidecar.publish([first, second])
    (tmp_path / 'a.tflite').write_bytes(b'x')
    assert error_of(read, str(tmp_path / 'a.tflite')).endswith(
        'expected %.12s); freeze again' % second.description['sha256'])


@pytest.mark.parametrize('call', range(7))
def test_a_crash_within_a_transaction_of_two_files_leaves_each_described(tmp_path, call):
    """Renames: two descriptions, two files, two descriptions."""
    sidecar.publish(staged(tmp_path, a_pb=b'1', b_tflite=b'2'))
    new, left = staged(tmp_path, a_pb=b'3', b_tflite=b'4'), [call]

    class Killed(BaseException):
        pass

    def dying(*arguments, rename=os.replace):
        if not left[0]:
            raise Killed
        left[0] -= 1
        rename(*arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, 'replace', dying)
        if call < 6:
            with pytest.raises(Killed):
                sidecar.publish(new)
        else:
            sidecar.publish(new)
    assert [read(str(tmp_path / name))['says'] for name in ('a.pb', 'b.tflite')] == [
        '1' if call < 3 else '3', '2' if call < 4 else '4']
