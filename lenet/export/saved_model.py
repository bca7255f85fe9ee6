"""A SavedModel of the frozen graph: signature serving_default, nodes and names of lenet/export/frozen.py."""

import contextlib
import os
from typing import Any, Iterator

import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.export import frozen
from lenet.export.network import CLASS, INPUT, LOGITS, PROBABILITIES, Network, converting_errors
from lenet.support import files
from lenet.support import scratch

TAG = tf.saved_model.SERVING
SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
GRAPH = 'saved_model.pb'
SIDECAR = os.path.join('assets.extra', 'lenet.json')  # TensorFlow's place for what others add; tells ours from others

_FILES = (GRAPH, 'variables', os.path.dirname(SIDECAR), SIDECAR)  # of ours, which has no variables


def write(graph_def: tf.GraphDef, directory: str) -> None:
    """Writes a SavedModel into `directory`, which must not exist."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.import_graph_def(graph_def, name='')

        def tensors(*names: str) -> dict:
            return {name: graph.get_tensor_by_name(name + ':0') for name in names}

        signature = tf.saved_model.predict_signature_def(
            tensors(INPUT), tensors(LOGITS, PROBABILITIES, CLASS))
        builder = tf.saved_model.Builder(directory)
        builder.add_meta_graph_and_variables(session, [TAG], {SIGNATURE: signature}, strip_default_attrs=True)
        builder.save()


@contextlib.contextmanager
def open_network(directory: str, config: Any, name: str) -> Iterator[Network]:
    """Opens a session on a SavedModel as serving would: the signature says which tensors to feed and to fetch.

    Args:
      config: a ConfigProto.
      name: what errors call it.

    Raises:
      UserError: it cannot be loaded, or has another signature.
    """
    with tf.Graph().as_default() as graph, tf.Session(config=config) as session:
        with converting_errors(name, 'TensorFlow', OSError, *frozen.IMPORT_ERRORS):
            loaded = tf.saved_model.load(session, [TAG], directory)
            signature = loaded.signature_def[SIGNATURE]
            for node, tensor in list(signature.inputs.items()) + list(signature.outputs.items()):
                if tensor.name != node + ':0':
                    raise ValueError('%s of its signature is %s' % (node, tensor.name))
            network = frozen.GraphNetwork(session, graph, name)
        yield network


def require_place(directory: str) -> None:
    """
    Raises:
      UserError: a SavedModel cannot be put there, or would replace something else.
    """
    parent = os.path.dirname(directory) or '.'
    if not os.path.isdir(parent):
        raise UserError('--saved_model=%s: there is no directory %s; make it, or choose another place' %
                        (directory, parent))
    if os.path.lexists(directory) and not os.path.isdir(directory):
        raise UserError('--saved_model=%s: a file has this name; choose another one' % directory)
    try:
        is_ours = os.path.isfile(os.path.join(directory, SIDECAR))
        stranger = files.find_stranger(directory, _FILES if is_ours else ()) if os.path.isdir(directory) else None
    except OSError as error:
        raise UserError('--saved_model=%s: cannot be listed (%s); choose another place' % (directory, error.strerror))
    if stranger is not None:
        raise UserError('--saved_model=%s: holds something else than a SavedModel of this program, %s, which stays; '
                        'choose another directory' % (directory, stranger))


def replace(staged: str, directory: str) -> None:
    """Renames a whole SavedModel to its final name.

    Args:
      staged: in a temporary directory, which keeps a former one that was there.

    Raises:
      UserError: see require_place.
      OSError: it cannot be renamed.
    """
    require_place(directory)
    scratch.put_in_place(staged, directory)
