"""A test set as raw binaries, a file an image, a label or a batch, with a manifest that says which belongs to which.

| file             | holds                                                                            |
|------------------|----------------------------------------------------------------------------------|
| images/00000.bin | float32 [784] in [0, 1], little endian: one image                                |
| labels/00000.bin | int32 [1], little endian: its label                                              |
| batches/00000.bin| float32 [N, 784]: N images in order, the last batch filled up with zeros         |
| manifest.json    | what the files hold, where the data come from, and each file's label and SHA-256 |

Letters: n images, N images a batch.
"""

import contextlib
import functools
import hashlib
import os
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional

import numpy as np

from lenet.data.splits import Split
from lenet.errors import MISFORMED, UserError
from lenet.export.inputs import PIXELS, Inputs, flatten, pad
from lenet.support import files
from lenet.support import progress
from lenet.support import strict_json

MANIFEST = 'manifest.json'
FOLDERS = ('images', 'labels', 'batches')
FORMAT, VERSION = 'LeNet binaries', 1

_IMAGE = {'dtype': 'float32', 'byte_order': 'little', 'shape': [PIXELS],
          'normalisation': 'pixel/255: 0 is black, 1 is white; row by row'}
_LABEL = {'dtype': 'int32', 'byte_order': 'little', 'shape': [1]}
LARGEST = 2 ** 30  # bytes of a manifest; that of 60,000 images has 25 million
MOST_IMAGES = 10 ** 7
_AGAIN = 'write the directory again with python -m lenet.preprocess'


def write(directory: str, split: Split, source: str, batch: Optional[int]) -> int:
    """Fills an empty directory; returns the number of batches.

    Args:
      source: where the images come from, in words.
      batch: N, None for no batches.

    Raises:
      OSError: a file cannot be written.
    """
    images, labels = flatten(split.images), split.labels
    n, starts = len(images), range(0, len(images), batch) if batch else range(0)
    for folder in FOLDERS[:3 if batch else 2]:
        os.mkdir(os.path.join(directory, folder))
    manifest = {'format': FORMAT, 'version': VERSION, 'source': source, 'num_images': n, 'image': _IMAGE,
                'label': _LABEL}
    with progress.bar(2 * n + len(starts), 'writing', 'file') as advance:
        put = functools.partial(_put, advance, directory, n)
        manifest['images'] = [{'index': index, 'label': int(labels[index]),
                               'image_file': put('images', index, images[index]),
                               'label_file': put('labels', index, labels[index:index + 1])} for index in range(n)]
        if batch:
            manifest['batch'] = dict(_IMAGE, shape=[batch, PIXELS], padding='zeros')
            manifest['batches'] = [{'index': index, 'first_image': start, 'num_images': min(batch, n - start),
                                    'file': put('batches', index, pad(images[start:start + batch], batch))}
                                   for index, start in enumerate(starts)]
    with open(os.path.join(directory, MANIFEST), 'w', encoding='utf-8') as stream:
        stream.write(strict_json.text(manifest))
    return len(starts)


def file_name(folder: str, index: int, count: int) -> str:
    """Of a file below the directory; `count` images have names of one length, so that they sort as their numbers."""
    return '%s/%0*d.bin' % (folder, max(5, len(str(count - 1))), index)


def _put(advance: Callable[..., None], directory: str, count: int, folder: str, index: int,
         array: np.ndarray) -> Dict[str, str]:
    content = array.astype(array.dtype.newbyteorder('<'), copy=False).tobytes()
    name = file_name(folder, index, count)
    with open(os.path.join(directory, name), 'wb') as stream:
        stream.write(content)
    advance(1)
    return {'name': name, 'sha256': hashlib.sha256(content).hexdigest()}


class _File(NamedTuple):
    """A file that the manifest names."""

    name: str  # below the directory
    size: int  # bytes
    sha256: str


class _Entry(NamedTuple):
    """An image of the manifest."""

    label: int
    image_file: _File
    label_file: _File


class _Manifest(NamedTuple):
    source: str
    entries: List[_Entry]
    batches: List[_File]

    def files(self) -> Iterator[_File]:
        for entry in self.entries:
            yield from (entry.image_file, entry.label_file)
        yield from self.batches


def find_stranger(directory: str) -> Optional[str]:
    """The first file or folder below `directory` that `write` did not leave there, by the manifest; None without any.

    The manifest may be damaged or of another version.

    Raises:
      OSError: a folder cannot be listed.
    """
    known = set()
    with contextlib.suppress(UserError):
        manifest = files.read_json(os.path.join(directory, MANIFEST), LARGEST)
        if isinstance(manifest, dict) and manifest.get('format') == FORMAT:
            known.update([MANIFEST], FOLDERS, _named(manifest))
    return files.find_stranger(directory, known)


