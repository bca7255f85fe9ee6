"""The network that a command is to ask: of a file in any of our formats, or of a checkpoint."""

import contextlib
from typing import Any, ContextManager, Iterator, NamedTuple, Optional

from lenet import platforms
from lenet.errors import UsageError
from lenet.export import frozen
from lenet.export import onnx_file
from lenet.export import sidecar
from lenet.export import tflite
from lenet.export import trained
from lenet.export.network import Network
from lenet.graph import model
from lenet.support import files

LARGEST = 2 ** 28  # bytes of a file; LeNet's has half a million
_FORMATS = (tflite, onnx_file, frozen)  # the last one takes what no other recognizes, and says what is wrong with it


class Opened(NamedTuple):
    """A network that has been read, and looked at, but not run."""

    format: Any  # one of _FORMATS
    parsed: Any  # as its open_network takes it
    name: str  # what to call it
    dark_on_light: bool  # how it was shown its digits

    def place(self, platform: str) -> str:
        """Where it runs: 'cpu' or 'npu'.

        Args:
          platform: the flag's value.

        Raises:
          UsageError: it cannot run there.
        """
        if self.format is frozen:
            return platforms.resolve(platform)
        if platform == 'npu':
            raise UsageError('--platform=npu: %s runs on the CPU alone; leave the flag out, or take a .pb' % self.name)
        return 'cpu'

    def network(self, config: Any) -> ContextManager[Network]:
        """Opens it.

        Args:
          config: a ConfigProto, for graphs of TensorFlow.

        Raises:
          UserError: its runtime cannot run it.
        """
        return self.format.open_network(self.parsed, config, self.name)


def read_network(model_path: Optional[str], checkpoint: Optional[str], output_dir: str, activation: Optional[str],
                 convolution: str = 'direct') -> Opened:
    """
    Args:
      model_path: of a file; the others count where it is None, as trained.load takes them.
      convolution: as in model.Form.

    Raises:
      UserError: there is no such network, or it is damaged.
    """
    if model_path is not None:
        return read_file(model_path)
    network = trained.load(checkpoint, output_dir, activation)
    form = model.Form(network.activation, convolution)
    return Opened(frozen, frozen.build(network.weights, form), network.path, network.dark_on_light)


def read_file(path: str) -> Opened:
    """Reads a file, which its sidecar must describe where there is one, and tells where there is none.

    Raises:
      UserError: it cannot be read, is not the file that its sidecar describes, or its format refuses it.
    """
    content = _read(path)
    described = sidecar.read(path, content)
    opened = _parse(content, path)
    if not described:
        sidecar.warn_of_none(path)
    return opened._replace(dark_on_light=described.get('dark_on_light') is True)


@contextlib.contextmanager
def open_staged(path: str, config: Any, name: str) -> Iterator[Network]:
    """Opens a file that has no sidecar yet, and is to be called `name`.

    Raises:
      UserError: as read_file and Opened.network.
    """
    with _parse(_read(path), name).network(config) as network:
        yield network


def _read(path: str) -> bytes:
    return files.read(path, LARGEST, 'python -m lenet.freeze writes one')


def _parse(content: bytes, name: str) -> Opened:
    chosen = next(format for format in _FORMATS if format.recognizes(content))
    return Opened(chosen, chosen.parse(content, name), name, False)
