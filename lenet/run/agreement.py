"""That all ranks run the same program on the same data with the same flags, before they train together."""

import hashlib
import json
import os
from typing import Any, Dict, List

from lenet.errors import UserError
from lenet.flags import Params
from lenet.ranks.base import Ranks
from lenet.run.checkpoint import Position
from lenet.support import files
from lenet.support import stack

# Flags that concern one rank alone: where its files lie, and what it shows. The data are compared by their digest.
_OWN = ('output_dir', 'data_path', 'restore_path')
_LARGEST = 2 ** 24  # bytes of a Python file


def reach(ranks: Ranks, params: Params, facts: Dict[str, Any], start: Position) -> Position:
    """Compares all ranks with rank 0, and returns where that one starts from.

    Args:
      ranks: of the platform.
      params: completed.
      facts: of run_directory.facts.
      start: where this rank would start; only rank 0's counts.

    Raises:
      UserError: on every rank: one of them differs; the message names it and in what.
    """
    mine = {'flags': {name: value for name, value in params._asdict().items() if name not in _OWN},
            'start': start, 'facts': facts,
            'versions': dict(stack.versions(), program=code_digest())}
    everybody = [json.loads(text) for text in ranks.exchange(json.dumps(mine))]
    differences = [difference for rank, other in enumerate(everybody)
                   for difference in _compare(rank, everybody[0], other)]
    if differences:
        raise UserError('the ranks disagree: ' + '; '.join(differences))
    return Position(*everybody[0]['start'])


def _compare(rank: int, first: Dict[str, Any], other: Dict[str, Any]) -> List[str]:
    differences = ['--%s is %s on rank %d, %s on rank 0' % (name, other['flags'].get(name), rank, value)
                   for name, value in first['flags'].items() if other['flags'].get(name) != value]
    differences += ['the version of %s is %s on rank %d, %s on rank 0' %
                    (name, other['versions'].get(name), rank, value)
                    for name, value in first['versions'].items() if other['versions'].get(name) != value]
    if other['facts']['data'] != first['facts']['data']:
        differences.append('the training data of rank %d are not those of rank 0' % rank)
    return differences


def code_digest() -> str:
    """Of every Python file of this package, as hexadecimal; UserError if one cannot be read."""
    digest = hashlib.blake2b(digest_size=8)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for directory, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if name.endswith('.py'):
                digest.update(files.read(os.path.join(directory, name), _LARGEST))
    return digest.hexdigest()
