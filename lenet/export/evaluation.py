"""A trained network on labelled images: opened from a checkpoint or a file, asked, counted."""

from typing import Any, NamedTuple, Optional, Tuple

import numpy as np

from lenet import flags
from lenet import platforms
from lenet.data import dataset
from lenet.data.splits import ANY_NUMBER, Split, require_labels_below
from lenet.export import opening
from lenet.export import scoring
from lenet.export.inputs import flatten
from lenet.export.network import Answers, Network
from lenet.support import files
from lenet.support import progress


class Request(NamedTuple):
    """What to evaluate, by the names of the flags."""

    checkpoint: Optional[str]
    model_path: Optional[str]
    output_dir: str
    activation: Optional[str]
    data_path: Optional[str]
    seed: int
    split: str
    batch_size: int
    platform: str
    json_out: Optional[str]
    label_offset: Optional[int] = None
    transpose_images: Optional[bool] = None


def evaluate(request: Request) -> None:
    """Counts the right answers on all images of a split, prints and writes the report.

    Raises:
      UserError: the network or the data cannot be read, do not fit each other, or the report cannot be written.
    """
    if request.json_out is not None:
        files.require_file_name(request.json_out)  # before the work
    platform = platforms.resolve(request.platform)
    config = platforms.inference_config(platform)
    opened = opening.read_network(request.model_path, request.checkpoint, request.output_dir, request.activation,
                                  flags.PLATFORM_DEFAULTS[platform]['conv'])
    opened.place(request.platform)
    with opened.network(config) as network:
        split, source = open_split(request, request.split, network.num_classes, opened.name)
        progress.answer('%s on the %d %s images of %s' % (opened.name, len(split.labels), request.split, source))
        answers = ask(network, split.images, request.batch_size)
    counts, wrong = scoring.count(answers, split.labels), scoring.mistakes(answers, split.labels)
    if request.json_out is not None:
        files.write_json(request.json_out, scoring.report(counts, wrong))
    for line in scoring.lines(counts, wrong):
        progress.answer(line)


def open_split(request: Any, name: str, num_classes: int, network_name: str) -> Tuple[Split, str]:
    """Opens the images to ask a network about.

    Args:
      request: with the flags that dataset.open_for takes.
      name: 'train' or 'test'.
      num_classes: of the network.
      network_name: what errors call the network.

    Returns:
      The split, and where it comes from.

    Raises:
      UserError: there are no such data, or they have labels that the network cannot answer.
    """
    data = dataset.open_for(request, ANY_NUMBER)
    split: Split = getattr(data, name)
    require_labels_below(num_classes, split.labels, '%s, %s split' % (data.origin, name),
                         '%s knows no others; give the data that it was trained for' % network_name)
    return split, data.origin


def ask(network: Network, images: np.ndarray, batch_size: int) -> Answers:
    """The network's answers, below a progress bar.

    Args:
      images: uint8 [n, 28, 28, 1].

    Raises:
      UserError: as Network.answer.
    """
    with progress.bar(len(images), 'evaluating', 'images') as advance:
        return network.answer(flatten(images), batch_size, advance)
