"""The one seam for whatever answers images, be it a graph in a session or a file in its own runtime.

A format is a module (frozen, tflite, onnx_file) with three functions: recognizes(content) tells whether a file is of
it, parse(content, path) looks at its bytes without running anything, open_network(parsed, config, name) yields a
Network.

Letters: n images, B batch, C classes.
"""

import abc
import contextlib
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, Type

import numpy as np

from lenet.errors import UserError, first_line
from lenet.export.inputs import PIXELS, pad
from lenet.support import signals

INPUT, LOGITS, PROBABILITIES, CLASS = 'input_image', 'logits', 'probabilities', 'class'


class Answers(NamedTuple):
    """What the network says of n images."""

    logits: np.ndarray  # float32 [n, C]
    probabilities: np.ndarray  # float32 [n, C]
    classes: np.ndarray  # int64 [n]


class Network(abc.ABC):
    """An opened network."""

    runtime = 'TensorFlow'
    call = 'session.run'  # what the runtime names one call
    errors: Tuple[Type[Exception], ...] = (Exception,)  # that the runtime raises

    def __init__(self, name: str) -> None:
        """
        Args:
          name: what errors call the network: its file.

        Raises:
          ValueError: input or outputs are not those of this program.
        """
        self.name = name
        nodes = self.nodes()
        check_nodes(nodes)
        self.batch: Optional[int] = nodes[INPUT]['shape'][0]  # None: any
        self.num_classes: int = nodes[LOGITS]['shape'][1]
        self.seconds: List[float] = []  # of each call so far

    @abc.abstractmethod
    def nodes(self) -> Dict[str, Dict[str, Any]]:
        """Dtype and shape (null where it is free) of input and outputs by their names, ready for JSON; of integers that
        stand for floats also `scale` and `zero_point`: float = scale * (integer - zero_point)."""

    @abc.abstractmethod
    def compute(self, images: np.ndarray) -> Answers:
        """One call of the runtime, whose errors pass.

        Args:
          images: float32 [B, 784] in [0, 1]; B is `batch` where that is fixed.
        """

    def run(self, images: np.ndarray) -> Answers:
        """`compute`, timed.

        Raises:
          UserError: it fails, or the answers are not one an image, or of other classes than the network has.
        """
        with converting_errors(self.name, self.runtime, ValueError, *self.errors):
            began = time.perf_counter()
            answers = self.compute(images)
            self.seconds.append(time.perf_counter() - began)
            _check_answers(answers, len(images), self.num_classes)
        return answers

    def try_one(self) -> None:
        """Answers one batch of black images."""
        self.compute(np.zeros([self.batch or 1, PIXELS], np.float32))

    def answer(self, images: np.ndarray, batch_size: int,
               advance: Callable[[int], Any] = lambda count: None) -> Answers:
        """Answers all images, batch by batch; the last one is filled up with zeros, whose answers are dropped.

        A signal stops it between batches, and after a while, also while the runtime computes.

        Args:
          images: float32 [n, 784] in [0, 1], n >= 1.
          batch_size: B where `batch` is None.
          advance: called after each batch with the number of its images.

        Raises:
          UserError: as `run`, or an answer is NaN or infinite.
        """
        return signals.interruptible(lambda: self._answer(images, batch_size, advance))

    def _answer(self, images: np.ndarray, batch_size: int, advance: Callable[[int], Any]) -> Answers:
        size = self.batch or batch_size
        parts = []
        for start in range(0, len(images), size):
            part = images[start:start + size]
            answers = self.run(pad(part, size))
            parts.append(Answers(*(array[:len(part)] for array in answers)))
            advance(len(part))
        answers = Answers(*(np.concatenate(arrays) for arrays in zip(*parts)))
        finite = np.isfinite(answers.logits) & np.isfinite(answers.probabilities)
        broken = np.flatnonzero(~finite.all(axis=1))
        if broken.size:
            raise UserError('%s: its answer to image %d (and %d more) is NaN or infinite; its weights are damaged, or '
                            'too large for this precision' % (self.name, broken[0], broken.size - 1))
        return answers


def _check_answers(answers: Answers, n: int, num_classes: int) -> None:
    """Raises ValueError for what a Network.compute cannot mean."""
    shapes = [array.shape for array in answers]
    if shapes != [(n, num_classes), (n, num_classes), (n,)]:
        raise ValueError('%d images gave answers of the shapes %s' % (n, shapes))
    if not ((0 <= answers.classes) & (answers.classes < num_classes)).all():
        raise ValueError('it answers with classes from %d to %d, and has %d' %
                         (answers.classes.min(), answers.classes.max(), num_classes))


@contextlib.contextmanager
def converting_errors(name: str, runtime: str, *errors: Type[Exception]) -> Iterator[None]:
    """Turns `errors` within the block into a UserError about the network `name`."""
    try:
        yield
    except errors as error:
        raise UserError('%s: is no graph that %s can run (%s); freeze again' % (name, runtime, first_line(error)))


def complete(logits: np.ndarray, outputs: Dict[str, np.ndarray]) -> Answers:
    """Answers of a file that may give the logits alone.

    Args:
      logits: float32 [B, C].
      outputs: PROBABILITIES and CLASS, where the file gives them.
    """
    probabilities, classes = outputs.get(PROBABILITIES), outputs.get(CLASS)
    if probabilities is None:
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = raised / raised.sum(axis=1, keepdims=True)
    return Answers(logits, probabilities, logits.argmax(axis=1) if classes is None else classes)


def check_nodes(nodes: Dict[str, Dict[str, Any]]) -> None:
    """
    Args:
      nodes: as Network.nodes gives them.

    Raises:
      ValueError: input or outputs are missing, or have other dtypes or shapes than this program gives them.
    """
    for name in (INPUT, LOGITS):
        if name not in nodes:
            raise ValueError('it has no %s, but %s' % (name, ', '.join(sorted(nodes))))
    for name, dtype, rank in ((INPUT, 'float32', 2), (LOGITS, 'float32', 2), (PROBABILITIES, 'float32', 2),
                              (CLASS, 'int64', 1)):
        node = nodes.get(name, {'dtype': dtype, 'shape': [None] * rank})
        if (node['dtype'] != dtype and ('scale' not in node or name == CLASS)) or len(node['shape']) != rank:
            raise ValueError('%s is %s %s' % (name, node['dtype'], node['shape']))
    if nodes[INPUT]['shape'][1] != PIXELS:
        raise ValueError('%s has shape %s, not [B, %d]' % (INPUT, nodes[INPUT]['shape'], PIXELS))
    if nodes[LOGITS]['shape'][1] is None:
        raise ValueError('%s has shape %s, the number of classes is open' % (LOGITS, nodes[LOGITS]['shape']))
