"""The JSON file beside an export: what it is made of, what to feed it, how well it answers."""

import contextlib
import hashlib
import os
import re
from typing import Any, Dict, Tuple

from lenet.errors import UserError
from lenet.export.parity import Parity
from lenet.export.trained import Trained
from lenet.run import accuracy
from lenet.run import checkpoint
from lenet.support import files
from lenet.support import progress
from lenet.support import stack

LARGEST = 2 ** 24  # bytes of a sidecar
_LARGEST_PART = 2 ** 32  # bytes of a file that it tells the digest of
NORMALISATION = {
    'words': 'grey values 0 to 255 (0 background, 255 ink) divided by 255; 28 rows of 28 pixels from the top left',
    'factor': 1 / 255, 'range': [0.0, 1.0]}


def path_of(pb_path: str) -> str:
    """'x/lenet.pb' -> 'x/lenet.json'."""
    return re.sub(r'\.pb$', '', pb_path) + '.json'


def sha256(path: str) -> str:
    """Of a file, in hexadecimal; UserError if it cannot be read."""
    digest = hashlib.sha256()
    with files.opening(path, _LARGEST_PART) as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b''):
            digest.update(chunk)
    return digest.hexdigest()


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
        'activation': trained_network.activation, 'dark_on_light': trained_network.dark_on_light,
        'convolution': convolution, 'classes': trained_network.num_classes,
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

    Two renames are not one, and a crash may come between them. So the sidecar comes first, and holds the one before it
    as "former" until the .pb has changed as well: at every moment it describes the .pb beside it, the old or the new.

    Args:
      pb, described: temporary and final name.
    """
    new = _load(described[0])
    former = None
    with contextlib.suppress(UserError):  # there is none, or nothing that a .pb could be held against
        former = _load(described[1])
        former.pop('former', None)
    files.write_json(described[1], dict(new, former=former))
    os.replace(*pb)
    os.replace(*described)


def require_place(path: str) -> None:
    """
    Raises:
      UserError: there is something else than a sidecar, which one would replace.
    """
    if not os.path.lexists(path):
        return
    contents = None
    with contextlib.suppress(UserError):
        contents = files.read_json(path, LARGEST)
    if not isinstance(contents, dict) or not {'sha256', 'nodes'} <= set(contents):
        raise UserError('%s: describes no .pb of this program, and the description of one would replace it; choose '
                        'another --pb_path, or move it elsewhere' % path)


def read(pb_path: str, content: bytes) -> Dict[str, Any]:
    """The description of a .pb, whose digest is compared; empty, with a warning, where there is none.

    Args:
      content: of the .pb, as it was read: what is compared is what is used.

    Raises:
      UserError: they do not belong together, or one of them is damaged.
    """
    path = path_of(pb_path)
    if not os.path.lexists(path):
        progress.warn('%s: has no %s beside it, so nothing tells whether it is whole' %
                      (pb_path, os.path.basename(path)))
        return {}
    described = _load(path)
    digest = hashlib.sha256(content).hexdigest()
    for contents in (described, described.get('former')):
        if isinstance(contents, dict) and contents.get('sha256') == digest:
            return contents
    raise UserError('%s: is damaged, or not the file that %s describes (sha256 %.12s, expected %.12s); freeze again' %
                    (pb_path, path, digest, described['sha256']))


def _load(path: str) -> Dict[str, Any]:
    described = files.read_json(path, LARGEST, 'freeze again')
    if not isinstance(described, dict) or not isinstance(described.get('sha256'), str):
        raise UserError('%s: does not say which .pb it describes; freeze again' % path)
    return described
