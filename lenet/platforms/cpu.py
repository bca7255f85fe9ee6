"""The CPU: N steps in a while_loop, tf.contrib's loss scaling."""

import platform
from typing import Any, Optional

import tensorflow.compat.v1 as tf

from lenet import ranks
from lenet.graph import loss_scaling
from lenet.support import machine
from lenet.support import quiet


# tensorflow==1.15.0 is built for GPUs and reports, as warnings and errors, that there is no CUDA.
_CUDA_NOISE = r'dso_loader|/cuda/|gpu_device'


def _look_for_devices(config: tf.ConfigProto) -> None:
    """The first session of a process does, and `config` is that of all: made here, its noise is held back."""
    with quiet.without_stderr_lines(_CUDA_NOISE):
        tf.Session(graph=tf.Graph(), config=config).close()


def inference_config() -> tf.ConfigProto:
    """One op at a time, on all cores."""
    config = tf.ConfigProto(intra_op_parallelism_threads=machine.usable_cores(), inter_op_parallelism_threads=1,
                            device_count={'GPU': 0}, allow_soft_placement=True)
    _look_for_devices(config)
    return config


class Cpu:
    """See the interface in lenet/platforms/__init__.py."""

    name = 'cpu'
    device_type = platform.machine()
    use_resource = True  # read inside the while_loop, at each step
    loops_in_graph = True
    emulates_precision = True
    sinking_causes = 'none is known: the loop is in the graph'

    def __init__(self, params: Any) -> None:
        self.ranks = ranks.choose(params)
        self.rank, self.size = self.ranks.rank, self.ranks.size
        self._threads = max(params.replicas, machine.usable_cores())
        _look_for_devices(self.session_config())

    def session_config(self) -> tf.ConfigProto:
        """One thread an op, as many ops at a time as there are towers or cores.

        At batch 64 splitting an op over threads costs more than it gives; it would also let sums depend on timing.
        """
        return tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=self._threads,
                              device_count={'GPU': 0}, allow_soft_placement=True)

    def optimizer(self, base: tf.train.Optimizer, loss_scale: loss_scaling.LossScale) -> tf.train.Optimizer:
        return loss_scaling.wrap_with_contrib(self.ranks.average(base), loss_scale)

    def sink(self, session: tf.Session, train_op: tf.Operation) -> tf.Operation:
        return train_op  # the graph loops by itself

    def broadcast(self, weights: list, everything: list) -> Optional[tf.Operation]:
        return self.ranks.broadcast(weights, everything)
