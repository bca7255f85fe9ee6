"""Checkpoints of networks that nobody trained, for tests."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.graph import model
from lenet.run import network_record


def weights(seed=3, num_classes=10, scale=0.7):
    """Random weights by name; the logits they give differ clearly between images and classes."""
    random = np.random.RandomState(seed)
    return {name: (scale * random.randn(*shape)).astype(np.float32)
            for name, shape in model.variable_shapes(num_classes).items()}


def write(directory, values=None, record=None, **changes):
    """Writes `values` (weights()), changed, as the reference does: mode.ckpt without counters; returns its prefix.

    Args:
      record: a NetworkRecord, None for none, as the reference.
      changes: other values by name, / written as __; None leaves the variable out.
    """
    values = dict(weights() if values is None else values)
    values.update({name.replace('__', '/'): value for name, value in changes.items()})
    os.makedirs(str(directory), exist_ok=True)
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in values.items():
            if value is not None:
                tf.get_variable(name, initializer=value)
        session.run(tf.global_variables_initializer())
        saved = tf.global_variables() + ([] if record is None else [network_record.Saveable(record)])
        return tf.train.Saver(saved).save(session, os.path.join(str(directory), 'mode.ckpt'))


def data_file(prefix):
    return prefix + '.data-00000-of-00001'


def flip_bit(path, place):
    with open(path, 'r+b') as stream:
        stream.seek(place)
        byte = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([byte ^ 4]))


def truncate(path, size):
    with open(path, 'r+b') as stream:
        stream.truncate(size)