def _named(value: Any) -> Iterator[str]:
    """Every file's name in a manifest."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield str(value.get('name'))
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def read(directory: str) -> Inputs:
    """Reads what `write` wrote and verifies every file; image and label are paired by the manifest alone.

    Raises:
      UserError: the manifest is damaged or of another version, or a file is missing, altered or not in it.
    """
    manifest = _read_manifest(os.path.join(directory, MANIFEST))
    _refuse_extra_files(directory, {file.name for file in manifest.files()})
    images = np.empty((len(manifest.entries), PIXELS), np.float32)
    with progress.bar(len(images), 'reading', 'image') as advance:
        for image, entry in zip(images, manifest.entries):
            image[:] = np.frombuffer(_read_file(directory, entry.image_file), '<f4')
            label, = np.frombuffer(_read_file(directory, entry.label_file), '<i4')
            if label != entry.label:
                raise UserError('%s: holds %d, the manifest says %d; %s' %
                                (os.path.join(directory, entry.label_file.name), label, entry.label, _AGAIN))
            advance(1)
    for file in manifest.batches:
        _read_file(directory, file)
    return Inputs('%s (from %s; every file verified)' % (directory, manifest.source),
                  [entry.image_file.name for entry in manifest.entries], images,
                  np.array([entry.label for entry in manifest.entries], np.int32))


def _read_manifest(path: str) -> _Manifest:
    contents = files.read_json(path, LARGEST, _AGAIN)
    if not isinstance(contents, dict) or contents.get('format') != FORMAT:
        raise UserError('%s: is no manifest of python -m lenet.preprocess' % path)
    if contents.get('version') != VERSION:
        raise UserError('%s: is of version %r, this program reads %d; %s' %
                        (path, contents.get('version'), VERSION, _AGAIN))
    try:
        return _parse(contents)
    except MISFORMED as error:
        raise UserError('%s: is damaged (%s: %s); %s' % (path, type(error).__name__, error, _AGAIN))


def _parse(contents: Dict[str, Any]) -> _Manifest:
    entries = [_Entry(_check_label(entry['label']), _file(entry['image_file'], 'images', 4 * PIXELS),
                      _file(entry['label_file'], 'labels', 4)) for entry in contents['images']]
    batches = [_file(entry['file'], 'batches', 4 * PIXELS * _check_batch(contents['batch']['shape'][0]))
               for entry in contents.get('batches', ())]
    manifest = _Manifest(str(contents['source']), entries, batches)
    if (contents['image'], contents['label']) != (_IMAGE, _LABEL):
        raise ValueError('another layout of images or labels')
    if not entries or contents['num_images'] != len(entries):
        raise ValueError('num_images is %r, images are %d' % (contents['num_images'], len(entries)))
    if len({file.name for file in manifest.files()}) != 2 * len(entries) + len(batches):
        raise ValueError('a file is named twice')
    return manifest


def _check_label(label: Any) -> int:
    if type(label) is not int or not 0 <= label < 2 ** 31:
        raise ValueError('label %r' % (label,))
    return label


def _check_batch(size: Any) -> int:
    if type(size) is not int or not 1 <= size <= MOST_IMAGES:
        raise ValueError('batch of %r' % (size,))
    return size


def _file(record: Any, folder: str, size: int) -> _File:
    name, digest = record['name'], record['sha256']
    if not isinstance(name, str):
        raise ValueError('file %r' % (name,))
    if os.path.dirname(name) != folder or not name.endswith('.bin'):
        raise ValueError('file %r' % name)
    return _File(name, size, digest)


def _refuse_extra_files(directory: str, known: set) -> None:
    for folder in FOLDERS:
        path = os.path.join(directory, folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
            if name.endswith('.bin') and '%s/%s' % (folder, name) not in known:
                raise UserError('%s: is not in the manifest; delete it, or %s' % (os.path.join(path, name), _AGAIN))


def _read_file(directory: str, file: _File) -> bytes:
    path = os.path.join(directory, file.name)
    content = files.read(path, file.size, _AGAIN)
    if len(content) != file.size:
        raise UserError('%s: expected %d bytes, got %d; %s' % (path, file.size, len(content), _AGAIN))
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise UserError('%s: was altered, its SHA-256 is not the one in the manifest; %s' % (path, _AGAIN))
    return content
