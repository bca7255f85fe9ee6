"""Files of the network of tests/graphs.py in the other formats, for tests."""

import functools
import json

import numpy as np
import pytest

from lenet.export import frozen
from lenet.export import onnx_file
from lenet.export import quantization
from lenet.export import sidecar
from lenet.export import tflite
from lenet.graph import model
from tests import data_files
from tests import graphs

FORMATS = ('pb', 'tflite', 'int8', 'onnx')


def skip_without(*packages):
    """Leaves out a test, or what uses it, where a package of requirements-export.txt is missing."""
    for package in packages:
        pytest.importorskip(package, reason='not installed: requirements-export.txt')


def nodes(batch, num_classes):
    """What the input and the outputs of a file of floats are, in every format."""
    return {'input_image': {'dtype': 'float32', 'shape': [batch, 784]},
            'logits': {'dtype': 'float32', 'shape': [batch, num_classes]},
            'probabilities': {'dtype': 'float32', 'shape': [batch, num_classes]},
            'class': {'dtype': 'int64', 'shape': [batch]}}


@functools.lru_cache(maxsize=None)
def content(kind):
    """The bytes of a file; `kind` is one of FORMATS. Batches of 1, but of any size in pb and onnx."""
    graph_def = frozen.build(graphs.weights(), model.Form('tanh'), None if kind in ('pb', 'onnx') else 1)
    if kind == 'pb':
        return graph_def.SerializeToString()
    if kind == 'tflite':
        return tflite.convert_floats(graph_def)
    if kind == 'int8':
        images = np.concatenate([data_files.images(37, 2)] * 2)[..., None]
        return quantization.convert(graph_def, 1, quantization.choose(images, 1))
    skip_without(*onnx_file.WRITING)
    return onnx_file.convert(graph_def)


def write(path, kind):
    """Writes a file with its sidecar and returns its path."""
    path.write_bytes(content(kind))
    with open(sidecar.path_of(str(path)), 'w') as stream:
        json.dump({'sha256': sidecar.sha256(str(path))}, stream)
    return str(path)
