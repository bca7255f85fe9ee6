"""Ranks through Horovod, on CPUs: the only file that names it."""

import contextlib
from typing import Iterator, List, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.errors import UserError, first_line
from lenet.flags import Params
from lenet.ranks.averaging import Averaging
from lenet.ranks.base import Ranks


class Horovod(Ranks):
    """What base.Ranks asks for, by Horovod 0.28."""

    gathers = True

    def __init__(self, params: Params) -> None:
        """Raises:
          UserError: Horovod is not installed, or does not find the other ranks.
        """
        try:
            import horovod.tensorflow as hvd
        except ImportError as error:
            raise UserError('--distributed=horovod: %s; ./run_np.sh -n 2 installs what requirements-distributed.txt '
                            'lists and starts the ranks' % error)
        self._hvd = hvd
        self._compression = hvd.Compression.fp16 if params.compress_gradients else hvd.Compression.none
        try:
            hvd.init()
        except (RuntimeError, ValueError, OSError) as error:
            raise UserError('--distributed=horovod: the other ranks are not found (%s); start all with ./run_np.sh' %
                            first_line(error))
        self.rank, self.size = hvd.rank(), hvd.size()

    def average(self, optimizer: tf.train.Optimizer) -> tf.train.Optimizer:
        return Averaging(optimizer, self._mean_of_gradients)

    def _mean_of_gradients(self, flat: tf.Tensor) -> tf.Tensor:
        return self._hvd.allreduce(flat, op=self._hvd.Average, name='gradients', compression=self._compression)

    def mean(self, tensor: tf.Tensor) -> tf.Tensor:
        return self._hvd.allreduce(tensor, op=self._hvd.Average, name='mean_' + _name(tensor))

    def max(self, tensor: tf.Tensor) -> tf.Tensor:
        # Horovod 0.28 has no maximum for Gloo.
        return tf.reduce_max(self.gather(tf.reshape(tensor, [1, -1])), axis=0)[0]

    def gather(self, tensor: tf.Tensor) -> tf.Tensor:
        joined = self._hvd.allgather(tensor, name='gather_' + _name(tensor))
        joined.set_shape([self.size * tensor.shape.as_list()[0]] + tensor.shape.as_list()[1:])
        return joined

    def broadcast(self, weights: Sequence[tf.Variable], everything: Sequence[tf.Variable]) -> tf.Operation:
        return self._hvd.broadcast_variables(everything, root_rank=0)

    def exchange(self, text: str) -> List[str]:
        content = np.frombuffer(text.encode(), np.uint8)
        with tf.Graph().as_default(), tf.Session() as session, self.explaining():
            lengths = self._hvd.allgather(tf.constant([len(content)]), name='exchanged_lengths')
            joined = self._hvd.allgather(tf.constant(content), name='exchanged')
            ends, joined = session.run([tf.cumsum(lengths), joined])
        return [part.tobytes().decode() for part in np.split(joined, ends[:-1])]

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            if 'orovod' not in str(error):
                raise
            raise UserError('rank %d: another rank has ended or no longer answers; its log tells why, --resume goes on '
                            'from the newest checkpoint' % self.rank)


def _name(tensor: tf.Tensor) -> str:
    """The same on every rank, and one for each tensor of the graph."""
    return tensor.op.name.replace('/', '.')
