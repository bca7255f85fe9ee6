"""The seam between ranks: several processes that train one network, each on its stripe of every batch.

A Ranks has
  rank, size                this process's number and how many there are
  gathers                   whether gather, max and exchange reach the other ranks (through HCCL they do not)
  average(optimizer)        the optimizer with gradients averaged over the ranks
  mean(tensor)              the mean over the ranks of a float tensor
  max(tensor)               the maximum over the ranks of an int32 tensor
  gather(tensor)            the tensors of all ranks joined along their first dimension, by rank
  broadcast(weights, all)   an operation that gives every rank rank 0's values; None where there is one rank
  exchange(text)            the texts of all ranks, by rank
  explaining()              a context that turns the failure of another rank into a UserError
"""

import contextlib
from typing import Any, Iterator, List, Optional

import tensorflow.compat.v1 as tf


class Alone:
    """One rank; also what the ranks of HCCL have in common, which knows sums of gradients alone."""

    gathers = True

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    def average(self, optimizer: tf.train.Optimizer) -> tf.train.Optimizer:
        return optimizer

    def mean(self, tensor: tf.Tensor) -> tf.Tensor:
        return tensor

    def max(self, tensor: tf.Tensor) -> tf.Tensor:
        return tensor

    def gather(self, tensor: tf.Tensor) -> tf.Tensor:
        return tensor

    def broadcast(self, weights: list, everything: list) -> Optional[tf.Operation]:
        return None

    def exchange(self, text: str) -> List[str]:
        return [text]

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        yield


def choose(params: Any) -> Any:
    """The ranks of a completed Params on a CPU; only the chosen one's module is imported."""
    if params.distributed != 'horovod':
        return Alone()
    from lenet.ranks import horovod
    return horovod.Horovod(params)
