"""Loss scaling: what is asked for, and the variables of a dynamic scale; loss_scale_optimizer.py has the optimizer.

Small gradients vanish in float16 (below 2**-24); multiplying the loss, and dividing the gradients by the same number
in float32, keeps them (Micikevicius et al. 2018, "Mixed Precision Training"). Where a scaled gradient overflows, the
update is skipped, and so is the increment of global_step.
"""

from typing import Dict, NamedTuple

import tensorflow.compat.v1 as tf

from lenet.flags import Params

NONE, FIXED, DYNAMIC = 'none', 'fixed', 'dynamic'
_NEVER_USED = 0.0  # value of the variable loss_scale where no dynamic scale has used it
_STATE = ('loss_scale', 'good_steps', 'bad_steps')


class LossScale(NamedTuple):
    """How to scale."""

    kind: str = NONE
    value: float = 1.0  # the fixed scale, or a dynamic one's first
    increment_every: int = 1000  # consecutive steps without overflow before the scale grows
    increment_ratio: float = 2.0
    decrement_every: int = 2  # steps with overflow before it shrinks, never below 1
    decrement_ratio: float = 0.5

    def manager_arguments(self) -> tuple:
        """What an ExponentialUpdateLossScaleManager takes, TensorFlow's and the NPU adapter's alike."""
        return self.value, self.increment_every, self.decrement_every, self.increment_ratio, self.decrement_ratio


def from_params(params: Params) -> LossScale:
    """The LossScale of completed `params`."""
    value = {NONE: 1.0, FIXED: params.loss_scale_value, DYNAMIC: params.loss_scale_init}[params.loss_scale]
    return LossScale(params.loss_scale, value, params.loss_scale_increment_every, params.loss_scale_increment_ratio,
                     params.loss_scale_decrement_every, params.loss_scale_decrement_ratio)


def state_variables() -> Dict[str, tf.Variable]:
    """`loss_scale` (float32), `good_steps` and `bad_steps` (int32), as far as the graph has them."""
    return {v.op.name: v for v in tf.global_variables() if v.op.name in _STATE}


def complete_state() -> None:
    """Creates the variables of a dynamic scale, unless the optimizer, scaling so, has made them.

    Every checkpoint so has the same keys; a run without dynamic scaling carries the state through, unused.
    """
    if not state_variables():
        create_state(_NEVER_USED)


def create_state(scale: float) -> None:
    """Creates the variables of a dynamic scale: `loss_scale` at `scale`, and the counts of steps."""
    for name, value, dtype in (('loss_scale', scale, tf.float32), ('good_steps', 0, tf.int32),
                               ('bad_steps', 0, tf.int32)):
        tf.Variable(value, name=name, trainable=False, dtype=dtype)


def start_if_never_used(session: tf.Session, loss_scale: LossScale) -> None:
    """After a restore: gives a dynamic scale its first value if the checkpoint is of a run without one."""
    variable = state_variables()['loss_scale']
    if loss_scale.kind == DYNAMIC and session.run(variable) == _NEVER_USED:
        variable.load(loss_scale.value, session)


def current(loss_scale: LossScale) -> tf.Tensor:
    """The scale in force when the tensor runs, float32 []."""
    if loss_scale.kind == DYNAMIC:
        return state_variables()['loss_scale'].read_value()
    return tf.constant(loss_scale.value, tf.float32)


def overflow_loss(loss: tf.Tensor, is_injected: tf.Tensor) -> tf.Tensor:
    """`loss` with gradients that overflow float32 where `is_injected` (bool []) is true."""
    # Twice: a single factor leaves a small gradient finite.
    factor = tf.where(is_injected, tf.constant(2.0 ** 127), tf.constant(1.0))
    return loss * factor * factor


def fail_where(gradients: list, overflowed: tf.Tensor) -> list:
    """Makes all gradients infinite where `overflowed` (bool []) is true, so that the optimizer skips the update."""
    penalty = tf.where(overflowed, tf.constant(float('inf')), tf.constant(0.0))
    return [(gradient + penalty, variable) for gradient, variable in gradients]
