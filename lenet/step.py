"""One training step as a graph function: loss, gradients, update, bookkeeping.

Letters: B batch, N steps per session.run, R replicas.
"""

from typing import Any, Dict, NamedTuple

import tensorflow.compat.v1 as tf

from lenet import loss_scale as scaling
from lenet import model
from lenet import schedule


class Adam(tf.train.AdamOptimizer):
    """Adam (Kingma & Ba 2015) whose variables can be created ahead of the step.

    Created by the first apply_gradients they would be named after the while_loop or cond around it, and a checkpoint
    written under one setting would not load under another.
    """

    def create_variables(self, variables: list) -> None:
        """Creates slots and beta powers for `variables`."""
        with tf.name_scope(None):
            self._create_slots(variables)


class State(NamedTuple):
    """What a step updates besides weights and slots."""

    global_step: tf.Variable  # int64 [], updates applied
    steps_run: tf.Variable  # int64 [], steps run, with those whose update was skipped
    losses: tf.Variable  # float32 [N], of the current call's steps; a local variable, not in checkpoints


def create_state(steps_per_call: int) -> State:
    """Creates the counters and the record of losses."""
    global_step = tf.train.get_or_create_global_step()
    steps_run = tf.get_variable('steps_run', [], tf.int64, tf.zeros_initializer(), trainable=False, use_resource=True)
    losses = tf.get_variable('losses', [steps_per_call], tf.float32, tf.zeros_initializer(), trainable=False,
                             use_resource=True, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    return State(global_step, steps_run, losses)


def normalize(images: tf.Tensor) -> tf.Tensor:
    """uint8 [B, 28, 28, 1] -> float32 in [0, 1]."""
    return tf.cast(images, tf.float32) * (1.0 / 255.0)


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Softmax cross-entropy of each image, in nats.

    Args:
      logits: float32 [B, C].
      labels: int32 [B].

    Returns:
      float32 [B].
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def batch_loss(images: tf.Tensor, labels: tf.Tensor, variables: model.Variables, activation: str,
               replicas: int) -> tf.Tensor:
    """The mean loss of a batch, float32 [].

    The batch is split into `replicas` towers of B/R images that share the variables. The mean of their means is the
    batch's mean, and its gradient the average of theirs: on a small batch R single-threaded towers beside each other
    are faster than one whose ops are split over threads.

    Args:
      images: uint8 [B, 28, 28, 1].
      labels: int32 [B].
      replicas: R, divides B.
    """
    losses = []
    for tower, (part, answers) in enumerate(zip(tf.split(images, replicas), tf.split(labels, replicas))):
        with tf.name_scope('tower_%d' % tower):
            logits = model.logits(normalize(part), variables, activation)
            losses.append(tf.reduce_mean(cross_entropy(logits, answers)))
    return tf.add_n(losses) / replicas


def learning_rate(step: tf.Tensor, params: Any) -> tf.Tensor:
    """The schedule of `params` at `step` (int64 [], steps run before), float32 []."""
    return schedule.learning_rate(step, params.learning_rate, params.learning_rate_schedule,
                                  params.steps * params.epochs, params.warmup_steps)


def base_optimizer(state: State, variables: model.Variables, params: Any) -> Adam:
    """Adam on the schedule of `params`, its variables created.

    The rate is a callable: it is built where the update is, inside a while_loop or not.
    """
    adam = Adam(lambda: learning_rate(state.steps_run.read_value(), params))
    adam.create_variables(list(variables.values()))
    return adam


def build(batch: tuple, variables: model.Variables, state: State, optimizer: tf.train.Optimizer,
          params: Any) -> tf.Operation:
    """One step on one batch: updates the variables and the state.

    Args:
      batch: (uint8 [B, 28, 28, 1], int32 [B]), as an iterator's get_next gives them.
      optimizer: what the platform made of the base optimizer.
    """
    images, labels = batch
    loss = batch_loss(images, labels, variables, params.activation, params.replicas)
    gradients = optimizer.compute_gradients(loss, var_list=list(variables.values()))
    update = optimizer.apply_gradients(gradients, global_step=state.global_step)
    with tf.control_dependencies([update, _record(loss, state)]):
        return state.steps_run.assign_add(1, read_value=False)


def _record(loss: tf.Tensor, state: State) -> tf.Operation:
    """Writes the step's loss to its place in `state.losses`; a select, which every device has, not a scatter."""
    n = state.losses.shape.num_elements()
    here = tf.equal(tf.range(n, dtype=tf.int64), state.steps_run.read_value() % n)
    return state.losses.assign(tf.where(here, tf.fill([n], loss), state.losses.read_value()), read_value=False)


def outputs(train_op: tf.Operation, state: State, loss_scale: scaling.LossScale,
            params: Any) -> Dict[str, tf.Tensor]:
    """What a session.run reports, read after its last step: the tensors of the one fetch list."""
    with tf.control_dependencies([train_op]):
        steps_run = state.steps_run.read_value()
        return {'losses': state.losses.read_value(), 'learning_rate': learning_rate(steps_run - 1, params),
                'steps_run': steps_run, 'global_step': state.global_step.read_value(),
                'loss_scale': scaling.current(loss_scale)}
