"""One rank."""

import contextlib
from typing import Iterator, List, Optional, Sequence

import tensorflow.compat.v1 as tf

from lenet.ranks.base import Ranks


class Alone(Ranks):
    """The only process of its training: every mean is of one value."""

    rank, size, gathers = 0, 1, True

    def average(self, optimizer: tf.train.Optimizer) -> tf.train.Optimizer:
        return optimizer

    def mean(self, tensor: tf.Tensor) -> tf.Tensor:
        return tensor

    def max(self, tensor: tf.Tensor) -> tf.Tensor:
        return tensor

    def gather(self, tensor: tf.Tensor) -> tf.Tensor:
        return tensor

    def broadcast(self, weights: Sequence[tf.Variable], everything: Sequence[tf.Variable]) -> Optional[tf.Operation]:
        return None

    def exchange(self, text: str) -> List[str]:
        return [text]

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        yield
