"""The CPU: N steps in a while_loop."""

import tensorflow.compat.v1 as tf

from lenet import ranks
from lenet.graph import loss_scale_optimizer
from lenet.graph.loss_scaling import LossScale
from lenet.platforms.base import Platform
from lenet.support import machine
from lenet.support import quiet
from lenet.support import stack


def _look_for_devices(config: tf.ConfigProto) -> None:
    """Lets TensorFlow look for devices, which it does once a process: 1.15 when the first session is made, 2 in some
    operation of the first graph.

    Its complaints about a missing GPU are held back here, rather than mixed into the output of whatever comes first.
    """
    with quiet.without_stderr_lines(stack.NOISE):
        tf.config.experimental.list_physical_devices()
        with tf.Graph().as_default(), tf.Session(config=config) as session:
            half = tf.ones([1, 1], tf.float16)  # oneDNN says once that it has no fast kernels for it
            session.run(tf.matmul(half, half))


def inference_config() -> tf.ConfigProto:
    """One op at a time, on all cores."""
    config = tf.ConfigProto(intra_op_parallelism_threads=machine.usable_cores(), inter_op_parallelism_threads=1,
                            device_count={'GPU': 0}, allow_soft_placement=True)
    _look_for_devices(config)
    return config


class Cpu(Platform):
    """N steps in a tf.while_loop, one thread an op."""

    name = 'cpu'
    use_resource = True  # read inside the while_loop, at each step
    loops_in_graph = True
    saturates = False  # a weight, float32, even with --saturate
    emulates_precision = True
    sinking_causes = 'none is known: the loop is in the graph'

    def start(self) -> 'Cpu':
        self.ranks = ranks.connect(self._params)
        _look_for_devices(self.session_config())
        return self

    def session_config(self) -> tf.ConfigProto:
        """One thread an op, as many ops at a time as there are towers or cores.

        At batch 64 splitting an op over threads costs more than it gives; it would also let sums depend on timing.
        """
        threads = max(self._params.replicas, machine.usable_cores())
        return tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=threads,
                              device_count={'GPU': 0}, allow_soft_placement=True)

    def optimizer(self, base: tf.train.Optimizer, loss_scale: LossScale) -> tf.train.Optimizer:
        return loss_scale_optimizer.wrap(self.ranks.average(base), loss_scale)

    def sink(self, session: tf.Session, train_op: tf.Operation) -> tf.Operation:
        return train_op  # the graph loops by itself
