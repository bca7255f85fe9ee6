"""npu_bridge.estimator.npu_ops: the device is brought up and shut down by ops that the program runs."""

import tensorflow.compat.v1 as tf
from npu_bridge import npu_bridge_handle  # noqa: F401  (missing when the library did not load)
from standin import journal
from standin.engine import engine


def _system_op(name: str) -> tf.Operation:
    operation = tf.no_op(name=name)
    engine.record_of(operation.graph).system_ops[operation.name] = name
    journal.record(name, op=operation.name)
    return operation


def initialize_system() -> tf.Operation:
    """An op that brings the device (and, with several ranks, HCCL) up when it is run."""
    return _system_op('initialize_system')


def shutdown_system() -> tf.Operation:
    """An op after whose run nothing runs on the device any more."""
    return _system_op('shutdown_system')
