"""The JSON file beside an export: what it is made of, what to feed it, how well it answers."""

import hashlib
import json
import os
import re
from typing import Any, Dict, Tuple

from lenet.errors import UserError
from lenet.export.parity import Parity
from lenet.export.trained import Trained
from lenet.run import accuracy
from lenet.run import checkpoint
from lenet.support import stack
from lenet.support import strict_json

NORMALISATION = {
    'words': 'grey values 0 to 255 (0 background, 255 ink) divided by 255; 28 rows of 28 pixels from the top left',
    'factor': 1 / 255, 'range': [0.0, 1.0]}


def path_of(pb_path: str) -> str:
    """'x/lenet.pb' -> 'x/lenet.json'."""
    return re.sub(r'\.pb$', '', pb_path) + '.json'


def sha256(path: str) -> str:
    """Of a file, in hexadecimal."""
    with open(path, 'rb') as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def describe(pb_path: str, nodes: Dict[str, Any], trained_network: Trained, convolution: str) -> Dict[str, Any]:
    """What the export is.

    Args:
      pb_path: of the file that is described, where it lies now.
      nodes: as frozen.Network gives them.
      convolution: as in model.Form.
    """
    return {
        'file': os.path.basename(pb_path), 'sha256': sha256(pb_path),
        'nodes': nodes, 'normalisation': NORMALISATION,
        'activation': trained_network.activation, 'convolution': convolution, 'classes': trained_network.num_classes,
        'checkpoint': {'path': os.path.abspath(trained_network.path), 'steps_run': trained_network.steps_run,
                       'sha256': {os.path.basename(name): sha256(name)
                                  for name in checkpoint.files_of(trained_network.path)}},
        'versions': stack.versions(),
    }


def results(counts: accuracy.Counts, source: str, parity: Parity, tolerance: float) -> Dict[str, Any]:
    """How well it answers the test images, and how nearly as the checkpoint.

    Args:
      source: where the images come from.
    """
    report = accuracy.report(counts)
    test = {name: report[name] for name in ('images', 'correct', 'accuracy', 'wilson_95', 'mean_loss')}
    return {'test': dict(test, data=source), 'parity': dict(parity._asdict(), tolerance=tolerance)}


def replace_pair(pb: Tuple[str, str], described: Tuple[str, str]) -> None:
    """Renames a .pb and its sidecar from their temporary to their final names.

    Two renames are not one: a crash between them would leave one new and one old file. So the old sidecar goes first,
    then the .pb changes, then the new sidecar comes: at every moment a sidecar that is there belongs to the .pb beside
    it.

    Args:
      pb, described: temporary and final name.
    """
    if os.path.lexists(described[1]):
        os.unlink(described[1])
    os.replace(*pb)
    os.replace(*described)


def require_place(path: str) -> None:
    """
    Raises:
      UserError: there is something else than a sidecar, which one would replace.
    """
    if not os.path.lexists(path):
        return
    try:
        contents = strict_json.load(path)
    except ValueError:
        contents = None
    if not isinstance(contents, dict) or not {'sha256', 'nodes'} <= set(contents):
        raise UserError('%s: describes no .pb of this program, and the description of one would replace it; choose '
                        'another --pb_path, or move it elsewhere' % path)


def verify(pb_path: str) -> None:
    """Compares a .pb with the digest in its sidecar; without a sidecar there is nothing to compare.

    Raises:
      UserError: they differ.
    """
    path = path_of(pb_path)
    try:
        with open(path, encoding='utf-8') as stream:
            expected = json.load(stream)['sha256']
        digest = sha256(pb_path)
    except (OSError, ValueError, KeyError, TypeError):  # not there, or not of this program
        return
    if digest != expected:
        raise UserError('%s: is damaged, or not the file that %s describes (sha256 %.12s, expected %.12s); freeze '
                        'again' % (pb_path, path, digest, expected))
