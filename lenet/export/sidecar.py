"""The JSON file beside an export: what it is made of, what to feed it, how well it answers.

Files of one stem share it: x.json describes x.pb, x.tflite and x.onnx. It has the description of the first at its top,
and those of all files that were frozen together, whatever their stems, as "files".
"""

import contextlib
import hashlib
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from lenet.errors import UserError
from lenet.export.parity import Parity
from lenet.export.sidecar_name import path_of
from lenet.export.trained import Trained
from lenet.run import accuracy
from lenet.run import checkpoint
from lenet.support import files
from lenet.support import progress
from lenet.support import stack
from lenet.support import strict_json

LARGEST = 2 ** 24  # bytes of a sidecar
_LARGEST_PART = 2 ** 32  # bytes of a file that it tells the digest of
NORMALISATION = {
    'words': 'grey values 0 to 255 (0 background, 255 ink) divided by 255; 28 rows of 28 pixels from the top left',
    'factor': 1 / 255, 'range': [0.0, 1.0]}


def sha256(path: str) -> str:
    """Of a file, in hexadecimal; UserError if it cannot be read."""
    digest = hashlib.sha256()
    with files.opening(path, _LARGEST_PART) as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b''):
            digest.update(chunk)
    return digest.hexdigest()


def describe(path: str, nodes: Dict[str, Any], trained_network: Trained, convolution: str) -> Dict[str, Any]:
    """What the export is.

    Args:
      path: of the file that is described, where it lies now.
      nodes: as network.Network gives them.
      convolution: as in model.Form.
    """
    return {
        'file': os.path.basename(path), 'bytes': os.path.getsize(path), 'sha256': sha256(path),
        'nodes': nodes, 'normalisation': NORMALISATION,
        'activation': trained_network.activation, 'dark_on_light': trained_network.dark_on_light,
        'convolution': convolution, 'classes': trained_network.num_classes,
        'checkpoint': {'path': os.path.abspath(trained_network.path), 'steps_run': trained_network.steps_run,
                       'sha256': {os.path.basename(name): sha256(name)
                                  for name in checkpoint.files_of(trained_network.path)}},
        'versions': stack.versions(),
    }


def results(counts: accuracy.Counts, source: str, parity: Parity, **limits: float) -> Dict[str, Any]:
    """How well it answers the test images, and how nearly as the checkpoint.

    Args:
      source: where the images come from.
      limits: the tolerances that it has been held against.
    """
    report = accuracy.report(counts)
    test = {name: report[name] for name in ('images', 'correct', 'accuracy', 'wilson_95', 'mean_loss')}
    return {'test': dict(test, data=source), 'parity': dict(parity._asdict(), **limits)}


class Staged(NamedTuple):
    """A file that waits for its name."""

    temporary: str
    final: str
    description: Dict[str, Any]  # `describe` and `results`


def publish(staged: List[Staged]) -> List[str]:
    """Gives files their final names, and each its sidecar, whose names it returns.

    Several renames are not one, and a crash may come between them. So the sidecars come first, and hold those before
    them as "former" until all files have changed as well: at every moment a sidecar describes the files beside it, the
    old or the new.

    Raises:
      OSError: a file cannot be written.
    """
    renames = []
    for number, path in enumerate(sorted({path_of(file.final) for file in staged})):
        first, new = _contents(staged, path)
        former = None
        with contextlib.suppress(UserError):  # there is none, or nothing that a file could be held against
            former = _load(path)
            former.pop('former', None)
        stem = os.path.join(os.path.dirname(first.temporary), '.sidecar%d-' % number)
        for suffix, contents in (('both', dict(new, former=former)), ('new', new)):
            files.write_flushed(stem + suffix, strict_json.text(contents).encode())
        renames.append((stem, path))
    for stem, path in renames:
        os.replace(stem + 'both', path)
    for file in staged:
        os.replace(file.temporary, file.final)
    for stem, path in renames:
        os.replace(stem + 'new', path)
    return [path for _, path in renames]


def _contents(staged: List[Staged], path: str) -> Tuple[Staged, Dict[str, Any]]:
    """The first of the files that the sidecar at `path` describes, and what it is to hold: the new files and, of its
    former ones, those that stay beside it."""
    described = [file.description for file in staged]
    names = {entry['file'] for entry in described}
    with contextlib.suppress(UserError):
        described += [entry for entry in _listed(_load(path)) if entry.get('file') not in names and os.path.lexists(
            os.path.join(os.path.dirname(path), str(entry.get('file'))))]
    first = next(file for file in staged if path_of(file.final) == path)
    return first, dict(first.description, files=described)


def _listed(contents: Any) -> Iterator[Dict[str, Any]]:
    """The descriptions in a sidecar."""
    if not isinstance(contents, dict):
        return
    entries = contents.get('files')
    for entry in entries if isinstance(entries, list) else [contents]:
        if isinstance(entry, dict):
            yield entry


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
        raise UserError('%s: describes no export of this program, and the description of one would replace it; choose '
                        'another name for that, or move it elsewhere' % path)


def read(path: str, content: bytes) -> Dict[str, Any]:
    """The description of a file, whose digest is compared; empty where there is none.

    Args:
      content: of the file, as it was read: what is compared is what is used.

    Raises:
      UserError: they do not belong together, or one of them is damaged.
    """
    described_by = path_of(path)
    if not os.path.lexists(described_by):
        return {}
    described = _load(described_by)
    digest = hashlib.sha256(content).hexdigest()
    for entry in [*_listed(described), *_listed(described.get('former'))]:
        if entry.get('sha256') == digest:
            return entry
    expected = [entry.get('sha256') for entry in _listed(described) if entry.get('file') == os.path.basename(path)]
    raise UserError('%s: is damaged, or not the file that %s describes (sha256 %.12s, expected %.12s); freeze again' %
                    (path, described_by, digest, (expected + [described['sha256']])[0]))


def warn_of_none(path: str) -> None:
    """Tells of a file that has no description."""
    progress.warn('%s: has no %s beside it, so nothing tells whether it is whole' %
                  (path, os.path.basename(path_of(path))))


def _load(path: str) -> Dict[str, Any]:
    described = files.read_json(path, LARGEST, 'freeze again')
    if not isinstance(described, dict) or not isinstance(described.get('sha256'), str):
        raise UserError('%s: does not say which file it describes; freeze again' % path)
    return described
