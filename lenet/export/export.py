"""From a checkpoint to files that other programs load, through a gate: what is written has answered every test image
as the checkpoint does."""

import contextlib
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from lenet import platforms
from lenet.data.splits import Split
from lenet.errors import UserError, first_line
from lenet.export import evaluation
from lenet.export import frozen
from lenet.export import parity
from lenet.export import saved_model
from lenet.export import scoring
from lenet.export import sidecar
from lenet.export import trained
from lenet.graph import model
from lenet.support import files
from lenet.support import progress
from lenet.support import signals
from lenet.support import strict_json


class Request(NamedTuple):
    """What to export, by the names of the flags."""

    checkpoint: Optional[str]
    output_dir: str
    activation: Optional[str]
    pb_path: str
    batch: Optional[int]
    conv: str
    saved_model: Optional[str]
    data_path: Optional[str]
    seed: int
    tolerance: float
    label_offset: Optional[int] = None
    transpose_images: Optional[bool] = None


class _Gate(NamedTuple):
    """What an export is held against."""

    request: Request
    trained_network: trained.Trained
    config: tf.ConfigProto
    split: Split
    source: str  # of the split
    expected: np.ndarray  # the checkpoint's logits, float32 [n, C]

    def check(self, network: frozen.Network, pb_path: str, name: str) -> Dict[str, Any]:
        """Lets a network that was read back from its file answer all images.

        Args:
          pb_path: the file, where it lies now.
          name: what it will be called.

        Returns:
          Its sidecar's contents.

        Raises:
          UserError: it answers otherwise than the checkpoint.
        """
        answers = evaluation.ask(network, self.split.images, parity.BATCH, name)
        difference = parity.compare(self.expected, answers.logits)
        counts = scoring.count(answers, self.split.labels)
        progress.say('%s: largest logit difference %.3g (--tolerance=%g), %d of %d predictions changed, test accuracy '
                     '%.4f (%d of %d)' % (name, difference.largest_difference, self.request.tolerance,
                                          difference.predictions_changed, difference.images, counts.accuracy,
                                          counts.correct, counts.images))
        parity.require(difference, self.request.tolerance, name)
        contents = sidecar.describe(pb_path, network.nodes(), self.trained_network, self.request.conv)
        contents.update(sidecar.results(counts, self.source, difference, self.request.tolerance))
        return contents


def export(request: Request) -> None:
    """Writes the .pb with its sidecar and, where one is asked for, the SavedModel.

    They are first written into temporary directories, read back and compared with the checkpoint. The final names are
    given only when all have passed.

    Raises:
      UserError: the checkpoint or the data cannot be read, the targets cannot be written, or an export answers
        otherwise than the checkpoint; what was there before is untouched then.
    """
    config = platforms.inference_config('cpu')
    trained_network = trained.load(request.checkpoint, request.output_dir, request.activation)
    progress.say('%s: %s, %d classes, %s' % (
        trained_network.path, trained_network.activation, trained_network.num_classes,
        'steps unknown' if trained_network.steps_run is None else 'after %d steps' % trained_network.steps_run))
    targets = _targets(request)
    with contextlib.ExitStack() as stack:
        scratch = {name: stack.enter_context(files.scratch_beside(name)) for name in targets}
        split, source = evaluation.open_split(request, 'test', trained_network.num_classes, trained_network.path)
        expected = parity.checkpoint_logits(trained_network, split, config)
        gate = _Gate(request, trained_network, config, split, source, expected)
        form = model.Form(trained_network.activation, request.conv)
        graph_def = frozen.build(trained_network.weights, form, request.batch)
        staged_pb = _stage_pb(gate, graph_def, scratch[request.pb_path])
        if request.saved_model is not None:
            staged_model = _stage_saved_model(gate, graph_def, scratch[request.saved_model])
        with signals.held(), _writing(request.pb_path):
            sidecar.replace_pair((staged_pb, request.pb_path),
                                 (sidecar.path_of(staged_pb), sidecar.path_of(request.pb_path)))
            if request.saved_model is not None:
                saved_model.replace(staged_model, request.saved_model)
    progress.say('wrote %s' % ', '.join(targets[:1] + [sidecar.path_of(request.pb_path)] + targets[1:]))


def _targets(request: Request) -> List[str]:
    """The final names.

    Raises:
      UserError: one cannot be written.
    """
    files.require_file_name(request.pb_path)
    files.require_file_name(sidecar.path_of(request.pb_path))
    sidecar.require_place(sidecar.path_of(request.pb_path))
    if request.saved_model is None:
        return [request.pb_path]
    saved_model.require_place(request.saved_model)
    return [request.pb_path, request.saved_model]


def _stage_pb(gate: _Gate, graph_def: tf.GraphDef, scratch: str) -> str:
    """Writes and checks the .pb and its sidecar in `scratch`; returns the former's path."""
    name = gate.request.pb_path
    path = os.path.join(scratch, os.path.basename(name))
    with _writing(name):
        _write(path, graph_def.SerializeToString(deterministic=True))
    with frozen.open_network(frozen.parse(path), gate.config, name) as network:
        contents = gate.check(network, path, name)
    with _writing(name):
        _write(sidecar.path_of(path), strict_json.text(contents).encode())
    return path


def _stage_saved_model(gate: _Gate, graph_def: tf.GraphDef, scratch: str) -> str:
    """Writes and checks the SavedModel in `scratch`; returns its path."""
    name = gate.request.saved_model
    path = os.path.join(scratch, 'staged')
    with _writing(name):
        saved_model.write(graph_def, path)
    with saved_model.open_network(path, gate.config, name) as network:
        contents = gate.check(network, os.path.join(path, saved_model.GRAPH), name)
    with _writing(name):
        os.makedirs(os.path.dirname(os.path.join(path, saved_model.SIDECAR)))
        _write(os.path.join(path, saved_model.SIDECAR), strict_json.text(contents).encode())
        files.flush(os.path.join(path, saved_model.GRAPH))
    return path


def _write(path: str, content: bytes) -> None:
    with open(path, 'wb') as stream:
        stream.write(content)
    files.flush(path)


@contextlib.contextmanager
def _writing(name: str) -> Iterator[None]:
    """Errors of writing, in the name of what is written, not of its temporary file."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, 'strerror', None) or first_line(error).split('; ')[-1]  # without the file
        raise UserError('%s: cannot be written (%s)' % (name, reason))
