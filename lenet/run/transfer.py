"""Which variables a run takes from another one's checkpoint."""

from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np

from lenet.errors import UserError
from lenet.graph import name_patterns
from lenet.run import checkpoint
from lenet.support import progress

Shapes = Dict[str, Sequence[int]]


def read_weights(path: str, shapes: Shapes, exclude: List[str],
                 activation: str) -> Tuple[Dict[str, np.ndarray], Shapes]:
    """Reads the weights for a transfer, but for those that --restore_exclude matches.

    Args:
      path: as checkpoint.resolve takes it.
      shapes: of the network's weights, by name.
      exclude: the patterns.
      activation: of the network.

    Returns:
      float32 arrays by name, and the shapes of all that the checkpoint holds.

    Raises:
      UserError: `path` cannot be read, a pattern matches nothing, nothing is left to load, a name is missing or its
        shape differs, or its network has another activation.
    """
    excluded = name_patterns.match(exclude, shapes, 'restore_exclude')
    wanted = {name: list(shape) for name, shape in shapes.items() if name not in excluded}
    if not wanted:
        raise UserError('--restore_exclude=%s leaves nothing to load from %s' % (','.join(exclude), path))
    path = checkpoint.resolve(path)
    values = checkpoint.read(path)
    _require_activation(path, activation, is_reference='steps_run' not in values)
    for name, shape in wanted.items():
        if name not in values:
            raise UserError('%s: holds no %s, but %s' % (path, name, ', '.join(sorted(values)) or 'nothing'))
        if list(values[name].shape) != shape:
            raise UserError('%s: %s has shape %s, the network needs %s; --restore_exclude=%s leaves it out' %
                            (path, name, list(values[name].shape), shape, name.split('/')[0] + '/'))
    return ({name: values[name].astype(np.float32) for name in wanted},
            {name: value.shape for name, value in values.items()})


def _require_activation(path: str, activation: str, is_reference: bool) -> None:
    """Weights of one activation are worse than none under another."""
    record = checkpoint.read_record(path)
    if record is None and not is_reference:
        progress.warn('--restore_path=%s: does not say with which --activation it was trained, this run has %s' %
                      (path, activation))
        return
    trained_with = 'sigmoid' if record is None else record.activation  # the reference has no other
    if trained_with != activation:
        raise UserError('--restore_path=%s: was trained with --activation=%s, this run has %s; give '
                        '--activation=%s' % (path, trained_with, activation, trained_with))


def table(shapes: Shapes, transferred: Iterable[str], stored: Shapes, untrained: Iterable[str],
          resumed: bool = False) -> List[str]:
    """A line for each variable: what it starts from, and whether it is trained.

    Args:
      shapes: of the network's weights, by name.
      transferred: names of those that come from the checkpoint.
      stored: shapes that the checkpoint holds, by name.
      untrained: names of those that --freeze_variables chooses.
      resumed: the run goes on from its own checkpoint.
    """
    transferred, untrained = set(transferred), set(untrained)
    lines = ['%-16s %-14s %-8s %s' % ('variable', 'shape', 'trained', 'starts from')]
    for name, shape in shapes.items():
        start = 'where the run was' if resumed else 'restored' if name in transferred else 're-initialised'
        if name not in transferred and name in stored and list(stored[name]) != list(shape):
            start += ', its shape is %s in the checkpoint' % list(stored[name])
        lines.append('%-16s %-14s %-8s %s' % (name, list(shape), 'frozen' if name in untrained else 'yes', start))
    return lines
