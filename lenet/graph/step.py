"""One training step as a graph function: loss, gradients, update, bookkeeping.

Letters: B batch, C classes, N steps per session.run, R replicas. Images are uint8 [B, 28, 28, 1], or the blocks
[B, 8, 8, 16] that model.lay_out makes of them.
"""

from typing import Dict, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from lenet.flags import Params
from lenet.graph import dropout
from lenet.graph import loss_scaling
from lenet.graph import model
from lenet.graph import name_patterns
from lenet.graph import precision
from lenet.graph import schedule
from lenet.graph.pipeline import Batch
from lenet.platforms.base import Platform
from lenet.ranks.base import Ranks


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
    records: Dict[str, tf.Variable]  # of the current call's steps, each [N], by output; local, not in checkpoints
    float_status: Optional[tf.Variable]  # int32 [], not 0 after an overflow that was saturated; local


# What the outputs of the N steps of a call are called. A record has the value of step s at s % N. A device that repeats
# the step by itself does so only if it has all the operators of the step, so there the last N values are kept in their
# order, which takes commoner ones.
RECORD, RECENT = 'record/', 'recent/'


class Step(NamedTuple):
    """What one step is made of: variables that exist, and how they are computed with."""

    weights: model.Variables
    trained: List[tf.Variable]  # those of the weights that --freeze_variables leaves to train
    state: State
    optimizer: tf.train.Optimizer
    form: model.Form


def local_variable(name: str, shape: list, dtype: tf.DType) -> tf.Variable:
    return tf.get_variable(name, shape, dtype, tf.zeros_initializer(), trainable=False, use_resource=True,
                           collections=[tf.GraphKeys.LOCAL_VARIABLES])


def create(params: Params, platform: Platform) -> Step:
    """Creates all variables of a training in the current variable scope, and the optimizer.

    Raises:
      UserError: --freeze_variables matches nothing, or leaves nothing to train.
    """
    weights = model.create_variables(params.activation, params.seed, params.num_classes)
    untrained = name_patterns.choose_untrained(params.freeze_variables, weights)
    state = create_state(params, RECORD if platform.loops_in_graph else RECENT)
    optimizer = platform.optimizer(base_optimizer(state, weights, params, platform.ranks.size),
                                   loss_scaling.from_params(params))
    loss_scaling.complete_state()
    return Step(weights, [variable for name, variable in weights.items() if name not in untrained], state, optimizer,
                computed_form(params, platform, state.float_status))


def computed_form(params: Params, platform: Platform, float_status: Optional[tf.Variable] = None) -> model.Form:
    """How `params` ask the network to be computed on `platform`.

    Args:
      float_status: of State; without it rounding to float16 notes no overflow.
    """
    rounding = precision.FLOAT32
    if platform.emulates_precision:
        rounding = precision.of_mode(params.precision_mode, float_status)
    return model.Form(params.activation, params.conv, rounding)


def create_state(params: Params, prefix: str) -> State:
    """Creates the counters, and the records: the loss of each step; where losses are scaled also global_step and the
    scale after it.

    Args:
      prefix: RECORD or RECENT.
    """
    global_step = tf.train.get_or_create_global_step()
    steps_run = tf.get_variable('steps_run', [], tf.int64, tf.zeros_initializer(), trainable=False, use_resource=True)
    dtypes = {'loss': tf.float32}
    if params.loss_scale != loss_scaling.NONE:
        dtypes.update(global_step=tf.int64, loss_scale=tf.float32)
    records = {prefix + name: local_variable(prefix + name, [params.iterations_per_loop], dtype)
               for name, dtype in dtypes.items()}
    return State(global_step, steps_run, records,
                 local_variable('float_status', [], tf.int32) if params.saturate else None)


def normalize(images: tf.Tensor) -> tf.Tensor:
    """uint8 of any shape -> float32 in [0, 1]."""
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


def batch_loss(images: tf.Tensor, labels: tf.Tensor, variables: model.Variables, form: model.Form,
               replicas: int, mask: Optional[tf.Tensor] = None) -> tf.Tensor:
    """The mean loss of a batch, float32 [].

    The batch is split into `replicas` towers of B/R images that share the variables. The mean of their means is the
    batch's mean, and its gradient the average of theirs: on a small batch R single-threaded towers beside each other
    are faster than one whose ops are split over threads.

    Args:
      images: uint8, in either form.
      labels: int32 [B].
      replicas: R, divides B.
      mask: as in model.forward.
    """
    rounded, losses, weights = form.precision.vector, [], model.prepare_weights(variables, form)
    masks = [None] * replicas if mask is None else tf.split(mask, replicas)
    for tower, (part, answers) in enumerate(zip(tf.split(images, replicas), tf.split(labels, replicas))):
        with tf.name_scope('tower_%d' % tower):
            logits = model.forward(normalize(part), weights, form, masks[tower])
            losses.append(tf.reduce_mean(rounded(cross_entropy(logits, answers))))
    return rounded(tf.add_n(losses) / replicas)


def learning_rate(step: tf.Tensor, params: Params, size: int = 1) -> tf.Tensor:
    """The schedule of `params` at `step` (int64 [], steps run before) for `size` ranks, float32 []."""
    factor = {'none': 1.0, 'linear': float(size), 'sqrt': size ** 0.5}[params.learning_rate_scaling]
    return schedule.learning_rate(step, factor * params.learning_rate, params.learning_rate_schedule,
                                  params.steps * params.epochs, params.warmup_steps)


