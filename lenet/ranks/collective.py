"""Ranks through TensorFlow's own servers and collective operations, on CPUs."""

import contextlib
import ctypes
import itertools
import os
from typing import Iterator, List, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.errors import UserError, first_line
from lenet.flags import Params
from lenet.ranks.averaging import Averaging
from lenet.ranks.base import Ranks
from lenet.ranks.cluster import Cluster
from lenet.ranks.heartbeat import Heartbeat, wait_for

_JOB = '/job:worker/replica:0/task:%d'
_GROUP = 1  # of all ranks, the only one
_SETTLING = 5.0  # seconds in which a rank that has failed has ended


class Collective(Ranks):
    """What base.Ranks asks for, by TensorFlow's server on each rank."""

    gathers = True

    def __init__(self, params: Params, config: tf.ConfigProto, cluster: Cluster) -> None:
        """Args:
          config: of the sessions, whose threads are the server's.

        Raises:
          UserError: the address cannot be listened at, or the other ranks are not found.
        """
        self.rank, self.size = cluster.rank, len(cluster.addresses)
        self._compresses = params.compress_gradients
        self._keys = itertools.count(1)  # all ranks count alike
        self._heartbeat = Heartbeat(self.rank, cluster.addresses)
        _pass_by_proxies(cluster)
        try:
            self._server = tf.train.Server(tf.train.ClusterSpec({'worker': cluster.addresses}), 'worker', self.rank,
                                           config=self._configure(config))
        except (tf.errors.OpError, ValueError) as error:
            raise UserError('rank %d cannot listen at %s (%s): another process may; give it another port in TF_CONFIG' %
                            (self.rank, cluster.addresses[self.rank], first_line(error)))
        # A server cannot be shut down: 1.15 tries to when Python ends, without the modules that it needs for that.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))
        missing = wait_for(self._heartbeat.peers, params.rank_timeout)
        if missing:
            raise UserError('rank %d: rank %d at %s was not found within --rank_timeout=%g seconds; start it, or '
                            'correct TF_CONFIG' % (self.rank, missing[0], cluster.addresses[missing[0]],
                                                   params.rank_timeout))

    def _configure(self, config: tf.ConfigProto) -> tf.ConfigProto:
        own = tf.ConfigProto()
        own.CopyFrom(config)
        own.experimental.collective_group_leader = _JOB % 0
        own.device_filters.append(_JOB % self.rank)  # or a session would look for devices on all ranks
        return own

    def session(self, config: tf.ConfigProto) -> tf.Session:
        return tf.Session(self._server.target, config=self._configure(config))

    def average(self, optimizer: tf.train.Optimizer) -> tf.train.Optimizer:
        return Averaging(optimizer, self._mean_compressed if self._compresses else self.mean)

    def mean(self, tensor: tf.Tensor) -> tf.Tensor:
        flat = tf.reshape(tensor, [-1])
        if self.size == 2:  # one exchange where a ring has two
            mean = self._mean_of_gathered(self.gather(flat))
        else:
            mean = self._place(tf.raw_ops.CollectiveReduce, flat, merge_op='Add', final_op='Div', subdiv_offsets=[0])
        return tf.reshape(mean, tensor.shape)

    def _mean_of_gathered(self, joined: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.reshape(joined, [self.size, -1]), axis=0)

    def _mean_compressed(self, flat: tf.Tensor) -> tf.Tensor:
        """As float16, two in each int32: the collectives of TensorFlow 1.15 take no float16."""
        n = flat.shape.num_elements()
        halves = tf.reshape(tf.pad(tf.cast(flat, tf.float16), [[0, n % 2]]), [-1, 2])
        joined = tf.bitcast(self.gather(tf.bitcast(halves, tf.int32)), tf.float16)
        return self._mean_of_gathered(tf.cast(tf.reshape(joined, [-1]), tf.float32))[:n]

    def max(self, tensor: tf.Tensor) -> tf.Tensor:
        return tf.reduce_max(self.gather(tf.reshape(tensor, [1])))

    def gather(self, tensor: tf.Tensor) -> tf.Tensor:
        n, *rest = tensor.shape.as_list()
        joined = self._place(tf.raw_ops.CollectiveGather, tensor, shape=[self.size * n] + rest)
        joined.set_shape([self.size * n] + rest)
        return joined

    def _place(self, operation, tensor: tf.Tensor, **attributes) -> tf.Tensor:
        with tf.device(_JOB % self.rank + '/device:CPU:0'):  # a collective must know where it is
            return operation(input=tf.identity(tensor), group_size=self.size, group_key=_GROUP,
                             instance_key=next(self._keys), **attributes)

    def broadcast(self, weights: Sequence[tf.Variable], everything: Sequence[tf.Variable]) -> tf.Operation:
        return tf.group(*[variable.assign(self.gather(tf.expand_dims(variable.read_value(), 0))[0], read_value=False)
                          for variable in everything])

    def exchange(self, text: str) -> List[str]:
        content = np.frombuffer(text.encode(), np.uint8).astype(np.int32)
        lengths = self._run_gather(np.array([len(content)], np.int32))
        padded = np.zeros([1, max(1, lengths.max())], np.int32)
        padded[0, :len(content)] = content
        return [row[:length].astype(np.uint8).tobytes().decode()
                for row, length in zip(self._run_gather(padded), lengths)]

    def _run_gather(self, array: np.ndarray) -> np.ndarray:
        with tf.Graph().as_default(), self.session(tf.ConfigProto()) as session:
            return session.run(self.gather(tf.constant(array)))

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        with self._heartbeat.watching():
            try:
                yield
                self.exchange('')  # nobody leaves before all have come here: it would look like a death
            except tf.errors.OpError:
                lost = self._heartbeat.lost(_SETTLING)
                if lost is None:
                    raise
                self._heartbeat.end(lost)


def _pass_by_proxies(cluster: Cluster) -> None:
    """gRPC would go through $http_proxy, where the ranks are not. It reads the first of these two that is set, that of
    TensorFlow 1.15 the second alone."""
    hosts = [address.rpartition(':')[0] for address in cluster.addresses]
    for name, former in (('no_grpc_proxy', ''), ('no_proxy', os.environ.get('NO_PROXY', ''))):
        os.environ[name] = ','.join(filter(None, [os.environ.get(name, former)] + hosts))
