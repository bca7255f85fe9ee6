import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import platforms
from lenet.export import frozen
from lenet.export import saved_model
from lenet.graph import model
from lenet.support import files
from tests import checkpoints
from tests import numpy_lenet
from tests import trainings
from tests.data_files import error_of


def write(directory, seed=3):
    weights = checkpoints.weights(seed)
    saved_model.write(frozen.build(weights, model.Form()), str(directory))
    return weights


def mark(directory):
    path = os.path.join(str(directory), saved_model.SIDECAR)
    os.makedirs(os.path.dirname(path))
    with open(path, 'w') as stream:
        stream.write('{}')


def test_tensorflow_serves_it_by_its_signature(tmp_path):
    weights = write(tmp_path / 'm')
    images = trainings.random_split(7).images
    with tf.Graph().as_default(), tf.Session() as session:
        loaded = tf.saved_model.load(session, ['serve'], str(tmp_path / 'm'))
        signature = loaded.signature_def['serving_default']
        assert set(signature.inputs) == {'input_image'}
        assert set(signature.outputs) == {'logits', 'probabilities', 'class'}
        logits = session.run(signature.outputs['logits'].name,
                             {signature.inputs['input_image'].name: images.reshape(7, 784) / 255.0})
        assert not tf.global_variables()
        assert {op.type for op in tf.get_default_graph().get_operations()} >= {'Conv2D', 'MatMul'}
    expected = numpy_lenet.lenet(images / 255.0, weights, numpy_lenet.sigmoid)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_former_one_is_replaced_and_nothing_else_is_left(tmp_path):
    write(tmp_path / 'm')
    mark(tmp_path / 'm')
    with files.scratch_beside(str(tmp_path / 'm')) as directory:
        write(directory + '/new')
        open(directory + '/new/variables/it', 'w').close()
        saved_model.replace(directory + '/new', str(tmp_path / 'm'))
    assert os.listdir(str(tmp_path)) == ['m'] and (tmp_path / 'm' / 'variables' / 'it').exists()


def test_an_empty_directory_is_filled(tmp_path):
    write(tmp_path / 'new')
    (tmp_path / 'there').mkdir()
    saved_model.replace(str(tmp_path / 'new'), str(tmp_path / 'there'))
    assert (tmp_path / 'there' / 'saved_model.pb').exists()


def test_the_former_one_comes_back_where_the_new_one_cannot_be_renamed(tmp_path):
    write(tmp_path / 'former')
    mark(tmp_path / 'former')
    with files.scratch_beside(str(tmp_path / 'former')) as directory, pytest.raises(OSError):
        saved_model.replace(directory + '/nowhere', str(tmp_path / 'former'))
    assert os.listdir(str(tmp_path)) == ['former'] and (tmp_path / 'former' / 'saved_model.pb').exists()


def test_what_is_not_ours_stays(tmp_path):
    write(tmp_path / 'foreign')  # without our mark
    (tmp_path / 'file').write_text('')
    write(tmp_path / 'ours')
    mark(tmp_path / 'ours')
    saved_model.require_place(str(tmp_path / 'ours'))
    (tmp_path / 'ours' / 'assets.extra' / 'tf_serving_warmup_requests').write_text('mine')
    for name, message in (('ours', 'holds something else than a SavedModel of this program, assets.extra/tf_serving_'),
                          ('foreign', 'holds something else than a SavedModel of this program'),
                          ('file', 'a file has this name'), ('no/where', 'there is no directory %s/no' % tmp_path)):
        error = error_of(saved_model.require_place, str(tmp_path / name))
        assert error.startswith('--saved_model=%s/%s: %s' % (tmp_path, name, message))


def open_it(directory):
    with saved_model.open_network(str(directory), platforms.inference_config('cpu'), 'm') as network:
        return network.num_classes


def test_what_cannot_be_loaded_is_named(tmp_path):
    write(tmp_path / 'm')
    assert open_it(tmp_path / 'm') == 10
    checkpoints.truncate(str(tmp_path / 'm' / 'saved_model.pb'), 200000)
    assert error_of(open_it, tmp_path / 'm').startswith('m: is no graph that TensorFlow can run (')
    assert error_of(open_it, tmp_path / 'none').startswith('m: is no graph that TensorFlow can run (')
