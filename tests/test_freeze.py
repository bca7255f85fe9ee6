"""Freezing as its users do it, in real processes; its many errors in this one."""

import hashlib
import json
import os
import resource
import signal
import sys

import numpy as np
import pytest

from lenet import platforms
from lenet.export import export
from lenet.export import frozen
from lenet.export import inputs
from lenet.export import onnx_file
from lenet.export import opening
from lenet.export import quantization
from lenet.export import trained
from tests import checkpoints
from tests import exports as other_formats
from tests import numpy_lenet
from tests import processes
from tests import trainings
from tests.data_files import error_of, write_dataset


def freeze(*arguments):
    return processes.run_module('lenet.freeze', *arguments)


def sha256(path):
    with open(str(path), 'rb') as stream:
        return hashlib.sha256(stream.read()).hexdigest()


@pytest.fixture(scope='module')
def exports(trained_run, digits, tmp_path_factory):
    """The directory of a .pb, its sidecar and a SavedModel of `trained_run`, and what was printed."""
    directory = tmp_path_factory.mktemp('exports')
    ended = freeze('--output_dir=' + trained_run, '--data_path=' + digits, '--pb_path=%s/lenet.pb' % directory,
                   '--saved_model=%s/saved/' % directory)
    assert ended.returncode == 0 and ended.stderr == '', ended.stderr
    return directory, ended.stdout


def test_it_says_what_it_read_checked_and_wrote(exports, trained_run):
    directory, printed = exports
    lines = printed.splitlines()
    assert lines[0] == '%s/ckpt_npu/model.ckpt-80: sigmoid, 10 classes, after 80 steps' % trained_run
    for line, name in zip(lines[1:3], ('lenet.pb', 'saved')):
        assert line.startswith('%s/%s: largest logit difference ' % (directory, name))
        assert '0 of 1007 predictions changed, test accuracy 0.' in line
    assert lines[3:] == ['wrote {0}/lenet.pb, {0}/lenet.json, {0}/saved'.format(directory)]
    assert sorted(os.listdir(str(directory))) == ['lenet.json', 'lenet.pb', 'saved']


def test_the_sidecar_describes_the_file_and_where_it_comes_from(exports, trained_run, digits):
    directory, _ = exports
    described = json.loads((directory / 'lenet.json').read_text())
    assert described['file'] == 'lenet.pb' and described['sha256'] == sha256(directory / 'lenet.pb')
    assert described['nodes']['input_image'] == {'dtype': 'float32', 'shape': [None, 784]}
    assert described['nodes']['class'] == {'dtype': 'int64', 'shape': [None]}
    assert described['normalisation']['factor'] == 1 / 255
    assert (described['activation'], described['convolution'], described['classes']) == ('sigmoid', 'direct', 10)
    assert described['checkpoint']['steps_run'] == 80
    prefix = described['checkpoint']['path']
    assert set(described['checkpoint']['sha256']) == {'model.ckpt-80.index', 'model.ckpt-80.data-00000-of-00001'}
    for name, digest in described['checkpoint']['sha256'].items():
        assert digest == sha256(os.path.join(os.path.dirname(prefix), name))
    with open(os.path.join(trained_run, 'results.json')) as stream:
        evaluation = json.load(stream)['evaluation']
    for name in ('images', 'correct', 'accuracy', 'wilson_95'):
        assert described['test'][name] == evaluation[name]
    assert described['test']['data'] == digits
    assert described['parity']['images'] == 1007 and described['parity']['predictions_changed'] == 0
    assert 0 < described['parity']['largest_difference'] < described['parity']['tolerance'] == 1e-3
    model = json.loads((directory / 'saved' / 'assets.extra' / 'lenet.json').read_text())
    assert model['file'] == 'saved_model.pb'
    assert model['sha256'] == sha256(directory / 'saved' / 'saved_model.pb')


