"""Runs a network's file over images: right answers, latency, a CSV line an image.

Letters: n images, B batch, C classes.
"""

import csv
import os
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np

from lenet import platforms
from lenet.data.splits import require_labels_below
from lenet.errors import UsageError
from lenet.export import input_kinds
from lenet.export import latency
from lenet.export import opening
from lenet.export import sidecar
from lenet.export.inputs import Inputs
from lenet.export.network import Answers, Network
from lenet.run import accuracy
from lenet.support import files
from lenet.support import machine
from lenet.support import progress
from lenet.support import stack

DEFAULT_BATCH = 64
_SHOWN = 20  # pictures whose class is printed


class Request(NamedTuple):
    """The flags of lenet.infer; None where one was left alone."""

    model_path: str
    data_dir: Optional[str]
    seed: int
    batch_size: Optional[int]
    warmup: int
    platform: str
    csv_out: Optional[str]
    json_out: Optional[str]
    label_offset: Optional[int] = None
    transpose_images: Optional[bool] = None


def infer(request: Request) -> int:
    """Classifies, writes what was asked for, prints the report; returns how many pictures could not be read.

    Raises:
      UserError: model, images or targets went wrong.
      UsageError: --batch_size contradicts the graph.
    """
    _require_targets(request)
    opened = opening.read_file(request.model_path)
    platform = opened.place(request.platform)
    with opened.network(platforms.inference_config(platform)) as network:
        _check_batch(network.batch, request)
        inputs = _open_inputs(request, opened.dark_on_light, network.num_classes)
        batch = network.batch or request.batch_size or min(DEFAULT_BATCH, len(inputs.images))
        with progress.bar(len(inputs.images), 'inference', 'image') as advance:
            answers = network.answer(inputs.images, batch, advance)
    summary = summarize(request, platform, inputs, answers, batch, network)
    if request.csv_out is not None:
        write_csv(request.csv_out, inputs, answers)
    if request.json_out is not None:
        files.write_json(request.json_out, summary)
    for line in _picture_lines(inputs, answers) + lines(summary):
        progress.answer(line)
    return len(inputs.refused)


def _open_inputs(request: Request, dark_on_light: bool, num_classes: int) -> Inputs:
    """The images; tells of those that could not be read."""
    inputs = input_kinds.open_inputs(request.data_dir, request.seed, request.label_offset, request.transpose_images,
                                     dark_on_light)
    if inputs.labels is not None:
        require_labels_below(num_classes, inputs.labels, inputs.origin,
                             '%s knows no others; take a graph trained on such data' % request.model_path)
    for line in inputs.refused:
        progress.tell('error: ' + line)
    return inputs


def _require_targets(request: Request) -> None:
    described = os.path.realpath(sidecar.path_of(request.model_path))
    for name in ('csv_out', 'json_out'):
        target = getattr(request, name)
        if target is not None and os.path.realpath(target) == described:
            raise UsageError('--%s=%s is the file that describes %s: name another one' %
                             (name, target, request.model_path))


def _check_batch(fixed: Optional[int], request: Request) -> None:
    if fixed is not None and request.batch_size not in (None, fixed):
        raise UsageError('--batch_size=%d: %s was frozen for batches of %d; leave the flag out' %
                         (request.batch_size, request.model_path, fixed))


def summarize(request: Request, platform: str, inputs: Inputs, answers: Answers, batch: int,
              network: Network) -> Dict[str, Any]:
    """All that --json_out holds.

    Args:
      batch: B.
      network: that has answered.
    """
    n, calls = len(inputs.images), len(network.seconds)
    images = [batch] * (calls - 1) + [n - batch * (calls - 1)]
    return {'model': request.model_path, 'platform': platform, 'data': inputs.origin, 'images': n,
            'refused': len(inputs.refused), 'batch_size': batch, 'padding': batch * calls - n,
            'classes': answers.logits.shape[1], 'accuracy': _count_right(inputs.labels, answers.classes),
            'latency': latency.summarize(network.seconds, images, request.warmup, network.call),
            'versions': stack.versions(), 'machine': machine.describe()}


def _count_right(labels: Optional[np.ndarray], classes: np.ndarray) -> Optional[Dict[str, Any]]:
    if labels is None:
        return None
    correct, n = int((classes == labels).sum()), len(labels)
    return {'correct': correct, 'images': n, 'accuracy': correct / n,
            'wilson_95': list(accuracy.wilson_interval(correct, n))}


def write_csv(path: str, inputs: Inputs, answers: Answers) -> None:
    """A header, then a line an image: name, label (empty where it is not known), class, probability of each class.

    Raises:
      UserError: it cannot be written.
    """
    probabilities = ['probability_%d' % index for index in range(answers.probabilities.shape[1])]
    labels = [''] * len(inputs.names) if inputs.labels is None else inputs.labels
    with files.replacing(path) as stream:
        writer = csv.writer(stream, lineterminator='\n')
        writer.writerow(['name', 'label', 'class'] + probabilities)
        # 9 digits tell all float32 values apart.
        for name, label, predicted, row in zip(inputs.names, labels, answers.classes, answers.probabilities):
            writer.writerow([name, label, predicted] + ['%.9g' % value for value in row])


def _picture_lines(inputs: Inputs, answers: Answers) -> List[str]:
    """The answers themselves, where nobody knows the right ones."""
    if inputs.labels is not None:
        return []
    told = ['%s: class %d, probability %.4f' % (name, predicted, row[predicted]) for name, predicted, row
            in zip(inputs.names[:_SHOWN], answers.classes, answers.probabilities)]
    left = len(inputs.names) - len(told)
    return told + ['and %d more; --csv_out=FILE holds all' % left] * (left > 0)


def lines(summary: Dict[str, Any]) -> List[str]:
    """The summary as a terminal shows it."""
    counted = summary['accuracy']
    correct = 'unknown, there are no labels'
    if counted:
        low, high = counted['wilson_95']
        correct = '%.4f (%d of %d), 95 %% interval %.4f to %.4f' % (counted['accuracy'], counted['correct'],
                                                                   counted['images'], low, high)
    padding = ', the last filled up with %d of padding' % summary['padding'] if summary['padding'] else ''
    refused = '; %d more could not be read' % summary['refused'] if summary['refused'] else ''
    return ['model             %s, %d classes, on %s' % (
                summary['model'], summary['classes'],
                'the NPU (never tried on a device)' if summary['platform'] == 'npu' else 'the CPU'),
            'images            %d of %s%s' % (summary['images'], summary['data'], refused),
            'batch             %d images per %s%s' % (summary['batch_size'], summary['latency']['call'], padding),
            'accuracy          ' + correct] + latency.lines(summary['latency'])
