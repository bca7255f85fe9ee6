import json
import os

import numpy as np
import pytest

from lenet import platforms
from lenet.errors import UsageError
from lenet.export import opening
from lenet.export.inputs import flatten
from tests import data_files
from tests import exports
from tests import graphs
from tests.data_files import error_of

IMAGES = data_files.images(37, 2)[..., None]


@pytest.mark.parametrize('kind', exports.FORMATS)
def test_the_content_tells_the_format_whatever_the_name(tmp_path, kind):
    path = exports.write(tmp_path / 'digits.model', kind)
    opened = opening.read_file(path)
    with opened.network(platforms.inference_config('cpu')) as network:
        answers = network.answer(flatten(IMAGES), 37)
    assert opened.name == path and opened.dark_on_light is False
    np.testing.assert_allclose(answers.probabilities, graphs.probabilities(IMAGES), atol=0.3 if kind == 'int8' else
                               1e-5)


@pytest.mark.parametrize('kind', exports.FORMATS)
@pytest.mark.parametrize('damage', ['flipped', 'truncated', 'emptied', 'exchanged'])
def test_a_file_that_was_altered_is_told_before_its_format_looks_at_it(tmp_path, kind, damage):
    path = tmp_path / 'x.onnx'
    exports.write(path, kind)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    other = exports.content('pb' if kind == 'tflite' else 'tflite')
    path.write_bytes({'flipped': bytes(whole), 'truncated': bytes(whole[:-1]), 'emptied': b'', 'exchanged': other}[
        damage])
    assert error_of(opening.read_file, str(path)).startswith(
        '%s: is damaged, or not the file that %s/x.json describes (sha256 ' % (path, tmp_path))


@pytest.mark.parametrize('kind', exports.FORMATS)
def test_a_file_without_a_description_is_told_and_taken(tmp_path, kind, capsys):
    path = exports.write(tmp_path / 'x.tflite', kind)
    os.unlink(str(tmp_path / 'x.json'))
    opening.read_file(path)
    assert capsys.readouterr().err.startswith('warning: %s: has no x.json beside it' % path)


@pytest.mark.parametrize('kind', ['tflite', 'onnx'])
def test_what_is_not_tensorflow_s_runs_on_the_cpu_alone(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(platforms.npu_modules, 'is_installed', lambda: True)
    opened = opening.read_file(exports.write(tmp_path / 'x', kind))
    assert opened.place('auto') == opened.place('cpu') == 'cpu'
    with pytest.raises(UsageError, match='--platform=npu: .*x runs on the CPU alone; leave the flag out, or take a'):
        opened.place('npu')
    assert opening.read_file(exports.write(tmp_path / 'y', 'pb')).place('auto') == 'npu'


def test_the_description_tells_how_digits_were_shown(tmp_path):
    path = exports.write(tmp_path / 'x.tflite', 'tflite')
    described = json.loads((tmp_path / 'x.json').read_text())
    (tmp_path / 'x.json').write_text(json.dumps(dict(described, dark_on_light=True)))
    assert opening.read_file(path).dark_on_light is True