@pytest.mark.slow
def test_parity_beyond_the_tolerance_leaves_what_was_there(trained_run, digits, tmp_path):
    """Direct and folded convolutions differ by rounding, which a tolerance of 0 does not forgive."""
    (tmp_path / 'lenet.pb').write_bytes(b'a former good one')
    ended = freeze('--output_dir=' + trained_run, '--data_path=' + digits, '--pb_path=%s/lenet.pb' % tmp_path,
                   '--saved_model=%s/m' % tmp_path, '--tolerance=0')
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith('error: %s/lenet.pb: not written, its logits differ' % tmp_path)
    assert 'largest logit difference' in ended.stdout and 'predictions changed, test accuracy' in ended.stdout
    assert os.listdir(str(tmp_path)) == ['lenet.pb']
    assert (tmp_path / 'lenet.pb').read_bytes() == b'a former good one'


@pytest.mark.slow
def test_ctrl_c_leaves_nothing(trained_run, tmp_path):
    process = processes.start(
        [sys.executable, '-m', 'lenet.freeze', '--data_path=synthetic', '--output_dir=' + trained_run,
         '--pb_path=%s/lenet.pb' % tmp_path, '--saved_model=%s/m' % tmp_path])
    assert 'after 80 steps' in process.stdout.readline()  # 70,000 images are drawn now
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, 'stopped by SIGINT\n')
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize('arguments, words', [
    (['--tolerance=nan'], ['--tolerance=nan', 'a number from 0 to 1']),
    (['--tolerance=-1'], ['--tolerance=-1', '[0.0, 1.0]']), (['--tolerance=inf'], ['--tolerance=inf', '[0.0, 1.0]']),
    (['--batch=0'], ['--batch=0', '[1, 60000]']), (['--conv=both'], ['--conv=both', 'direct|folded']),
    (['--pb_path='], ['--pb_path= is empty']), (['--saved_model='], ['--saved_model= is empty']),
    (['--checkpoint='], ['--checkpoint= is empty']), (['lenet.pb'], ["unexpected argument 'lenet.pb'"]),
    (['--saved_model=m', '--pb_path=m/lenet.pb'], ['--pb_path=', 'lies in --saved_model=']),
    (['--saved_model=output'], ['--pb_path=', 'lies in --saved_model=']),
    (['--saved_model=m', '--onnx=m/x.onnx'], ['--onnx=', 'lies in --saved_model=']),
    (['--tolerance_accuracy=nan'], ['--tolerance_accuracy=nan', 'a number from 0 to 1']),
    (['--tolerance_accuracy=1.5'], ['--tolerance_accuracy=1.5', '[0.0, 1.0]']),
    (['--tflite='], ['--tflite= is empty']),
    (['--tflite=x.tflite', '--tflite_int8=./x.tflite'], ['--tflite_int8=./x.tflite is also --tflite: name another']),
    (['--pb_path=x.pb', '--onnx=x.pb'], ['--onnx=x.pb is also --pb_path: name another file']),
    (['--pb_path=x.pb', '--onnx=x.json'], ['--onnx=x.json is also the description of --'])])
def test_a_wrong_command_line_ends_in_one_line_and_status_2(arguments, words):
    ended = freeze(*arguments)
    assert ended.returncode == 2 and ended.stdout == '' and len(ended.stderr.splitlines()) == 1
    for word in words:
        assert word in ended.stderr


# What follows runs in this process, on 7 test images.


@pytest.fixture(scope='module')
def request_of(tmp_path_factory):
    """Makes an export.Request for a directory, of a checkpoint of the reference."""
    shared = tmp_path_factory.mktemp('shared')
    prefix = checkpoints.write(shared / 'reference')
    write_dataset(str(shared / 'data'))

    def request(directory, **changes):
        return export.Request(checkpoint=prefix, output_dir='nowhere', activation=None,
                              pb_path='%s/lenet.pb' % directory, batch=None, conv='direct', saved_model=None,
                              data_path=str(shared / 'data'), seed=1, tolerance=1e-3,
                              tolerance_accuracy=0.003)._replace(**changes)
    return request


def answer(path, images):
    with opening.read_file(str(path)).network(platforms.inference_config('cpu')) as network:
        return network.answer(inputs.flatten(images), 500).logits


