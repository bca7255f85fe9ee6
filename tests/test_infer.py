"""As its users run it: real processes, real files."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests import data_files
from tests import exports
from tests import graphs
from tests import npu_standin
from tests import processes


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A graph, a data set of 37 test images and what preprocess makes of it."""
    folder = tmp_path_factory.mktemp('infer')
    graphs.write(folder / 'x.pb')
    data_files.write_dataset(str(folder / 'data'), test=37)
    ended = processes.run_module('lenet.preprocess', '--data_path=data', '--output_path=bins', cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def infer(folder, *arguments, **environment):
    return processes.run_module('lenet.infer', *arguments, cwd=folder, **environment)


def test_the_binaries_and_the_data_they_were_made_of_give_the_same_predictions(folder, tmp_path):
    texts, tables = [], []
    for data in ('data', 'bins'):
        ended = infer(folder, '--model_path=x.pb', '--data_dir=%s' % data, '--batch_size=3',
                      '--csv_out=%s' % (tmp_path / data), '--json_out=%s.json' % (tmp_path / data))
        assert ended.returncode == 0 and ended.stderr == ''
        texts.append(ended.stdout)
        tables.append([line.split(',') for line in (tmp_path / data).read_text().splitlines()])
    assert [row[1:] for row in tables[0]] == [row[1:] for row in tables[1]] and len(tables[0]) == 38
    for text in texts:
        for word in ('accuracy  ', 'first call  ', 'ms/session.run  ', 'ms/image  ', 'images/s  ', 'of 37)',
                     '13: the first, 2 of warm-up, 10 timed', 'session.run alone'):
            assert word in text
    assert sorted(os.listdir(str(tmp_path))) == ['bins', 'bins.json', 'data', 'data.json']
    assert json.loads((tmp_path / 'data.json').read_text())['latency']['timed_images'] == 9 * 3 + 1


def test_the_reference_s_names_of_flags_are_taken(folder):
    ended = infer(folder, '--model_path=x.pb', '--data_dir=data', '--output_dir=bins', '--batchSize=5')
    assert ended.returncode == 0 and '37 of bins' in ended.stdout and '5 images per session.run' in ended.stdout
    ended = infer(folder, '--model_path=x.pb', '--output_path=bins')
    assert ended.returncode == 0 and '37 of bins' in ended.stdout


@pytest.mark.parametrize('kind', ['tflite', 'int8', 'onnx'])
def test_files_of_other_runtimes_answer_too(folder, tmp_path, kind):
    path = exports.write(tmp_path / 'x.model', kind)
    ended = infer(folder, '--model_path=' + path, '--data_dir=data', '--platform=auto', '--batch_size=1',
                  '--csv_out=%s/x.csv' % tmp_path)
    assert (ended.returncode, ended.stderr) == (0, '')
    call = 'session.run' if kind == 'onnx' else 'invoke'
    for word in ('1 images per %s\n' % call, 'ms/%s ' % call, '37: the first, 2 of warm-up, 34 timed',
                 'timed             %s alone' % call):
        assert word in ended.stdout
    assert len((tmp_path / 'x.csv').read_text().splitlines()) == 38
    (tmp_path / 'x.model').write_bytes(exports.content(kind)[:-7])
    ended = infer(folder, '--model_path=' + path, '--data_dir=data')
    line, = ended.stderr.splitlines()
    assert ended.returncode == 1 and line.startswith('error: %s: is damaged, or not the file that ' % path)


def test_a_batch_of_another_size_than_tflite_s_exits_2(folder, tmp_path):
    ended = infer(folder, '--model_path=' + exports.write(tmp_path / 'x', 'tflite'), '--batch_size=7')
    line, = ended.stderr.splitlines()
    assert ended.returncode == 2 and '--batch_size=7: ' in line and 'batches of 1' in line


def test_without_targets_nothing_is_written(folder):
    before = sorted(os.listdir(str(folder)))
    ended = infer(folder, '--model_path=x.pb', '--data_dir=data')
    assert ended.returncode == 0 and 'too few for a latency' in ended.stdout and 'images/s' not in ended.stdout
    assert sorted(os.listdir(str(folder))) == before


@pytest.mark.parametrize('arguments, status, words', [
    ([], 2, '--model_path'), (['--model_path='], 2, '--model_path= is empty'),
    (['--model_path=x.pb', '--data_dir='], 2, '--data_dir= is empty'),
    (['--model_path=x.pb', '--csv_out='], 2, '--csv_out= is empty'),
    (['--model_path=x.pb', '--batch_size=0'], 2, '--batch_size=0'),
    (['--model_path=x.pb', '--batch_size=-1'], 2, '--batch_size=-1'),
    (['--model_path=x.pb', '--batch_size=nan'], 2, '--batch_size=nan'),
    (['--model_path=x.pb', '--batch_size=60001'], 2, '--batch_size=60001'),
    (['--model_path=x.pb', '--warmup=-1'], 2, '--warmup=-1'), (['--model_path=x.pb', '--warmup=inf'], 2, '--warmup'),
    (['--model_path=x.pb', '--platform=gpu'], 2, '--platform=gpu'),
    (['--model_path=x.pb', 'data'], 2, "unexpected argument 'data'"),
    (['--model_path=x.pb', '--csv_out=x.pb'], 2, '--csv_out=x.pb is also --model_path'),
    (['--model_path=x.pb', '--csv_out=out', '--json_out=./out'], 2, '--csv_out=out is also --json_out'),
    (['--model_path=x.pb', '--csv_out=nowhere/x.csv'], 1, 'nowhere/x.csv: cannot be written, there is no directory'),
    (['--model_path=x.pb', '--json_out=nowhere/x'], 1, 'nowhere/x: cannot be written, there is no directory'),
    (['--model_path=x.pb', '--csv_out=data'], 1, 'data: cannot be written, it is a directory')])
def test_a_wrong_command_line_ends_in_one_line_before_anything_is_loaded(folder, arguments, status, words):
    ended = infer(folder, *arguments)
    line, = ended.stderr.splitlines()
    assert ended.returncode == status and line.startswith('error: ') and words in line and ended.stdout == ''


@pytest.mark.parametrize('model, data, words', [
    (b'garbage', 'data', 'bad.pb: is no frozen graph'), (None, 'data', 'data: cannot be read (Is a directory)'),
    (b'', 'nowhere', 'bad.pb: is no frozen graph of this program'), ('good', 'nowhere', '--data_dir=nowhere'),
    ('good', 'damaged', 'damaged/images/00007.bin: cannot be read')])
def test_what_is_wrong_on_disk_ends_in_one_line_and_status_1(folder, tmp_path, model, data, words):
    path = folder / 'x.pb'
    if model != 'good':
        path = folder / 'data' if model is None else tmp_path / 'bad.pb'
    if isinstance(model, bytes):
        path.write_bytes(model)
    if data == 'damaged':
        data = str(tmp_path / 'damaged')
        subprocess.check_call(['cp', '-r', str(folder / 'bins'), data])
        os.unlink(os.path.join(data, 'images', '00007.bin'))
    ended = infer(folder, '--model_path=%s' % path, '--data_dir=%s' % data, '--csv_out=%s' % (tmp_path / 'x.csv'))
    line, = ended.stderr.splitlines()
    assert ended.returncode == 1 and line.startswith('error: ') and words in line and ended.stdout == ''
    assert not (tmp_path / 'x.csv').exists()


def test_a_contradicted_batch_of_the_graph_exits_2(folder, tmp_path):
    path = graphs.write(tmp_path / 'fixed.pb', batch=7)
    ended = infer(folder, '--model_path=%s' % path, '--data_dir=data', '--batch_size=13')
    line, = ended.stderr.splitlines()
    assert ended.returncode == 2 and '--batch_size=13' in line and 'batches of 7' in line


@pytest.mark.parametrize('end, outcome', [
    ('| true', (0, '')), ('>/dev/full', (1, 'error: standard output: cannot be written (No space left on device), its '
                                            'end is lost; send it to another place\n'))], ids=['no reader', 'full'])
def test_output_that_is_not_taken_costs_no_predictions(folder, tmp_path, end, outcome):
    command = 'set -o pipefail; "$0" -m lenet.infer "$@" ' + end
    ended = subprocess.run(['bash', '-c', command, sys.executable, '--model_path=x.pb', '--data_dir=data',
                            '--csv_out=%s' % (tmp_path / 'x.csv')], cwd=str(folder), stderr=subprocess.PIPE,
                           env=dict(os.environ, PYTHONPATH=processes.ROOT), universal_newlines=True)
    assert (ended.returncode, ended.stderr) == outcome
    assert len((tmp_path / 'x.csv').read_text().splitlines()) == 38


@pytest.mark.parametrize('encoding, shown', [('ascii', '\\xfc.png: class'), ('utf-8', 'ü.png: class')])
def test_a_picture_is_answered_whatever_its_name(folder, tmp_path, encoding, shown):
    image = pytest.importorskip('PIL.Image')
    strokes = np.full((40, 40), 255, np.uint8)
    strokes[8:32, 18:22] = 0
    image.fromarray(strokes).save(str(tmp_path / 'ü.png'))
    ended = infer(folder, '--model_path=x.pb', '--data_dir=%s' % tmp_path, PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, '') and shown in ended.stdout


def test_the_adapter_is_imported_before_the_session(folder, tmp_path):
    environment = npu_standin.environment('v23', journal=str(tmp_path / 'journal'), base={})
    environment['PYTHONPATH'] = os.pathsep.join([environment['PYTHONPATH'], processes.ROOT])
    ended = infer(folder, '--model_path=x.pb', '--data_dir=data', '--platform=auto', **environment)
    assert ended.returncode == 0, ended.stderr
    session, = npu_standin.read_journal(str(tmp_path / 'journal'), 'session')
    assert session['parameter_map']['graph_run_mode'] == 0
