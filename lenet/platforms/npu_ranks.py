"""Ranks on NPUs: HCCL, which the adapter's optimizer calls. Unverified on hardware."""

import contextlib
import os
from typing import Iterator, List, NoReturn, Optional, Sequence

import tensorflow.compat.v1 as tf

from lenet.ranks.base import Ranks


class Hccl(Ranks):
    """Gradients are averaged and weights sent; nothing else travels."""

    gathers = False

    def __init__(self) -> None:
        self.rank, self.size = int(os.environ['RANK_ID']), int(os.environ['RANK_SIZE'])

    def average(self, optimizer: tf.train.Optimizer) -> tf.train.Optimizer:
        from npu_bridge.estimator.npu.npu_optimizer import NPUDistributedOptimizer
        return NPUDistributedOptimizer(optimizer)

    def mean(self, tensor: tf.Tensor) -> tf.Tensor:
        _refuse()

    def max(self, tensor: tf.Tensor) -> tf.Tensor:
        _refuse()

    def gather(self, tensor: tf.Tensor) -> tf.Tensor:
        _refuse()

    def broadcast(self, weights: Sequence[tf.Variable], everything: Sequence[tf.Variable]) -> Optional[tf.Operation]:
        """One grouped operation; slots and counters are zero, or restored from one checkpoint, on every rank."""
        from npu_bridge.hccl import hccl_ops
        return tf.group(*[tf.assign(variable, hccl_ops.broadcast([variable], 0)[0]) for variable in weights])

    def exchange(self, text: str) -> List[str]:
        _refuse()

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        yield


def _refuse() -> NoReturn:
    raise TypeError('ranks of HCCL exchange gradients and weights alone: ask `gathers` first')