@pytest.mark.parametrize('conv', ['direct', 'folded'])
@pytest.mark.parametrize('batch', [None, 3])
def test_both_forms_of_a_reference_checkpoint_answer_as_the_network_in_float64(tmp_path, request_of, conv, batch):
    request = request_of(tmp_path, conv=conv, batch=batch)
    export.export(request)
    images = trainings.random_split(13).images
    expected = numpy_lenet.lenet(images / 255.0, trained.load(request.checkpoint, '').weights, numpy_lenet.sigmoid)
    np.testing.assert_allclose(answer(tmp_path / 'lenet.pb', images), expected, rtol=0,
                               atol=1e-5 * np.abs(expected).max())
    described = json.loads((tmp_path / 'lenet.json').read_text())
    assert described['checkpoint']['steps_run'] is None and described['convolution'] == conv
    assert described['nodes']['logits']['shape'] == [batch, 10]


def test_a_second_export_replaces_the_first(tmp_path, request_of):
    export.export(request_of(tmp_path, saved_model=str(tmp_path / 'm')))
    export.export(request_of(tmp_path, saved_model=str(tmp_path / 'm'), activation='tanh'))
    for path in ('lenet.json', 'm/assets.extra/lenet.json'):
        assert json.loads((tmp_path / path).read_text())['activation'] == 'tanh'
    assert json.loads((tmp_path / 'lenet.json').read_text())['sha256'] == sha256(tmp_path / 'lenet.pb')
    assert sorted(os.listdir(str(tmp_path))) == ['lenet.json', 'lenet.pb', 'm']


def test_an_altered_weight_is_noticed(tmp_path, request_of, monkeypatch):
    build = frozen.build

    def altered(weights, *arguments):
        return build(dict(weights, **{'layer_2/bias': weights['layer_2/bias'] + np.float32(0.05)}), *arguments)
    monkeypatch.setattr(frozen, 'build', altered)
    assert 'lenet.pb: not written, its logits differ' in error_of(export.export, request_of(tmp_path))
    assert os.listdir(str(tmp_path)) == []


def test_weights_so_large_that_answers_overflow_are_no_parity(tmp_path, request_of):
    prefix = checkpoints.write(tmp_path / 'c', checkpoints.weights(scale=1e30))
    (tmp_path / 'out').mkdir()
    request = request_of(tmp_path / 'out', checkpoint=prefix, activation='relu')
    assert 'its answer to image 0 (and 6 more) is NaN or infinite' in error_of(export.export, request)
    assert os.listdir(str(tmp_path / 'out')) == []


def other_files(directory):
    """The targets in formats other than TensorFlow's, by the names of the flags."""
    other_formats.skip_without(*onnx_file.WRITING)
    return dict(tflite='%s/lenet.tflite' % directory, tflite_int8='%s/int8.tflite' % directory,
                onnx='%s/lenet.onnx' % directory, tolerance_accuracy=1.0)


def test_every_format_is_written_described_and_answers_as_the_checkpoint(tmp_path, request_of, capfd):
    request = request_of(tmp_path, **other_files(tmp_path))
    export.export(request)
    printed, errors = capfd.readouterr()
    assert errors == '' and printed.splitlines()[-1] == (
        'wrote {0}/lenet.pb, {0}/lenet.tflite, {0}/int8.tflite, {0}/lenet.onnx, {0}/int8.json, {0}/lenet.json'.format(
            tmp_path))
    described = json.loads((tmp_path / 'lenet.json').read_text())['files']
    assert described == json.loads((tmp_path / 'int8.json').read_text())['files']
    assert [entry['file'] for entry in described] == ['lenet.pb', 'lenet.tflite', 'int8.tflite', 'lenet.onnx']
    for entry in described:
        assert entry['sha256'] == sha256(tmp_path / entry['file'])
        assert entry['bytes'] == os.path.getsize(str(tmp_path / entry['file']))
        node = entry['nodes']['input_image']
        assert ('scale' in node, node.get('zero_point')) == ((True, -128) if 'int8' in entry['file'] else (False, None))
        assert ('tolerance' in entry['parity']) == ('int8' not in entry['file'])
    images = trainings.random_split(13).images
    expected = answer(tmp_path / 'lenet.pb', images)
    for name in ('lenet.tflite', 'lenet.onnx'):
        np.testing.assert_allclose(answer(tmp_path / name, images), expected, rtol=0,
                                   atol=1e-5 * np.abs(expected).max())
    assert answer(tmp_path / 'int8.tflite', images).shape == (13, 10)


