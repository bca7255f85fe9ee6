"""The whole training graph: input, N steps, evaluation. Training and the bench build the very same one."""

from typing import Any, Callable, Dict, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from lenet.data.splits import Dataset
from lenet.graph import loop
from lenet.graph import loss_scaling
from lenet.graph import model
from lenet.graph import pipeline
from lenet.graph import precision
from lenet.graph import step
from lenet.run import accuracy
from lenet.run import transfer


class TrainingGraph(NamedTuple):
    """Handles into the graph that a session runs."""

    graph: tf.Graph
    iterator: tf.data.Iterator
    train_op: tf.Operation  # N steps, or one step that the platform repeats
    outputs: Dict[str, tf.Tensor]
    evaluation: Optional[accuracy.Graph]
    initializer: tf.Operation  # of all variables; never run together with an iterator's
    broadcast: Optional[tf.Operation]
    stop_wish: Optional[tf.Variable]  # int32 [], local, where ranks stop together: a signal's number
    weights: model.Variables


def build(params: Any, platform: Any, dataset: Dataset, start_step: int = 0,
          constant_input: bool = False) -> TrainingGraph:
    """Builds the graph of a run.

    Args:
      start_step: steps already run.
      constant_input: True reads one batch over and over (for the bench).
    """
    graph = tf.Graph()
    with graph.as_default(), tf.variable_scope('', use_resource=platform.use_resource):
        open_source = {'resident': pipeline.resident, 'stream': pipeline.stream}[params.input]
        train = dataset.train._replace(images=model.layout(dataset.train.images, params.conv))
        source = open_source(train, params.batch_size, params.seed, start_step, platform.rank, platform.size,
                             shuffle=not params.random_remove)
        next_batch = pipeline.constant(train, params.batch_size) if constant_input else source.next_batch
        weights = model.create_variables(params.activation, params.seed, params.num_classes)
        frozen = transfer.frozen(params.freeze_variables, weights)
        state = step.create_state(params)
        form = _form(params, platform, state.float_status)
        loss_scale = loss_scaling.from_params(params)
        optimizer = platform.optimizer(step.base_optimizer(state, weights, params, platform.size),
                                       loss_scale)
        loss_scaling.complete_state()

        def one_step() -> tf.Operation:
            return step.build(next_batch(), weights, frozen, state, optimizer, loss_scale, form, params,
                              platform.ranks)

        train_op = loop.repeat(one_step, params.iterations_per_loop if platform.loops_in_graph else 1)
        outputs = step.outputs(train_op, state, weights, loss_scale, params, platform.size)
        stop_wish = None
        if platform.size > 1 and platform.ranks.gathers:
            stop_wish = step.local_variable('stop_wish', [], tf.int32)
            with tf.control_dependencies([train_op]):
                outputs['stop'] = platform.ranks.max(stop_wish.read_value())
        evaluation = None
        if params.evaluate:
            evaluation = accuracy.build(dataset.test, weights, _form(params, platform), params.eval_batch_size,
                                        params.replicas, platform.ranks, params.input == 'resident')
        initializer = tf.group(tf.global_variables_initializer(), tf.local_variables_initializer())
        return TrainingGraph(graph, source.iterator, train_op, outputs, evaluation, initializer,
                             platform.broadcast(list(weights.values()), tf.global_variables()), stop_wish, weights)


def _form(params: Any, platform: Any, float_status: Optional[tf.Variable] = None) -> model.Form:
    rounding = precision.FLOAT32
    if platform.emulates_precision:
        rounding = precision.of_mode(params.precision_mode, float_status)
    return model.Form(params.activation, params.conv, rounding)


def initialize(session: tf.Session, built: TrainingGraph, load: Optional[Callable[[], None]] = None) -> None:
    """Gives variables, then iterators their first values.

    Two runs: in one, an NPU's graph would stay on the host and the device's variables become zero.

    Args:
      load: called after the variables' own initializers, to load a checkpoint.
    """
    session.run(built.initializer)
    if load is not None:
        load()
    if built.broadcast is not None:
        session.run(built.broadcast)
    session.run(built.iterator.initializer)
