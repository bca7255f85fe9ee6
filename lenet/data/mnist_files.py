"""What MNIST is, byte for byte, and what every source of it shares."""

import hashlib
from typing import NamedTuple


class SourceError(Exception):
    """A source did not give what it was asked for; the message says in a few words what it gave instead."""


class RawFile(NamedTuple):
    """One raw IDX file, known by its content."""

    name: str
    size: int  # bytes
    sha256: str


MNIST = (
    RawFile('train-images-idx3-ubyte', 47040016, 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db'),
    RawFile('train-labels-idx1-ubyte', 60008, '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5'),
    RawFile('t10k-images-idx3-ubyte', 7840016, '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7'),
    RawFile('t10k-labels-idx1-ubyte', 10008, 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2'),
)


def check(file: RawFile, content: bytes) -> None:
    """Compares `content` with what `file` has to be.

    Raises:
      SourceError: its size or SHA-256 differs.
    """
    if len(content) != file.size:
        raise SourceError('%s: expected %d bytes, got %d' % (file.name, file.size, len(content)))
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise SourceError('%s: expected sha256 %s, got %s' % (file.name, file.sha256, digest))
