"""The weights of a finished training, for everything that comes after it."""

import os
from typing import Dict, NamedTuple, Optional

import numpy as np

from lenet.errors import UserError
from lenet.graph import model
from lenet.run import checkpoint
from lenet.run.network_record import NetworkRecord
from lenet.support import progress
from lenet.support import quiet


class Trained(NamedTuple):
    """A network's weights and what must be known to compute with them."""

    path: str  # prefix of the checkpoint
    weights: Dict[str, np.ndarray]  # float32, by the names of model.variable_shapes
    activation: str
    steps_run: Optional[int]  # None where the checkpoint does not say, as the reference's
    dark_on_light: bool = False  # how it was shown its digits

    @property
    def num_classes(self) -> int:
        return len(self.weights['fc_3/bias'])


def load(path: Optional[str], output_dir: str, activation: Optional[str] = None) -> Trained:
    """Reads the weights, and nothing else, of a checkpoint of this program or of the reference.

    Args:
      path: as checkpoint.resolve takes it; None for the newest checkpoint of `output_dir`.
      activation: None for what the checkpoint itself says. The reference's, known by their lack of counters, say
        nothing: its program has sigmoid alone.

    Raises:
      UserError: there is no such checkpoint, it is damaged, is not of this network, holds NaN or infinity, or does not
        say which activation its network has.
    """
    if path is None and not os.path.isdir(output_dir):
        raise UserError('--output_dir=%s: there is no such directory, so no checkpoint; train first, or give '
                        '--checkpoint' % output_dir)
    with quiet.without_stderr_lines('tensor_slice_reader'):  # the error says the same
        prefix = checkpoint.resolve(output_dir if path is None else path)
        values, record = checkpoint.read(prefix), checkpoint.read_record(prefix)
    bias = values.get('fc_3/bias', np.zeros(model.NUM_CLASSES))
    shapes = model.variable_shapes(len(bias) if bias.ndim == 1 else model.NUM_CLASSES)
    for name, shape in shapes.items():
        if name not in values:
            raise UserError('%s: is no checkpoint of this network: it holds no %s, but %s' %
                            (prefix, name, ', '.join(sorted(values)) or 'nothing'))
        if values[name].shape != shape:
            raise UserError('%s: is no checkpoint of this network: %s has shape %s, not %s' %
                            (prefix, name, list(values[name].shape), list(shape)))
        if not np.isfinite(values[name]).all():
            raise UserError('%s: %s holds NaN or infinity, its training went wrong; take an older checkpoint' %
                            (prefix, name))
    steps = None if 'steps_run' not in values else int(values['steps_run'])
    if record is None:
        record = NetworkRecord(_activation_of_old(prefix, activation, steps), len(bias))
    if record.num_classes != len(bias):
        raise UserError('%s: its network_record speaks of %d classes, its weights are for %d; take another checkpoint' %
                        (prefix, record.num_classes, len(bias)))
    if activation not in (None, record.activation):
        progress.warn('--activation=%s: %s was trained with %s' % (activation, prefix, record.activation))
    return Trained(prefix, {name: values[name].astype(np.float32) for name in shapes},
                   activation or record.activation, steps, record.dark_on_light)


def _activation_of_old(prefix: str, asked: Optional[str], steps: Optional[int]) -> str:
    """Of a checkpoint without a record: one of the reference, or of an early version of this program."""
    if asked is None and steps is not None:
        raise UserError('%s: does not say which activation it was trained with, as checkpoints of early versions; give '
                        '--activation (flags.txt of its run has it)' % prefix)
    return asked or 'sigmoid'
