"""Every reader of a file gives a value of its promised form, or a UserError that names the file in one line; whatever
the file holds, and whatever has its name."""

import ast
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.errors import UserError
from tests import damage
from tests import readers
from tests import test_house
from tests.readers import data as readers_of_data
from tests.readers import exports
from tests.readers import others
from tests.readers import runs

ALL = dict(**readers_of_data.READERS, **exports.READERS, **runs.READERS, **others.READERS)
READERS = pytest.mark.parametrize('name', sorted(ALL))
_made = {}


@pytest.fixture
def place(name, tmp_path_factory):
    """A Place, made once, whose file is right again at the end."""
    reader = ALL[name]
    if name not in _made:
        _made[name] = Place(reader, str(tmp_path_factory.mktemp('place')))
    yield _made[name]
    readers.put(reader.file, _made[name].valid)(_made[name].folder)


class Place:
    """The folder of a reader with its right file, what that holds, and what it may hold instead."""

    def __init__(self, reader, folder):
        reader.make(folder)
        self.folder, self.valid = folder, readers.content(folder, reader.file)
        self.contents = damage.contents(self.valid, reader.is_json)


def read(reader, folder):
    """The value, None after an error; fails if it is not of its form, or the error does not keep its promise."""
    try:
        value = reader.read(folder)
    except UserError as error:
        message = str(error)
        assert (reader.file if reader.names is None else reader.names) in message and folder in message
        assert message.isprintable() and len(message) < 5000
        return None
    assert reader.is_right(value)
    return value


@READERS
def test_a_right_file_is_read(name, place):
    ALL[name].read(place.folder)


@READERS
@given(data=st.data())
def test_any_content_is_read_or_refused(name, place, data):
    reader = ALL[name]
    content = data.draw(place.contents)
    readers.put(reader.file, content)(place.folder)
    read(reader, place.folder)


STRANGE = {'directory': os.mkdir, 'pipe': os.mkfifo, 'endless': lambda path: os.symlink('/dev/zero', path),
           'missing': lambda path: None}
CHANGED = {'with 40 GB of nothing behind it': lambda path: os.truncate(path, 40 << 30)}
if os.geteuid() != 0:  # root reads everything
    CHANGED['forbidden'] = lambda path: os.chmod(path, 0)


@pytest.mark.parametrize('name', sorted(name for name, reader in ALL.items() if reader.is_file))
@pytest.mark.parametrize('what', [*STRANGE, *CHANGED])
def test_whatever_has_the_name_is_read_or_refused_at_once(name, what, place):
    reader = ALL[name]
    path = os.path.join(place.folder, reader.file)
    if what not in CHANGED:
        os.unlink(path)
    dict(CHANGED, **STRANGE)[what](path)
    value = read(reader, place.folder)
    assert value is None or reader.does_without or what in CHANGED


# Calls that open a file for reading, or whose library does.
OPENS = re.compile(
    r'(os\.|io\.|codecs\.|gzip\.|bz2\.|lzma\.|tarfile\.|Image\.)?(open|fdopen)|(json|pickle)\.load|(gzip\.)?GzipFile|'
    r'(zipfile\.)?ZipFile|(np|numpy)\.(load|loadtxt|genfromtxt|fromfile|memmap)|'
    r'.*\.(read_text|read_bytes|load_checkpoint|restore|saved_model\.load|summary_iterator|gfile\..*|imread)')
# Where they stand elsewhere than in lenet/support/files.py, and why no file of a user gets there without its guard.
ELSEWHERE = {
    'lenet.data.idx: gzip.GzipFile': 'of an open file, from the guard',
    'lenet.data.npm: tarfile.open': 'of an open file, from the guard',
    'lenet.data.npz: zipfile.ZipFile': 'of an open file, from the guard',
    'lenet.export.parity: .restore': 'of a checkpoint that has been read before',
    'lenet.export.saved_model: tf.saved_model.load': 'of what this process has just written',
    'lenet.export.trial: open': 'what the system tells of this process',
    'lenet.export.trial: os.open': 'the null device',
    'lenet.export.trial: os.fdopen': 'a pipe of its own',
    'lenet.photo.picture: Image.open': 'of an open file, from the guard',
    'lenet.report.writing: open': "the program's own style and scripts",
    'lenet.run.checkpoint: tf.train.load_checkpoint': 'requires regular files first',
    'lenet.run.saving: self._restorer.restore': 'requires regular files first',
    'lenet.run.trainer: checkpoints.restore': "lenet.run.saving's",
    'lenet.support.locks: os.open': 'reads nothing',
    'lenet.support.locks: os.fdopen': 'reads nothing',
    'lenet.support.quiet: os.fdopen': 'a pipe of its own',
    'lenet.support.scratch: os.open': 'reads nothing',
    'lenet.support.streams: os.open': 'the null device',
    'lenet.support.streams: open': 'standard input',
    'bench.peer_loop: np.load': 'knows nothing of lenet; requires a regular file first',
    'bench.proof: np.load': 'of an open file, from the guard',
}


def _name_of(called):
    parts = []
    while isinstance(called, ast.Attribute):
        parts.append(called.attr)
        called = called.value
    return '.'.join(([called.id] if isinstance(called, ast.Name) else ['']) + parts[::-1])


def _writes(call):
    return any(re.search("='[wax]b?'", ast.dump(argument)) for argument in call.args[1:2])


def test_every_reader_goes_through_the_guard():
    """What is new here belongs into lenet/support/files.py's hands and into tests/readers; or above, with a reason."""
    found = set()
    for module, path in {**test_house.MODULES, **test_house.BENCH}.items():
        for node in ast.walk(ast.parse(test_house.text_of(path))):
            if isinstance(node, ast.Call) and OPENS.fullmatch(_name_of(node.func)) and not _writes(node):
                found.add('%s: %s' % (module, _name_of(node.func)))
    assert {one for one in found if not one.startswith('lenet.support.files: ')} == set(ELSEWHERE)
