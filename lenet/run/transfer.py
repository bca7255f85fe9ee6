"""Which variables a run takes from another one's checkpoint, and which it does not train.

Patterns (--restore_exclude, --freeze_variables) are regular expressions that match from the start of a variable's name,
so that a plain prefix such as `fc_3/` is one.
"""

import re
from typing import Dict, Iterable, List, Sequence, Set, Tuple

import numpy as np

from lenet.errors import UserError
from lenet.run import checkpoint

Shapes = Dict[str, Sequence[int]]


def matched(patterns: List[str], names: Iterable[str], flag: str) -> Set[str]:
    """The names that a pattern matches.

    Args:
      flag: where the patterns come from, for errors.

    Raises:
      UserError: a pattern is no regular expression, or matches nothing.
    """
    names = list(names)
    found: Set[str] = set()
    for pattern in patterns:
        try:
            matching = [name for name in names if re.match(pattern, name)]
        except re.error as error:
            raise UserError('--%s=%s is no regular expression (%s); a prefix such as fc_3/ will do' %
                            (flag, pattern, error))
        if not pattern or not matching:
            raise UserError('--%s=%s matches none of %s' % (flag, pattern, ', '.join(names)))
        found.update(matching)
    return found


def frozen(patterns: List[str], names: Iterable[str]) -> Set[str]:
    """The names that --freeze_variables matches.

    Raises:
      UserError: as `matched`, or nothing is left to train.
    """
    found = matched(patterns, names, 'freeze_variables')
    if len(found) == len(list(names)):
        raise UserError('--freeze_variables=%s leaves nothing to train' % ','.join(patterns))
    return found


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
    excluded = matched(exclude, shapes, 'restore_exclude')
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


def table(shapes: Shapes, transferred: Iterable[str], found: Shapes, frozen: Iterable[str],
          resumed: bool = False) -> List[str]:
    """A line for each variable: what it starts from, and whether it is trained.

    Args:
      shapes: of the network's weights, by name.
      transferred: names of those that come from the checkpoint.
      found: shapes that the checkpoint holds, by name.
      frozen: names of those that are not trained.
      resumed: the run goes on from its own checkpoint.
    """
    transferred, frozen = set(transferred), set(frozen)
    lines = ['%-16s %-14s %-8s %s' % ('variable', 'shape', 'trained', 'starts from')]
    for name, shape in shapes.items():
        start = 'where the run was' if resumed else 'restored' if name in transferred else 're-initialised'
        if name not in transferred and name in found and list(found[name]) != list(shape):
            start += ', its shape is %s in the checkpoint' % list(found[name])
        lines.append('%-16s %-14s %-8s %s' % (name, list(shape), 'frozen' if name in frozen else 'yes', start))
    return lines