def base_optimizer(state: State, variables: model.Variables, params: Params, size: int = 1) -> Adam:
    """Adam on the schedule of `params`, its variables created.

    The rate is a callable: it is built where the update is, inside a while_loop or not.
    """
    adam = Adam(lambda: learning_rate(state.steps_run.read_value(), params, size))
    adam.create_variables(list(variables.values()))
    return adam


def build(batch: Batch, parts: Step, params: Params, ranks: Ranks) -> tf.Operation:
    """One step on one batch: updates the variables and the state.

    Args:
      batch: images, uint8 in either form, and labels, int32 [B].
      ranks: all apply the same update, and skip the same ones.
    """
    images, labels = batch
    state, number = parts.state, parts.state.steps_run.read_value()
    loss = batch_loss(images, labels, parts.weights, parts.form, params.replicas, dropout_mask(number, params, ranks))
    optimized = loss
    if params.inject_overflow and params.inject_overflow_rank in (-1, ranks.rank):
        optimized = loss_scaling.overflow_loss(loss, _is_one_of(number + 1, params.inject_overflow))
    gradients = parts.optimizer.compute_gradients(optimized, var_list=parts.trained)
    if state.float_status is not None and params.loss_scale != loss_scaling.NONE:
        # --saturate is of CPUs alone (flag_rules.py), whose ranks gather: so `max` may be called.
        saturated = tf.cast(_was_saturated(gradients, state.float_status), tf.int32)
        gradients = loss_scaling.fail_where(gradients, ranks.max(saturated) > 0)
    update = parts.optimizer.apply_gradients(gradients, global_step=state.global_step)
    with tf.control_dependencies([update]):
        counted = {'loss': loss, 'global_step': state.global_step.read_value(),
                   'loss_scale': loss_scaling.current(loss_scaling.from_params(params))}
        recorded = [_append(counted[name[len(RECENT):]], record) if name.startswith(RECENT) else
                    _record(counted[name[len(RECORD):]], record, number) for name, record in state.records.items()]
    with tf.control_dependencies(recorded):
        return state.steps_run.assign_add(1, read_value=False)


def dropout_mask(step: tf.Tensor, params: Params, ranks: Ranks) -> Optional[tf.Tensor]:
    """This rank's, for model.forward; None without --dropout."""
    if not params.dropout:
        return None
    size = params.batch_size
    return dropout.masks(params.seed, step, params.dropout, ranks.size * size, model.FEATURES,
                         (ranks.rank * size, ranks.rank * size + size))


def _is_one_of(step: tf.Tensor, steps: List[str]) -> tf.Tensor:
    """bool []: whether `step` (int64 []) is among `steps`, numbers as the flag has them."""
    return tf.reduce_any(tf.equal(step, tf.constant([int(s) for s in steps], tf.int64)))


def _was_saturated(gradients: list, float_status: tf.Variable) -> tf.Tensor:
    """bool []: whether the step's tensors overflowed; read and cleared after the last of them."""
    with tf.control_dependencies([gradient for gradient, _ in gradients]):
        status = tf.identity(float_status.read_value())
    with tf.control_dependencies([status]):
        clear = float_status.assign(0, read_value=False)
    with tf.control_dependencies([clear]):
        return status > 0


def _record(value: tf.Tensor, record: tf.Variable, step: tf.Tensor) -> tf.Operation:
    """Writes `value` to its step's place in `record` ([N])."""
    n = record.shape.num_elements()
    here = tf.equal(tf.range(n, dtype=tf.int64), step % n)
    return record.assign(tf.where(here, tf.fill([n], value), record.read_value()), read_value=False)


def _append(value: tf.Tensor, recent: tf.Variable) -> tf.Operation:
    """Moves the values of `recent` ([N]) forward by one place and puts `value` last."""
    n, last = recent.shape.num_elements(), tf.reshape(value, [1])
    return recent.assign(tf.concat([tf.slice(recent.read_value(), [1], [n - 1]), last], 0) if n > 1 else last,
                         read_value=False)


def outputs(train_op: tf.Operation, parts: Step, params: Params, platform: Platform) -> Dict[str, tf.Tensor]:
    """What a session.run reports, read after its last step: the tensors of the one fetch list.

    The losses are means over the ranks where these gather: of all N steps in one exchange.
    """
    state, loss_scale = parts.state, loss_scaling.from_params(params)
    with tf.control_dependencies([train_op]):
        steps_run = state.steps_run.read_value()
        reported = {'learning_rate': learning_rate(steps_run - 1, params, platform.ranks.size), 'steps_run': steps_run,
                    'global_step': state.global_step.read_value(), 'loss_scale': loss_scaling.current(loss_scale)}
        if not platform.saturates:
            reported['weights_finite'] = tf.reduce_all(tf.stack([
                tf.reduce_all(tf.math.is_finite(variable.read_value())) for variable in parts.weights.values()]))
        if loss_scale.kind == loss_scaling.DYNAMIC:
            reported.update({name: variable.read_value() for name, variable in loss_scaling.state_variables().items()})
        reported.update({name: record.read_value() for name, record in state.records.items()})
        if platform.ranks.size > 1 and platform.ranks.gathers:  # on CPUs, which loop in the graph
            reported[RECORD + 'loss'] = platform.ranks.mean(reported[RECORD + 'loss'])
        return reported