@pytest.mark.parametrize('conv, batch', [('direct', 3), ('folded', None)], ids=['batch', 'folded'])
def test_the_batch_is_every_file_s_and_the_form_of_convolutions_the_pb_s(tmp_path, request_of, conv, batch):
    export.export(request_of(tmp_path, conv=conv, batch=batch, **dict(other_files(tmp_path), tflite_int8=None)))
    for entry in json.loads((tmp_path / 'lenet.json').read_text())['files']:
        is_pb = entry['file'] == 'lenet.pb'
        assert entry['convolution'] == (conv if is_pb else 'direct')
        assert entry['nodes']['logits']['shape'][0] == (1 if entry['file'].endswith('tflite') and not batch else batch)


@pytest.mark.parametrize('broken', ['tflite', 'tflite_int8', 'onnx'])
def test_one_that_does_not_pass_leaves_nothing_of_any(tmp_path, request_of, monkeypatch, broken):
    (tmp_path / 'lenet.tflite').write_bytes(b'a former one')
    # The checkpoint always answers 0, which one of the 7 images is; the altered network 3, which none is.
    always = [dict(checkpoints.weights(), **{'fc_3/bias': 1000 * row}) for row in np.eye(10, dtype=np.float32)]
    prefix = checkpoints.write(tmp_path / 'run', always[0])
    changes = dict(other_files(tmp_path), tolerance_accuracy=0.003)
    module, name = {'tflite': (export.tflite, 'convert_floats'), 'tflite_int8': (quantization, 'convert'),
                    'onnx': (onnx_file, 'convert')}[broken]
    convert = getattr(module, name)

    def altered(graph_def, *arguments):
        batch = None if broken == 'onnx' else 1
        return convert(frozen.build(always[3], export.model.Form('sigmoid'), batch), *arguments)
    monkeypatch.setattr(module, name, altered)
    changes.update({other: None for other in ('tflite_int8', 'onnx') if other != broken})
    message = error_of(export.export, request_of(tmp_path, checkpoint=prefix, **changes))
    assert message.startswith('%s: not written, its ' % changes[broken])
    assert sorted(os.listdir(str(tmp_path))) == ['lenet.tflite', 'run']
    assert (tmp_path / 'lenet.tflite').read_bytes() == b'a former one'


def test_without_the_packages_onnx_is_refused_before_the_work(tmp_path, request_of, monkeypatch):
    def find(name, *unused):
        raise ImportError('No module named %r' % name)
    monkeypatch.setattr(onnx_file.importlib, 'import_module', find)
    assert error_of(export.export, request_of(tmp_path, checkpoint='/nowhere', onnx='%s/x.onnx' % tmp_path)) == (
        '--onnx=%s/x.onnx: needs tf2onnx, onnx, onnxruntime (No module named %r): pip install -r '
        'requirements-export.txt' % (tmp_path, 'tf2onnx'))


def test_no_converter_is_imported_where_none_is_needed(tmp_path, request_of):
    program = ('import sys\nfrom lenet.support import stack\nwith stack.importing():\n'
               '    from lenet.export import export, evaluation, inference, prediction\n'
               'export.export(export.Request(**eval(sys.argv[1])))\n'
               'print([name for name in ("tf2onnx", "onnx", "onnxruntime") if name in sys.modules])\n')
    request = dict(request_of(tmp_path)._asdict())
    ended = processes.start([sys.executable, '-c', program, repr(request)])
    printed, errors = ended.communicate(timeout=240)
    assert ended.returncode == 0, errors
    assert printed.splitlines()[-1] == '[]'


@pytest.mark.parametrize('changes, message', [
    (dict(checkpoint=None), '--output_dir=nowhere: there is no such directory, so no checkpoint'),
    (dict(checkpoint='/nowhere/x'), '/nowhere/x: is no readable checkpoint'),
    (dict(pb_path='/nowhere/a.pb'), '/nowhere/a.pb: cannot be written, there is no directory /nowhere'),
    (dict(pb_path='/tmp'), '/tmp: cannot be written, it is a directory'),
    (dict(pb_path='/dev/full'), '/dev/full: cannot be written, it is no regular file'),
    (dict(pb_path='/proc/a.pb'), '/proc/a.pb: cannot be written (No such file'),
    (dict(saved_model='/nowhere/m'), '--saved_model=/nowhere/m: there is no directory /nowhere'),
    (dict(saved_model='/tmp'), '--saved_model=/tmp: holds something else'),
    (dict(saved_model='/dev/null'), '--saved_model=/dev/null: a file has this name'),
    (dict(saved_model='/proc/m'), '/proc/m: cannot be written (No such file'),
    (dict(tflite='/nowhere/x.tflite'), '/nowhere/x.tflite: cannot be written, there is no directory /nowhere'),
    (dict(tflite_int8='/tmp'), '/tmp: cannot be written, it is a directory'),
    (dict(data_path='/nowhere'), '--data_path=/nowhere: expected a directory')])
