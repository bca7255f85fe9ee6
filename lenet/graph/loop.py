"""N steps in one session.run, as a graph; the NPU repeats a single step by itself instead (platforms/npu.py)."""

from typing import Callable, Union

import tensorflow.compat.v1 as tf


def repeat(step: Callable[[Union[int, tf.Tensor]], tf.Operation], n: int) -> tf.Operation:
    """An operation that runs `step` n times, one after the other.

    Args:
      step: builds one step's operation, given its number in the loop, int32 []. It is called once, inside the loop, so
        every variable it uses must exist and be a resource variable: a reference variable is read outside, once.
      n: N >= 1.
    """
    if n == 1:
        return step(0)

    def body(i: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([step(i)]):
            return i + 1

    loop = tf.while_loop(lambda i: i < n, body, [tf.constant(0)], parallel_iterations=1, name='steps')
    return loop.op
