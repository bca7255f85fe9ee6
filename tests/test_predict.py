import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.data import dataset
from lenet.export import frozen
from lenet.export import prediction
from lenet.export import sidecar
from lenet.graph import model
from lenet.photo import drawing
from lenet.photo import picture
from lenet.run import network_record
from lenet.support import files
from tests import data_files
from tests import numpy_lenet
from tests import pictures
from tests import processes

pictures.skip_without_packages()
from PIL import Image  # noqa: E402

from tests.photo import photographs  # noqa: E402


def random_weights(seed):
    random = np.random.RandomState(seed)
    return {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in model.variable_shapes().items()}


def write_checkpoint(output_dir, weights, activation):
    """As a run leaves it, in --output_dir."""
    os.makedirs(os.path.join(output_dir, 'ckpt_npu'))
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in weights.items():
            tf.Variable(value, name=name)
        session.run(tf.global_variables_initializer())
        record = network_record.Saveable(network_record.NetworkRecord(activation, 10))
        prefix = os.path.join(output_dir, 'ckpt_npu', 'model.ckpt-7')
        tf.train.Saver(tf.global_variables() + [record]).save(session, prefix, write_meta_graph=False)


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A directory with a relu network as checkpoint and a tanh one as frozen graph, two pictures, a blank one."""
    place = tmp_path_factory.mktemp('place')
    write_checkpoint(str(place / 'output'), random_weights(1), 'relu')
    graph_def = frozen.build(random_weights(2), model.Form('tanh'), batch=3)
    (place / 'lenet.pb').write_bytes(graph_def.SerializeToString())
    files.write_json(str(place / 'lenet.json'), {'sha256': sidecar.sha256(str(place / 'lenet.pb'))})
    for name, paper in (('dark.png', 220), ('naïve.png', 170)):
        grey = pictures.noisy(pictures.page(pictures.seven(), 140, 130, 30, 40, paper))
        Image.fromarray(grey.astype(np.uint8)).save(str(place / name))
    Image.new('L', (40, 30), 200).save(str(place / 'blank.png'))
    return place


def expected(path, seed, activate):
    """The probabilities by NumPy."""
    logits = numpy_lenet.lenet(picture.as_mnist(str(path))[np.newaxis] / 255., random_weights(seed), activate)
    odds = np.exp(logits - logits.max())
    return (odds / odds.sum())[0]


def run(place, *arguments, **environment):
    return processes.run_module('lenet.predict', *arguments, cwd=place, **environment)


def relu(x):
    return np.maximum(x, 0)


def test_pictures_are_answered_with_the_newest_checkpoint_and_errors_go_to_stderr(place):
    ended = run(place, 'dark.png', 'nowhere.png', 'blank.png', 'naïve.png', PYTHONIOENCODING='utf-8')
    errors = ended.stderr.splitlines()
    assert ended.returncode == 1 and len(errors) == 2, ended.stderr
    assert errors[0].startswith('error: nowhere.png: cannot be read (No such file')
    assert errors[1].startswith('error: blank.png: holds no digit: ')
    lines = ended.stdout.splitlines()
    assert len(lines) == 2 * 15 and lines[15].startswith('naïve.png: ')
    probabilities = expected(place / 'dark.png', 1, relu)
    best = probabilities.argmax()
    assert lines[0] == 'dark.png: %d (%.2f %%)' % (best, 100 * probabilities[best])
    assert lines[1:15] == drawing.describe('', picture.as_mnist(str(place / 'dark.png')), probabilities, True,
                                           'utf-8')[1:]


@pytest.mark.parametrize('arguments, seed, activate, warning', [
    (['--model_path=lenet.pb'], 2, np.tanh, ''),
    (['--checkpoint=output', '--activation=tanh'], 1, np.tanh,
     'warning: --activation=tanh: output/ckpt_npu/model.ckpt-7 was trained with relu\n'),
    (['--checkpoint=output/ckpt_npu/model.ckpt-7.index'], 1, relu, '')])
def test_json_gives_the_networks_probabilities(place, arguments, seed, activate, warning):
    ended = run(place, '--json', 'dark.png', 'naïve.png', *arguments)
    assert ended.returncode == 0 and ended.stderr == warning, ended.stderr
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [answer['file'] for answer in answers] == ['dark.png', 'naïve.png']
    for answer in answers:
        probabilities = expected(place / answer['file'], seed, activate)
        np.testing.assert_allclose(answer['probabilities'], probabilities, atol=2e-5)
        assert answer['class'] == probabilities.argmax()


def test_plain_text_where_the_output_takes_no_more(place):
    ended = run(place, 'naïve.png', PYTHONIOENCODING='ascii')
    assert ended.returncode == 0 and ended.stdout.isprintable() is False and ended.stdout.encode('ascii')
    assert ended.stdout.startswith('na\\xefve.png: ') and '@' in ended.stdout and '#' in ended.stdout


@pytest.mark.parametrize('arguments, status, message', [
    ([], 2, 'error: IMAGE is missing, see --help'),
    (['--model_path=a.pb', '--checkpoint=b', 'x.png'], 2, 'error: --model_path=a.pb and --checkpoint=b: give one of'),
    (['--model_path=a.pb', '--activation=relu', 'x.png'], 2, 'error: --model_path=a.pb and --activation=relu: give'),
    (['--activation=cubic', 'x.png'], 2, 'error: flag --activation=cubic: value should be one of'),
    (['--output_dir=nowhere', 'dark.png'], 1, 'error: --output_dir=nowhere: holds no checkpoint; train first '
     '(./run_1p.sh), or give --checkpoint or --model_path'),
    (['--checkpoint=dark.png', 'dark.png'], 1, 'error: dark.png: is no readable checkpoint'),
    (['--checkpoint=', 'dark.png'], 2, 'error: --checkpoint= is empty: a path is needed'),
    (['--model_path=dark.png', 'dark.png'], 1, 'error: dark.png: is no frozen graph'),
    (['--model_path=output', 'dark.png'], 1, 'error: output: cannot be read (Is a directory')])
def test_wrong_commands_end_in_one_line(place, arguments, status, message):
    ended = run(place, *arguments)
    assert ended.returncode == status and ended.stdout == ''
    assert len(ended.stderr.splitlines()) == 1 and ended.stderr.startswith(message), ended.stderr


def test_a_reader_that_leaves_ends_it_quietly(place):
    command = '"$0" -m lenet.predict dark.png dark.png | true; exit ${PIPESTATUS[0]}'
    ended = subprocess.run(['bash', '-c', command, sys.executable], cwd=str(place), stderr=subprocess.PIPE,
                           env=dict(os.environ, PYTHONPATH=processes.ROOT), universal_newlines=True)
    assert ended.returncode == 1 and ended.stderr == ''


@pytest.fixture(scope='module')
def network(mnist, tmp_path_factory):
    """A session on a network that saw 600 batches of real MNIST."""
    output_dir = tmp_path_factory.mktemp('trained')
    ended = processes.run_module('lenet.train', '--data_path=%s' % mnist, '--activation=relu', '--steps=600',
                               '--epochs=1', '--output_dir=%s' % output_dir)
    assert ended.returncode == 0, ended.stderr
    with prediction.open_network(prediction.Request(None, None, str(output_dir), None)) as (opened, _):
        yield opened


def read_digits(mnist):
    """The test images, uint8 [10000, 28, 28]."""
    return dataset.open_dataset(mnist, 1).test.images[..., 0]


@pytest.mark.slow
@pytest.mark.parametrize('kind, least', [(kind, 0.97) for kind in photographs.LIGHTS] +
                         [(kind, 0.9) for kind in photographs.PAPERS])
def test_digits_in_pictures_are_answered_as_the_originals(network, mnist, tmp_path, kind, least):
    right, _ = photographs.count_agreements(network, read_digits(mnist)[:200], kind, str(tmp_path))
    assert right / 200 >= least


@pytest.mark.slow
@pytest.mark.parametrize('gap', [20, 60])
@pytest.mark.parametrize('count', [2, 4])
def test_several_digits_are_not_answered_as_one(mnist, tmp_path, count, gap):
    digits = read_digits(mnist)
    path = str(tmp_path / 'picture.png')
    for first in range(0, 10 * count, count):
        inks = []
        for digit in digits[first:first + count]:
            columns = np.nonzero(digit.max(axis=0) > 64)[0]
            inks += [pictures.enlarged(digit, 5)[:, 5 * columns[0]:5 * columns[-1] + 5], np.zeros((140, gap))]
        ink = np.concatenate(inks, axis=1)
        grey = pictures.noisy(pictures.page(ink, 300, ink.shape[1] + 120, 80, 60))
        Image.fromarray(grey.astype(np.uint8)).save(path)
        message = data_files.error_of(picture.as_mnist, path)
        assert 'holds %d marks of the size of a digit; cut out the one' % count in message
