"""Evaluation as its users run it, in real processes; its many errors in this one."""

import json
import subprocess
import sys

import numpy as np
import pytest

from lenet.data import idx
from lenet.data import synthetic
from lenet.export import evaluation
from lenet.export import frozen
from lenet.graph import model
from tests import checkpoints
from tests import data_files
from tests import npu_standin
from tests import numpy_lenet
from tests import processes
from tests.data_files import error_of


def evaluate(*arguments):
    return processes.run_module('lenet.evaluate', *arguments)


@pytest.fixture(scope='module')
def reference(trained_run):
    """The evaluation that the training run itself reported."""
    with open(trained_run + '/results.json') as stream:
        return json.load(stream)['evaluation']


@pytest.fixture(scope='module')
def report(trained_run, digits, tmp_path_factory):
    path = tmp_path_factory.mktemp('report') / 'report.json'
    ended = evaluate('--output_dir=' + trained_run, '--data_path=' + digits, '--json_out=%s' % path)
    assert ended.returncode == 0 and ended.stderr == '', ended.stderr
    return json.loads(path.read_text()), ended.stdout


def assert_same(report, reference):
    assert set(report) == set(reference) | {'misclassified'}
    assert report['mean_loss'] == pytest.approx(reference['mean_loss'], rel=1e-6)
    for name in set(reference) - {'mean_loss'}:
        assert report[name] == reference[name]


def test_a_checkpoints_counts_are_those_of_its_training(report, reference):
    assert_same(report[0], reference)


def test_flags_say_in_what_files_differ_from_mnist_s_form(trained_run, reference, tmp_path):
    drawn = synthetic.draw(1, train=2000, test=1007)
    data_files.write_emnist(str(tmp_path), 'mine', drawn.train, drawn.test, first=3, suffix='')
    for path in tmp_path.iterdir():
        path.rename(str(path).replace('emnist-mine', 'mine'))
    ended = evaluate('--output_dir=' + trained_run, '--data_path=%s' % tmp_path, '--label_offset=3',
                     '--transpose_images', '--json_out=%s/report.json' % tmp_path)
    assert ended.returncode == 0 and ended.stderr == '', ended.stderr
    assert_same(json.loads((tmp_path / 'report.json').read_text()), reference)
    message = error_of(evaluation.open_split, request(tmp_path, data_path=str(tmp_path)), 'test', 10, 'lenet')
    assert '--label_offset=3' in message


@pytest.mark.slow
def test_a_frozen_graphs_counts_are_the_same(trained_run, digits, reference, tmp_path):
    ended = processes.run_module('lenet.freeze', '--output_dir=' + trained_run, '--data_path=' + digits, '--batch=13',
                               '--pb_path=%s/lenet.pb' % tmp_path)
    assert ended.returncode == 0, ended.stderr
    ended = evaluate('--model_path=%s/lenet.pb' % tmp_path, '--data_path=' + digits, '--batch_size=99',
                     '--platform=auto', '--json_out=%s/report.json' % tmp_path)
    assert ended.returncode == 0 and ended.stderr == '', ended.stderr
    assert_same(json.loads((tmp_path / 'report.json').read_text()), reference)
    checkpoints.flip_bit(str(tmp_path / 'lenet.pb'), 200001)
    ended = evaluate('--model_path=%s/lenet.pb' % tmp_path)
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1
    assert 'lenet.pb: is damaged, or not the file that %s/lenet.json describes' % tmp_path in ended.stderr


def test_the_terminal_gets_the_report(report, reference, trained_run, digits):
    lines = report[1].splitlines()
    assert lines[0] == '%s/ckpt_npu/model.ckpt-80 on the 1007 test images of %s' % (trained_run, digits)
    assert lines[1].startswith('correct: %d of 1007, accuracy %.4f, 95 %% interval ' %
                               (reference['correct'], reference['accuracy']))
    assert lines[2] == 'mean loss: %.4f' % reference['mean_loss']
    for label, line in enumerate(lines[6:16]):
        cells = line.split()
        assert [int(cell) for cell in cells[:-1]] == [label] + reference['confusion'][label]
        assert cells[-1] == '%.4f' % reference['recall'][label]
    wrong = report[0]['misclassified']
    assert len(wrong) == 1007 - reference['correct'] > 20
    assert lines[17] == 'misclassified: %d, the first 20' % len(wrong) and len(lines) == 39
    for mistake, line in zip(wrong, lines[19:]):
        assert line.split() == ['%d' % mistake['index'], '%d' % mistake['label'], '%d' % mistake['class'],
                                '%.4f' % mistake['probability']]


