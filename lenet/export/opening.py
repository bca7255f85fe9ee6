"""The network that a command is to ask: of a .pb, or of a checkpoint, as one graph."""

from typing import NamedTuple, Optional

import tensorflow.compat.v1 as tf

from lenet.export import frozen
from lenet.export import trained
from lenet.graph import model


class Opened(NamedTuple):
    """A network as a graph that frozen.open_network takes."""

    graph_def: tf.GraphDef
    name: str  # what to call it
    dark_on_light: bool  # how it was shown its digits


def read_network(model_path: Optional[str], checkpoint: Optional[str], output_dir: str, activation: Optional[str],
                 convolution: str = 'direct') -> Opened:
    """
    Args:
      model_path: of a .pb; the others count where it is None, as trained.load takes them.
      convolution: as in model.Form.

    Raises:
      UserError: there is no such network, or it is damaged.
    """
    if model_path is not None:
        graph_def, described = frozen.read_described(model_path)
        return Opened(graph_def, model_path, described.get('dark_on_light') is True)
    network = trained.load(checkpoint, output_dir, activation)
    form = model.Form(network.activation, convolution)
    return Opened(frozen.build(network.weights, form), network.path, network.dark_on_light)
