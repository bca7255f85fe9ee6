"""The one hardware seam: what differs between a CPU and an NPU."""

import abc
import platform
from typing import TYPE_CHECKING

import tensorflow.compat.v1 as tf

from lenet.ranks.base import Ranks

if TYPE_CHECKING:
    from lenet.flags import Params
    from lenet.graph.loss_scaling import LossScale


class Platform(abc.ABC):
    """A device that trains. Graph builders and the session loop ask it, and nothing else tells them the hardware.

    To build one starts nothing and checks nothing. `checks.ready.require(params)` says whether it would work; then
    `start`, once, before the process's first session; then the rest.

    Attributes:
      name: of --platform: 'cpu', 'npu'.
      device_type: what the ModelZoo log calls it: uname -m.
      use_resource: whether variables are resource variables (read at each step of a while_loop) or reference variables.
      loops_in_graph: True where loop.repeat makes the N steps of a session.run, False where `sink` does.
      saturates: True where infinities and NaN become finite numbers, so that looking for them proves nothing.
      emulates_precision: True where the graph itself rounds to float16, for a device that does not.
      sinking_causes: what to look for where a session.run did not run N steps; part of a sentence.
      ranks: the other processes, from `start` on.
    """

    name: str
    device_type = platform.machine()
    use_resource: bool
    loops_in_graph: bool
    saturates: bool
    emulates_precision: bool
    sinking_causes: str
    ranks: Ranks

    def __init__(self, params: 'Params') -> None:
        """Args:
          params: completed.
        """
        self._params = params

    @abc.abstractmethod
    def start(self) -> 'Platform':
        """Imports and makes what the device needs, finds the other ranks, and returns itself.

        Raises:
          UserError: the other ranks are not found, or a directory cannot be made.
        """

    @abc.abstractmethod
    def session_config(self) -> tf.ConfigProto:
        """The ConfigProto of every session."""

    @abc.abstractmethod
    def optimizer(self, base: tf.train.Optimizer, loss_scale: 'LossScale') -> tf.train.Optimizer:
        """`base` with gradients averaged over the ranks first and the loss scaled around that, so that all ranks agree
        on which updates overflowed. Called outside of tf.control_dependencies."""

    @abc.abstractmethod
    def sink(self, session: tf.Session, train_op: tf.Operation) -> tf.Operation:
        """The operation that runs N steps. Called once for a session, in no scope, after every initializer has run."""
