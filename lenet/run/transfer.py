"""Which variables a run takes from another one's checkpoint."""

from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np

from lenet.errors import UserError
from lenet.graph import name_patterns
from lenet.run import checkpoint

Shapes = Dict[str, Sequence[int]]


def read_weights(path: str, shapes: Shapes, exclude: List[str]) -> Tuple[Dict[str, np.ndarray], Shapes]:
    """Reads the weights for a transfer, but for those that --restore_exclude matches.

    Args:
      path: as checkpoint.resolve takes it.
      shapes: of the network's weights, by name.
      exclude: the patterns.

    Returns:
      float32 arrays by name, and the shapes of all that the checkpoint holds.

    Raises:
      UserError: `path` cannot be read, a pattern matches nothing, nothing is left to load, a name is missing or its
        shape differs.
    """
    excluded = name_patterns.match(exclude, shapes, 'restore_exclude')
    wanted = {name: list(shape) for name, shape in shapes.items() if name not in excluded}
    if not wanted:
        raise UserError('--restore_exclude=%s leaves nothing to load from %s' % (','.join(exclude), path))
    path = checkpoint.resolve(path)
    values = checkpoint.read(path)
    for name, shape in wanted.items():
        if name not in values:
            raise UserError('%s: holds no %s, but %s' % (path, name, ', '.join(sorted(values)) or 'nothing'))
        if list(values[name].shape) != shape:
            raise UserError('%s: %s has shape %s, the network needs %s; --restore_exclude=%s leaves it out' %
                            (path, name, list(values[name].shape), shape, name.split('/')[0] + '/'))
    return ({name: values[name].astype(np.float32) for name in wanted},
            {name: value.shape for name, value in values.items()})


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
