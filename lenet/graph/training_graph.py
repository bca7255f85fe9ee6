"""The whole training graph: input, N steps, evaluation. Training and the bench build the very same one."""

from typing import Callable, Dict, NamedTuple, Optional, Union

import tensorflow.compat.v1 as tf

from lenet.data.splits import Dataset, Split
from lenet.flags import Params
from lenet.graph import augmentation
from lenet.graph import evaluation
from lenet.graph import loop
from lenet.graph import model
from lenet.graph import pipeline
from lenet.graph import step
from lenet.graph import strokes
from lenet.platforms.base import Platform
from lenet.ranks.base import Ranks


class TrainingGraph(NamedTuple):
    """Handles into the graph that a session runs."""

    graph: tf.Graph
    iterator: tf.data.Iterator
    train_op: tf.Operation  # N steps, or one step that the platform repeats
    outputs: Dict[str, tf.Tensor]
    evaluation: Optional[evaluation.Evaluation]
    initializer: tf.Operation  # of all variables; never run together with an iterator's
    broadcast: Optional[tf.Operation]
    stop_wish: Optional[tf.Variable]  # int32 [], local, where ranks stop together: a signal's number
    weights: model.Variables


def build(params: Params, platform: Platform, dataset: Dataset, start_step: int = 0,
          constant_input: bool = False) -> TrainingGraph:
    """Builds the graph of a run.

    Args:
      params: completed.
      platform: started.
      dataset: images uint8 [n, 28, 28, 1]; they are laid out here as --conv wants them.
      start_step: steps already run.
      constant_input: True reads one batch over and over (for the bench).

    Raises:
      UserError: see step.create.
    """
    ranks = platform.ranks
    with tf.Graph().as_default() as graph, tf.variable_scope('', use_resource=platform.use_resource):
        n = params.iterations_per_loop if platform.loops_in_graph else 1
        distort = None if constant_input else distortion(params, ranks)
        # A device that repeats the step by itself would have to have the operators too, so there the host distorts.
        in_step = platform.loops_in_graph and distort is not None
        source = open_input(params, ranks, dataset.train, start_step, n, None if in_step else distort)
        next_batch = source.next_batch
        if constant_input:
            next_batch = pipeline.constant(_lay_out(dataset.train, params), params.batch_size)
        parts = step.create(params, platform)

        def read(number: Union[int, tf.Tensor]) -> pipeline.Batch:
            images, labels = next_batch(number)
            if in_step:
                images = distort(images, parts.state.steps_run.read_value())
            return images, labels

        train_op = loop.repeat(lambda number: step.build(read(number), parts, params, ranks), n)
        outputs = step.outputs(train_op, parts, params, platform)
        stop_wish = _spread_stop_wish(train_op, outputs, ranks)
        evaluated = None
        if params.evaluate:
            evaluated = evaluation.build(dataset.test, parts.weights, step.computed_form(params, platform),
                                         params.eval_batch_size, params.replicas, ranks, params.input == 'resident')
        initializer = tf.group(tf.global_variables_initializer(), tf.local_variables_initializer())
        broadcast = ranks.broadcast(list(parts.weights.values()), tf.global_variables())
        return TrainingGraph(graph, source.iterator, train_op, outputs, evaluated, initializer, broadcast, stop_wish,
                             parts.weights)


def _lay_out(split: Split, params: Params) -> Split:
    return split._replace(images=model.lay_out(split.images, params.conv))


def open_input(params: Params, ranks: Ranks, split: Split, start_step: int, n: int = 1,
               distort: Optional[pipeline.Distortion] = None) -> pipeline.Source:
    """The training batches for a loop of n steps in the graph: images laid out as --conv wants them or, where --augment
    asks for distorted ones, surrounded as `distortion` takes them.

    Args:
      distort: of `distortion`, applied on the host beside the step before; the images then go through tf.data, whatever
        --input says.
    """
    options = dict(batch_size=params.batch_size, seed=params.seed, start_step=start_step, rank=ranks.rank,
                   size=ranks.size, shuffle=not params.random_remove)
    if augmentation.amounts(params) is None:
        arranged = _lay_out(split, params)
    else:
        arranged = split._replace(images=augmentation.surround(split.images))
    if params.input == 'resident' and distort is None:
        return pipeline.resident(arranged, steps=n, **options)
    return pipeline.stream(arranged, distort=distort, **options)


def distortion(params: Params, ranks: Ranks) -> Optional[pipeline.Distortion]:
    """Distorts this rank's batch of a step: surrounded images in, images laid out as --conv wants them out. None
    without --augment. Each tower's images are warped by themselves, beside the others'."""
    amounts = augmentation.amounts(params)
    if amounts is None:
        return None
    numbers = model.lay_out(augmentation.pixel_numbers(), params.conv)

    def distort(images: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        whole, first = ranks.size * params.batch_size, ranks.rank * params.batch_size
        maps = augmentation.draw(params.seed, step, whole, amounts)
        warped = augmentation.warp(images, maps, numbers, first, params.replicas)
        drawn = strokes.draw(params.seed, step, whole, amounts.stroke)
        return strokes.change(warped, tf.slice(drawn, [first, 0], [params.batch_size, 2]))

    return distort


def _spread_stop_wish(train_op: tf.Operation, outputs: Dict[str, tf.Tensor], ranks: Ranks) -> Optional[tf.Variable]:
    """Where ranks stop together: a variable for this rank's wish, and in `outputs` the strongest of all ranks'."""
    if ranks.size == 1 or not ranks.gathers:
        return None
    wish = step.local_variable('stop_wish', [], tf.int32)
    with tf.control_dependencies([train_op]):
        outputs['stop'] = ranks.max(wish.read_value())
    return wish


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
