"""From a checkpoint to files that other programs load, through a gate: what is written has answered every test image
as the checkpoint does."""

import contextlib
import os
from typing import Callable, Iterator, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from lenet import platforms
from lenet.errors import UserError, first_line
from lenet.export import evaluation
from lenet.export import frozen
from lenet.export import onnx_file
from lenet.export import opening
from lenet.export import parity
from lenet.export import quantization
from lenet.export import saved_model
from lenet.export import sidecar
from lenet.export import tflite
from lenet.export import trained
from lenet.export.gate import Gate
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
    tolerance_accuracy: float
    label_offset: Optional[int] = None
    transpose_images: Optional[bool] = None
    tflite: Optional[str] = None
    tflite_int8: Optional[str] = None
    onnx: Optional[str] = None


class _File(NamedTuple):
    """A file to be written."""

    name: str
    convolution: str  # as in model.Form
    make: Callable[[], bytes]


def export(request: Request) -> None:
    """Writes the .pb and what else is asked for, with their sidecars.

    They are first written into temporary directories, read back and compared with the checkpoint. The final names are
    given only when all have passed.

    Raises:
      UserError: the checkpoint or the data cannot be read, the targets cannot be written, a package is missing, or an
        export answers otherwise than the checkpoint; what was there before is untouched then.
    """
    config = platforms.inference_config('cpu')
    if request.onnx is not None:
        onnx_file.require_packages('--onnx=%s:' % request.onnx, *onnx_file.WRITING)
    trained_network = trained.load(request.checkpoint, request.output_dir, request.activation)
    progress.say('%s: %s, %d classes, %s' % (
        trained_network.path, trained_network.activation, trained_network.num_classes,
        'steps unknown' if trained_network.steps_run is None else 'after %d steps' % trained_network.steps_run))
    targets = _files(request, trained_network)
    _require_places(request, targets)
    with contextlib.ExitStack() as stack:
        scratch = [stack.enter_context(files.scratch_beside(file.name)) for file in targets]
        models = [] if request.saved_model is None else [request.saved_model]
        scratch_of_models = [stack.enter_context(files.scratch_beside(name)) for name in models]
        gate = _gate(request, trained_network, config)
        staged = [_stage(gate, file, directory, config) for file, directory in zip(targets, scratch)]
        staged_models = [_stage_saved_model(gate, request, directory, config) for directory in scratch_of_models]
        with signals.held(), _writing(request.pb_path):
            sidecars = sidecar.publish(staged)
            for temporary, name in zip(staged_models, models):
                saved_model.replace(temporary, name)
    progress.say('wrote %s' % ', '.join([file.name for file in targets] + sidecars + models))


def _gate(request: Request, network: trained.Trained, config: tf.ConfigProto) -> Gate:
    split, source = evaluation.open_split(request, 'test', network.num_classes, network.path)
    return Gate(network, split, source, parity.checkpoint_logits(network, split, config), request.tolerance,
                request.tolerance_accuracy)


def _build(network: trained.Trained, convolution: str, batch: Optional[int]) -> tf.GraphDef:
    return frozen.build(network.weights, model.Form(network.activation, convolution), batch)


def _files(request: Request, network: trained.Trained) -> List[_File]:
    """All but the SavedModel, the .pb first. Runtimes other than TensorFlow get convolutions as they are written."""
    batch = request.batch or 1  # TFLite plans its memory for a fixed one

    def quantize() -> bytes:
        images, _ = evaluation.open_split(request, 'train', network.num_classes, network.path)
        return quantization.convert(_build(network, 'direct', batch), batch, quantization.choose(images.images,
                                                                                                 request.seed))
    made = [_File(request.pb_path, request.conv,
                  lambda: _build(network, request.conv, request.batch).SerializeToString(deterministic=True)),
            _File(request.tflite, 'direct', lambda: tflite.convert_floats(_build(network, 'direct', batch))),
            _File(request.tflite_int8, 'direct', quantize),
            _File(request.onnx, 'direct', lambda: onnx_file.convert(_build(network, 'direct', request.batch)))]
    return [file for file in made if file.name is not None]


def _require_places(request: Request, targets: List[_File]) -> None:
    """
    Raises:
      UserError: a final name cannot be given.
    """
    for file in targets:
        files.require_file_name(file.name)
        files.require_file_name(sidecar.path_of(file.name))
        sidecar.require_place(sidecar.path_of(file.name))
    if request.saved_model is not None:
        saved_model.require_place(request.saved_model)


def _stage(gate: Gate, file: _File, scratch: str, config: tf.ConfigProto) -> sidecar.Staged:
    """Writes and checks a file in `scratch`."""
    path = os.path.join(scratch, os.path.basename(file.name))
    content = file.make()
    with _writing(file.name):
        files.write_flushed(path, content)
    with opening.open_staged(path, config, file.name) as network:
        return sidecar.Staged(path, file.name, gate.check(network, path, file.name, file.convolution))


def _stage_saved_model(gate: Gate, request: Request, scratch: str, config: tf.ConfigProto) -> str:
    """Writes and checks the SavedModel in `scratch`; returns its path."""
    name, path = request.saved_model, os.path.join(scratch, 'staged')
    with _writing(name):
        saved_model.write(_build(gate.trained_network, request.conv, request.batch), path)
    with saved_model.open_network(path, config, name) as network:
        contents = gate.check(network, os.path.join(path, saved_model.GRAPH), name, request.conv)
    with _writing(name):
        os.makedirs(os.path.dirname(os.path.join(path, saved_model.SIDECAR)))
        files.write_flushed(os.path.join(path, saved_model.SIDECAR), strict_json.text(contents).encode())
        files.flush(os.path.join(path, saved_model.GRAPH))
    return path


@contextlib.contextmanager
def _writing(name: str) -> Iterator[None]:
    """Errors of writing, in the name of what is written, not of its temporary file."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, 'strerror', None) or first_line(error).split('; ')[-1]  # without the file
        raise UserError('%s: cannot be written (%s)' % (name, reason))
