"""Frozen graphs of a fixed random network, for tests, and what it must answer."""

import json

import numpy as np

from lenet.export import frozen
from lenet.export import sidecar
from lenet.graph import model
from tests import numpy_lenet


def weights(num_classes=10):
    """Of a network that answers with several classes and no probability of 0 or 1."""
    random = np.random.RandomState(5)
    shapes = model.variable_shapes(num_classes).items()
    return {name: (random.randn(*shape) * 2 / shape[-1] ** 0.5).astype(np.float32) for name, shape in shapes}


def write(path, batch=None, num_classes=10, convolution='direct'):
    """Writes the .pb file with its sidecar and returns its path."""
    graph_def = frozen.build(weights(num_classes), model.Form('tanh', convolution), batch)
    path.write_bytes(graph_def.SerializeToString())
    path.with_suffix('.json').write_text(json.dumps({'sha256': sidecar.sha256(str(path))}))
    return str(path)


def probabilities(images, num_classes=10):
    """float64 [n, C] of uint8 images [n, 28, 28, 1], from the definition."""
    logits = numpy_lenet.lenet(images / 255, weights(num_classes), np.tanh)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)