def test_a_reader_that_goes_away_is_no_error(trained_run, digits):
    command = ['bash', '-c', '"$0" -m lenet.evaluate --output_dir="$1" --data_path="$2" | head -1', sys.executable,
               str(trained_run), str(digits)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=processes.ROOT)
    assert ended.stderr == b'' and b'1007 test images' in ended.stdout


def test_a_full_disk_below_the_output_is_an_error(trained_run, digits):
    command = [sys.executable, '-m', 'lenet.evaluate', '--output_dir=' + trained_run, '--data_path=' + digits]
    with open('/dev/full', 'w') as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, universal_newlines=True,
                               cwd=processes.ROOT)
    assert ended.returncode == 1 and ended.stderr.startswith('error: standard output: cannot be written')


@pytest.mark.parametrize('arguments, words', [
    (['--checkpoint=a', '--model_path=b'], ['--model_path=b and --checkpoint=a', 'give one of them']),
    (['--activation=tanh', '--model_path=b'], ['--model_path=b and --activation=tanh']),
    (['--batch_size=0'], ['--batch_size=0']), (['--split=all'], ['--split=all', 'test|train']),
    (['--model_path='], ['--model_path= is empty']), (['--json_out='], ['--json_out= is empty']),
    (['output'], ["unexpected argument 'output'"])])
def test_a_wrong_command_line_ends_in_one_line_and_status_2(arguments, words):
    ended = evaluate(*arguments)
    assert ended.returncode == 2 and ended.stdout == '' and len(ended.stderr.splitlines()) == 1
    for word in words:
        assert word in ended.stderr


@pytest.mark.slow
def test_the_npus_stand_in_gives_the_same_counts(trained_run, digits, reference, tmp_path):
    ended = processes.run_module('lenet.evaluate', '--output_dir=' + trained_run, '--data_path=' + digits,
                               '--platform=npu', '--json_out=%s/report.json' % tmp_path,
                               **npu_standin.environment('v23'))
    assert ended.returncode == 0, ended.stderr
    assert_same(json.loads((tmp_path / 'report.json').read_text()), reference)


def test_without_the_npus_adapter_it_is_said():
    ended = evaluate('--platform=npu')
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith('error: --platform=npu: npu_bridge cannot be imported')


# What follows runs in this process, on few images.


def write_data(folder, classes):
    """Four files of 13 and 7 drawn digits, labels 0..classes-1; returns (images, labels) of the two splits."""
    folder.mkdir()
    splits = []
    for drawn in synthetic.draw(1, train=13, test=7)[:2]:
        labels = (np.arange(len(drawn.labels)) * 11 % classes).astype(np.uint8)
        labels[-1] = classes - 1
        splits.append((drawn.images[..., 0], labels))
    for name, array in zip(idx.NAMES, splits[0] + splits[1]):
        data_files.write(str(folder / name), data_files.idx_bytes(array))
    return splits


def request(directory, **changes):
    """Of the reference's checkpoint and the data in `directory`."""
    return evaluation.Request(
        checkpoint='%s/mode.ckpt' % directory, model_path=None, output_dir='nowhere', activation=None,
        data_path='%s/data' % directory, seed=1, split='test', batch_size=500, platform='cpu',
        json_out='%s/report.json' % directory)._replace(**changes)


@pytest.mark.parametrize('classes, activation, split, batch_size', [
    (10, None, 'test', 500), (10, None, 'train', 1), (26, None, 'test', 3), (10, 'tanh', 'train', 7)])
