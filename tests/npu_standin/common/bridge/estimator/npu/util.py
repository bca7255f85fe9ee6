"""npu_bridge.estimator.npu.util: how a program asks for N steps per session.run ("sinking")."""

import tensorflow.compat.v1 as tf
from npu_bridge import npu_bridge_handle  # noqa: F401  (missing when the library did not load)
from standin import journal, sinking


def _check_train_op(train_op: tf.Operation) -> None:
    if not isinstance(train_op, tf.Operation):
        raise ValueError('train_op must be a tf.Operation, got %s' % type(train_op).__name__)


def _check_iterations(iterations_per_loop: int) -> None:
    if not isinstance(iterations_per_loop, int):  # NumPy's integers aren't
        raise TypeError('iterations_per_loop must be an int, got %s' % type(iterations_per_loop).__name__)
    if iterations_per_loop <= 0:
        raise ValueError('iterations_per_loop must be greater than 0, got %d' % iterations_per_loop)


class IterationPerLoop:
    """The two halves of set_iteration_per_loop, for graphs that are finalized between them."""

    def create_iteration_per_loop_var(self, train_op: tf.Operation) -> tf.Operation:
        """Builds the loop's variables and returns the group IterationOp, the op to run instead of `train_op`."""
        _check_train_op(train_op)
        return sinking.build(train_op)

    def load_iteration_per_loop_var(self, sess: tf.Session, iterations_per_loop: int = 1) -> None:
        """Loads the loop's variables in `sess`, after all its initializers have run."""
        _check_iterations(iterations_per_loop)
        journal.record('load_iteration_per_loop_var', iterations=iterations_per_loop)
        sinking.load(sess, iterations_per_loop)


def set_iteration_per_loop(sess: tf.Session, train_op: tf.Operation, iterations_per_loop: int = 1) -> tf.Operation:
    """Makes one session.run do `iterations_per_loop` steps.

    Returns:
      The op to run: `train_op` itself for 1, else a group named IterationOp.

    Raises:
      ValueError: train_op is no Operation, or iterations_per_loop <= 0.
      TypeError: iterations_per_loop is no int.
      RuntimeError: the graph holds the loop's variables several times.
    """
    _check_train_op(train_op)
    _check_iterations(iterations_per_loop)
    journal.record('set_iteration_per_loop', iterations=iterations_per_loop, train_op=train_op.name,
                   name_scope=sess.graph.get_name_scope())
    if iterations_per_loop == 1:
        sinking.check_value(sess, 1)
        return train_op
    operation = sinking.build(train_op)
    sinking.load(sess, iterations_per_loop)
    return operation
