"""Where a data set lies: four IDX files or an .npz file, in a folder or up to two below it, where torchvision's are."""

import os
from typing import List, NamedTuple, Optional

from lenet.data import idx
from lenet.data import npz
from lenet.errors import UserError

_LEVELS = 3  # a folder and two below: torchvision's ROOT/MNIST/raw
_SHOWN = 6  # data sets that an error names


class Found(NamedTuple):
    """A data set that is there, whole or not."""

    name: str  # what it is called: its folder, with the prefix of its files' names where they have one; its .npz file
    folder: Optional[str]  # None for an .npz file
    prefix: str
    whole: bool


def locate(path: str, name: str) -> Found:
    """The one data set that a path means.

    Args:
      path: a directory; an .npz file; a directory with a prefix of names, as DIR/emnist-letters.
      name: what errors call the path.

    Raises:
      UserError: there is none, or more than one.
    """
    if os.path.isfile(path):
        if path.endswith('.npz'):
            return Found(path, None, '', True)
        raise UserError('%s: expected a directory or an .npz file, got another file; '
                        'pass the directory that holds it' % name)
    if os.path.isdir(path):
        return _search(path, name) or _none(name)
    if os.path.lexists(path):
        raise UserError('%s: expected a directory or an .npz file, got something else; correct it' % name)
    found = by_prefix(path, name)
    if found is None:
        raise UserError('%s: expected a directory or an .npz file, got a path that does not exist; '
                        'correct it, or leave it out to fetch MNIST' % name)
    return found


def by_prefix(path: str, name: str) -> Optional[Found]:
    """The data set that a path such as DIR/emnist-letters means, None for none; arguments and errors as of locate."""
    folder, prefix = os.path.split(path.rstrip(os.sep))
    return _only(in_folder(folder or '.', prefix), name) if prefix else None


def in_folder(folder: str, prefix: Optional[str] = None) -> List[Found]:
    """The data sets in this very folder.

    MNIST's own names go before all others, whole sets before what lacks files.

    Args:
      prefix: of the names to look for, None for all.
    """
    found = [Found(os.path.join(folder, its) if its else folder, folder, its, None not in paths)
             for its, paths in idx.find(folder).items() if prefix in (None, its)]
    whole = [one for one in found if one.whole]
    plain = [one for one in whole if not one.prefix]
    archive = os.path.join(folder, npz.FILE_NAME)
    if not plain and prefix is None and os.path.isfile(archive):
        whole.append(Found(archive, None, '', True))
    return plain or whole or found


def _search(folder: str, name: str) -> Optional[Found]:
    """Level by level, what is whole before what lacks files."""
    level: List[str] = [folder]
    partial: List[Found] = []
    for depth in range(_LEVELS):
        if depth:
            level = [below for path in level for below in _folders(path, name if depth == 1 else None)]
        found = [one for path in level for one in in_folder(path)]
        whole = [one for one in found if one.whole]
        if whole:
            return _only(whole, name)
        partial = partial or found
    return _only(partial, name)


def _folders(path: str, name: Optional[str] = None) -> List[str]:
    """The folders in a folder; one that cannot be listed is an error if it has a name, and empty otherwise."""
    try:
        return sorted(entry.path for entry in os.scandir(path) if os.path.isdir(entry.path))
    except OSError as error:
        if name is None:
            return []
        raise UserError('%s: cannot be listed (%s); check its permissions' % (name, error.strerror))


def _only(found: List[Found], name: str) -> Optional[Found]:
    if len(found) > 1:
        more = ' and %d more' % (len(found) - _SHOWN) if len(found) > _SHOWN else ''
        raise UserError('%s: expected one data set, got %s%s; pass one of them'
                        % (name, ' and '.join(one.name for one in found[:_SHOWN]), more))
    return found[0] if found else None


def _none(name: str) -> Found:
    raise UserError('%s: expected the four MNIST files (%s; raw or .gz) or %s, there or up to two folders '
                    'down, got none of them; correct it, or leave it out to fetch MNIST'
                    % (name, ', '.join(idx.NAMES), npz.FILE_NAME))
