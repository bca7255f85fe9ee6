"""The seam between ranks: several processes that train one network, each on its stripe of every batch."""

import abc
from typing import ContextManager, List, Optional, Sequence

import tensorflow.compat.v1 as tf


class Ranks(abc.ABC):
    """What a process of a training knows of the others. The graph is built from it, and the run goes by it.

    All ranks build the same graph in the same order and run it equally often: an operation made here waits for its
    counterpart on every other rank.

    Attributes:
      rank: this process's number, from 0. Rank 0 writes the files.
      size: how many processes there are.
      gathers: whether mean, max, gather and exchange reach the other ranks. Where it is False they must not be called
        (an implementation raises TypeError): the ranks then exchange gradients and first weights alone, each restores
        the same checkpoint and evaluates all images itself.
    """

    rank: int
    size: int
    gathers: bool

    def session(self, config: tf.ConfigProto) -> tf.Session:
        """A session of the current graph in which the operations made here reach the other ranks."""
        return tf.Session(config=config)

    @abc.abstractmethod
    def average(self, optimizer: tf.train.Optimizer) -> tf.train.Optimizer:
        """An optimizer whose compute_gradients gives the mean of all ranks' gradients."""

    @abc.abstractmethod
    def mean(self, tensor: tf.Tensor) -> tf.Tensor:
        """The mean over the ranks of a float32 tensor, in its shape."""

    @abc.abstractmethod
    def max(self, tensor: tf.Tensor) -> tf.Tensor:
        """The maximum over the ranks of an int32 tensor [], int32 []."""

    @abc.abstractmethod
    def gather(self, tensor: tf.Tensor) -> tf.Tensor:
        """[n, ...] of each rank -> [size * n, ...], joined in the order of the ranks, static shape."""

    @abc.abstractmethod
    def broadcast(self, weights: Sequence[tf.Variable], everything: Sequence[tf.Variable]) -> Optional[tf.Operation]:
        """An operation that gives every rank rank 0's values, to be run after initialization; None where nothing is
        to be done.

        Args:
          weights: the network's.
          everything: these, slots and counters. An implementation that cannot send them all (`gathers` is False)
            sends the weights.
        """

    @abc.abstractmethod
    def exchange(self, text: str) -> List[str]:
        """The texts of all ranks, by rank; outside of any graph."""

    @abc.abstractmethod
    def explaining(self) -> ContextManager[None]:
        """A context within which the failure of another rank ends this process, with a line that tells it. All ranks
        come to its end, if they come to it, together."""