def test_counts_are_those_of_the_network_in_float64(tmp_path, classes, activation, split, batch_size):
    weights = checkpoints.weights(num_classes=classes)
    checkpoints.write(tmp_path, weights)
    images, labels = write_data(tmp_path / 'data', classes)[split == 'test']
    evaluation.evaluate(request(tmp_path, split=split, batch_size=batch_size, activation=activation))
    report = json.loads((tmp_path / 'report.json').read_text())
    activate = np.tanh if activation == 'tanh' else numpy_lenet.sigmoid
    logits = numpy_lenet.lenet(images[..., None] / 255.0, weights, activate)
    assert len(set(logits.argmax(axis=1))) > 1
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, logits.argmax(axis=1)), 1)
    assert report['confusion'] == confusion.tolist() and report['images'] == len(labels)
    assert report['mean_loss'] == pytest.approx(numpy_lenet.softmax_cross_entropy(logits, labels).mean(), rel=1e-4)
    wrong = [i for i in range(len(labels)) if logits[i].argmax() != labels[i]]
    assert [mistake['index'] for mistake in report['misclassified']] == wrong and wrong


def test_labels_that_the_network_does_not_know_are_named(tmp_path):
    checkpoints.write(tmp_path)
    write_data(tmp_path / 'data', 26)
    assert error_of(evaluation.evaluate, request(tmp_path)) == (
        '{0}/data, test split: expected labels from 0 to 9, got 11 at item 1; {0}/mode.ckpt knows no others; give the '
        'data that it was trained for'.format(tmp_path))
    assert not (tmp_path / 'report.json').exists()


@pytest.mark.parametrize('changes, message', [
    (dict(checkpoint=None), '--output_dir=nowhere: there is no such directory'),
    (dict(checkpoint=None, output_dir='{0}/data'), '{0}/data: holds no checkpoint'),
    (dict(checkpoint='{0}/data'), '{0}/data: holds no checkpoint'),
    (dict(checkpoint='{0}/x'), '{0}/x: is no readable checkpoint'),
    (dict(model_path='{0}/x'), '{0}/x: cannot be read (No such file or directory)'),
    (dict(model_path='{0}/data'), '{0}/data: cannot be read (Is a directory)'),
    (dict(model_path='/dev/zero'), '/dev/zero: is no regular file'),
    (dict(model_path='{0}/mode.ckpt.index'), '{0}/mode.ckpt.index: is no frozen graph'),
    (dict(data_path='{0}/x'), '--data_path={0}/x: expected a directory'),
    (dict(json_out='{0}'), '{0}: cannot be written, it is a directory'),
    (dict(json_out='{0}/x/r.json'), '{0}/x/r.json: cannot be written, there is no directory {0}/x'),
    (dict(json_out='/dev/full'), '/dev/full: cannot be written, it is no regular file')])
def test_what_cannot_be_read_or_written_is_named(tmp_path, changes, message):
    checkpoints.write(tmp_path)
    write_data(tmp_path / 'data', 10)
    changes = {name: value and value.format(tmp_path) for name, value in changes.items()}
    assert error_of(evaluation.evaluate, request(tmp_path, **changes)).startswith(message.format(tmp_path))


@pytest.mark.parametrize('damage', [lambda path: checkpoints.truncate(path, 1000),
                                    lambda path: checkpoints.flip_bit(path, 200001)])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    damage(checkpoints.data_file(checkpoints.write(tmp_path)))
    assert 'mode.ckpt: is no readable checkpoint' in error_of(evaluation.evaluate, request(tmp_path))


def test_a_graph_whose_answers_are_no_numbers_is_named(tmp_path):
    write_data(tmp_path / 'data', 10)
    weights = dict(checkpoints.weights(), **{'fc_3/bias': np.full(10, np.nan, np.float32)})
    (tmp_path / 'nan.pb').write_bytes(frozen.build(weights, model.Form()).SerializeToString())
    message = error_of(evaluation.evaluate, request(tmp_path, model_path='%s/nan.pb' % tmp_path))
    assert message.startswith('%s/nan.pb: its answer to image 0 (and 6 more) is NaN or infinite' % tmp_path)
