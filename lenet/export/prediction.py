"""A trained network that says which digits pictures show.

Letters: C classes.
"""

import contextlib
import json
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from lenet import platforms
from lenet.errors import UserError
from lenet.export import inputs
from lenet.export import opening
from lenet.export.network import Network
from lenet.photo import picture
from lenet.run import checkpoint

AT_A_TIME = 64  # pictures: the first answers do not wait for the last picture


class Request(NamedTuple):
    """Which network, by the names of the flags."""

    model_path: Optional[str]
    checkpoint: Optional[str]
    output_dir: str
    activation: Optional[str]


class Prediction(NamedTuple):
    """What the network says of one digit."""

    path: str
    image: np.ndarray  # uint8 [28, 28, 1], what it saw
    probabilities: np.ndarray  # float32 [C]


@contextlib.contextmanager
def open_network(request: Request) -> Iterator[Tuple[Network, bool]]:
    """The network of --model_path, or of a checkpoint, on the CPU, and whether it learned digits dark on light.

    Raises:
      UserError: there is no such network, or it is damaged.
    """
    if request.model_path is None:
        _require_checkpoint(request)
    opened = opening.read_network(*request)
    with opened.network(platforms.inference_config('cpu')) as network:
        yield network, opened.dark_on_light


def _require_checkpoint(request: Request) -> None:
    """Raises UserError where nothing tells which network to take, and --output_dir holds none."""
    if request.checkpoint is None and not checkpoint.find_all(request.output_dir):
        raise UserError('--output_dir=%s: holds no checkpoint; train first (./run_1p.sh), or give --checkpoint or '
                        '--model_path' % request.output_dir)


def predict(network: Network, dark_on_light: bool, paths: List[str],
            refuse: Callable[[UserError], None], several: bool = False) -> Iterator[List[Prediction]]:
    """Reads pictures and answers them, in their order; `refuse` gets the error of each one that cannot be read.

    Yields:
      the answer to each picture: one digit or, if there may be `several`, those from left to right.
    """
    for start in range(0, len(paths), AT_A_TIME):
        pictures = list(_read(paths[start:start + AT_A_TIME], refuse, several))
        if pictures:
            images = inputs.shown_to(np.concatenate([digits for _, digits in pictures]), dark_on_light)
            answers = zip(images, network.answer(inputs.flatten(images), AT_A_TIME).probabilities)
            for path, digits in pictures:
                yield [Prediction(path, *next(answers)) for _ in digits]


def _read(paths: List[str], refuse: Callable[[UserError], None], several: bool) -> Iterator[Tuple[str, np.ndarray]]:
    """The paths and the digits, uint8 [n, 28, 28, 1], of the pictures that can be read."""
    for path in paths:
        try:
            yield path, np.stack(picture.digits_of(path) if several else [picture.as_mnist(path)])
        except UserError as error:
            refuse(error)


def as_json(digits: List[Prediction], several: bool = False) -> str:
    """One line; bytes of the name that are no text stay as \\udcXX. Where there may be `several`, lists of all."""
    classes = [int(digit.probabilities.argmax()) for digit in digits]
    probabilities = [[round(float(p), 6) for p in digit.probabilities] for digit in digits]
    answer = {'classes': classes, 'probabilities': probabilities} if several else {
        'class': classes[0], 'probabilities': probabilities[0]}
    return json.dumps(dict(file=digits[0].path, **answer))