def test_what_cannot_be_read_or_written_is_named(tmp_path, request_of, changes, message):
    assert error_of(export.export, request_of(tmp_path, **changes)).startswith(message)
    assert os.listdir(str(tmp_path)) == []


def test_a_sidecar_that_cannot_be_replaced_stops_before_the_work(tmp_path, request_of):
    (tmp_path / 'lenet.json').mkdir()
    assert error_of(export.export, request_of(tmp_path)).startswith(
        '%s/lenet.json: cannot be written, it is a directory' % tmp_path)


@pytest.mark.parametrize('content', ['{"mine": 1}', '[]', 'no JSON', ''])
def test_a_json_file_of_the_users_beside_the_pb_stays(tmp_path, request_of, content):
    (tmp_path / 'lenet.json').write_text(content)
    assert error_of(export.export, request_of(tmp_path)).startswith(
        '%s/lenet.json: describes no export of this program' % tmp_path)
    assert (tmp_path / 'lenet.json').read_text() == content and os.listdir(str(tmp_path)) == ['lenet.json']


@pytest.mark.parametrize('limit, name', [(100000, 'lenet.pb'), (435000, 'm')])
def test_a_full_disk_leaves_nothing(tmp_path, request_of, limit, name):
    """The .pb has 434,007 bytes, the SavedModel a few more."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    request = request_of(tmp_path, saved_model=str(tmp_path / 'm'))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, former[1]))
    try:
        message = error_of(export.export, request)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert message.startswith('%s/%s: cannot be written (' % (tmp_path, name)) and 'lenet-tmp' not in message
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.slow
def test_real_mnist_is_answered_by_every_format_through_every_command(mnist, tmp_path):
    """Train, freeze, infer, evaluate: floats to the digit, int8 within 0.002."""
    other_formats.skip_without(*onnx_file.WRITING)
    data = '--data_path=' + mnist
    run, names = '--output_dir=%s/run' % tmp_path, ('lenet.pb', 'lenet.tflite', 'int8.tflite', 'lenet.onnx')
    for arguments in (['lenet.train', run, data, '--steps=200', '--epochs=1', '--activation=relu'],
                      ['lenet.freeze', run, data, '--pb_path=%s/lenet.pb' % tmp_path,
                       '--tflite=%s/lenet.tflite' % tmp_path, '--tflite_int8=%s/int8.tflite' % tmp_path,
                       '--onnx=%s/lenet.onnx' % tmp_path]):
        ended = processes.run_module(*arguments)
        assert (ended.returncode, ended.stderr) == (0, '') or arguments[0] == 'lenet.train', ended.stderr
    with open('%s/run/results.json' % tmp_path) as stream:
        expected = json.load(stream)['evaluation']['correct']
    for name in names:
        ended = processes.run_module('lenet.infer', '--model_path=%s/%s' % (tmp_path, name), '--data_dir=' + mnist,
                                     '--json_out=%s/summary' % tmp_path)
        assert (ended.returncode, ended.stderr) == (0, ''), ended.stderr
        summary = json.loads((tmp_path / 'summary').read_text())
        assert summary['images'] == 10000 and summary['platform'] == 'cpu'
        assert abs(summary['accuracy']['correct'] - expected) <= (20 if name.startswith('int8') else 0)
        assert summary['latency']['call'] == ('invoke' if name.endswith('tflite') else 'session.run')
        assert summary['latency']['ms_per_image']['mean'] > 0
    sizes = [os.path.getsize('%s/%s' % (tmp_path, name)) for name in names]
    assert max(sizes) < 450000 and sizes[2] < 125000
