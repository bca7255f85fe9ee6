"""Of binaries, graphs and checkpoints."""

import functools
import os
import pathlib

import numpy as np

from lenet import platforms
from lenet.export import binaries
from lenet.export import opening
from lenet.export import sidecar
from lenet.export import trained
from lenet.graph import model
from lenet.run import checkpoint
from lenet.run import network_record
from tests import checkpoints
from tests import exports as other_formats
from tests import graphs
from tests import trainings
from tests.readers import Reader, put, put_json, at, content, is_none, is_text

BATCHES = {
    name: Reader(file, lambda folder: binaries.write(folder, trainings.random_split(3), 'noise', 2), binaries.read,
                 lambda value: value.images.shape == (3, 784) and value.labels.dtype == np.int32, is_json, names='')
    for name, file, is_json in (('manifest', 'manifest.json', True), ('binary image', 'images/00001.bin', False),
                                ('binary label', 'labels/00001.bin', False),
                                ('binary batch', 'batches/00001.bin', False))}
BATCHES['manifest of ours'] = BATCHES['manifest']._replace(
    read=binaries.find_stranger, is_right=lambda value: value is None or is_text(value), does_without=True)


def open_network(path: str) -> int:
    with opening.read_file(path).network(platforms.inference_config('cpu')) as network:
        return network.num_classes


def make_graph(folder: str) -> None:
    graphs.write(pathlib.Path(folder, 'x.pb'))
    os.rename(os.path.join(folder, 'x.json'), os.path.join(folder, 'unused.json'))


def make_described(folder: str) -> None:
    graphs.write(pathlib.Path(folder, 'x.pb'))
    digest = sidecar.sha256(os.path.join(folder, 'x.pb'))
    put_json('x.json', {'sha256': digest, 'nodes': {}, 'dark_on_light': True, 'former': {'sha256': 'x'}})(folder)


def make_other(kind: str, folder: str) -> None:
    put('x.model', other_formats.content(kind))(folder)


OTHER_FORMATS = {
    name: Reader('x.model', functools.partial(make_other, kind), at('x.model', open_network), lambda value: value >= 1)
    for name, kind in (('TFLite file', 'tflite'), ('int8 file', 'int8'), ('ONNX file', 'onnx'))}

GRAPHS = {
    'graph': Reader('x.pb', make_graph, at('x.pb', open_network), lambda value: isinstance(value, int)),
    'described graph': Reader('x.pb', make_described, at('x.pb', opening.read_file),
                              lambda value: value.dark_on_light),
    'sidecar': Reader('x.json', make_described, lambda folder: sidecar.read(os.path.join(folder, 'x.pb'),
                                                                           content(folder, 'x.pb')),
                      lambda value: isinstance(value, dict), is_json=True, names='x.', does_without=True),
    'place of a sidecar': Reader('x.json', make_described, at('x.json', sidecar.require_place), is_none, is_json=True,
                                 does_without=True),
    'digest': Reader('x', put('x', b'x'), at('x', sidecar.sha256), is_text),
}

RECORD = network_record.NetworkRecord('tanh', 10)


def read_checkpoint(folder: str) -> trained.Trained:
    prefix = os.path.join(folder, 'mode.ckpt')
    checkpoint.verify(prefix)
    return trained.load(prefix, '')


CHECKPOINTS = {
    name: Reader('mode.ckpt.' + suffix, lambda folder: checkpoints.write(folder, record=RECORD), read_checkpoint,
                 lambda value: value.num_classes == 10, names='mode.ckpt')
    for name, suffix in (('checkpoint index', 'index'), ('checkpoint data', 'data-00000-of-00001'))}
CHECKPOINTS.update({
    'checkpoint list': Reader('checkpoint', lambda folder: checkpoints.write(folder), checkpoint.resolve,
                              lambda value: value.endswith('mode.ckpt'), does_without=True),
    'network record': Reader('record', put_json('record', RECORD._asdict()),
                             lambda folder: network_record.parse(content(folder, 'record'), folder),
                             lambda value: value.activation in model.ACTIVATIONS, is_json=True, names='',
                             is_file=False),
})

READERS = dict(**BATCHES, **OTHER_FORMATS, **GRAPHS, **CHECKPOINTS)
