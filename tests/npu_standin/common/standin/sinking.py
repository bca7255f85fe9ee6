"""Sinking: N steps per session.run, and everything that makes a device quietly run one step instead."""

from typing import Any, List, Tuple

import tensorflow.compat.v1 as tf

from standin import journal, operators, settings, violations
from standin.engine import engine
from standin.subgraph import LOOP_NAME, Subgraph

INITIALIZABLE = ('IteratorV2', 'Iterator')  # types of ops
_NAMES = ('iterations_per_loop', 'loop_cond', 'zero', 'one')
_SCOPE = 'npu_runconfig'


def _loop_variables(graph: tf.Graph) -> List[Any]:
    """The variables that `build` made in a graph, in the order of _NAMES."""
    return [variable for name in _NAMES for variable in graph.get_collection('%s_%s' % (_SCOPE, name))]


def _loop_variable(name: str) -> Any:
    collection = '%s_%s' % (_SCOPE, name)
    variables = tf.get_collection(collection)
    if len(variables) > 1:
        raise RuntimeError('there are %d variables %s/%s in this graph' % (len(variables), _SCOPE, name))
    if variables:
        return variables[0]
    with tf.variable_scope(_SCOPE, reuse=tf.AUTO_REUSE):
        return tf.get_variable(name, [], tf.int64, tf.zeros_initializer(), trainable=False, use_resource=True,
                               collections=[collection, tf.GraphKeys.LOCAL_VARIABLES])


def build(train_op: tf.Operation) -> tf.Operation:
    """Creates the loop's int64 resource variables and groups `train_op` under the name IterationOp."""
    graph = train_op.graph
    record = engine.record_of(graph)
    if record.loops:
        violations.violate('sink-twice', 'this graph already has %s' % ', '.join(record.loops))
    scope = graph.get_name_scope() or tf.get_variable_scope().name
    if scope:
        violations.violate('sink-scope', 'the scope is %s' % scope)
    for name in _NAMES:
        _loop_variable(name)
    operation = tf.group(train_op, name=LOOP_NAME)
    record.train_ops.add(train_op.name)
    record.loops.append(operation.name)
    journal.record('iteration_op', op=operation.name, train_op=train_op.name)
    return operation


def check_value(session: tf.Session, iterations: int) -> None:
    """The value must be the one in the session's parameter_map."""
    device = engine.device_session(session)
    if device is None:
        if iterations > 1:
            violations.violate('sink-host', 'set_iteration_per_loop with a session without NpuOptimizer')
    elif device.values['iterations_per_loop'] != iterations:
        violations.violate('sink-value', "set_iteration_per_loop has %d, the session's parameter_map %d"
                           % (iterations, device.values['iterations_per_loop']))


def load(session: tf.Session, iterations: int) -> None:
    """Loads N-1, 0, 0, 1 in `session`."""
    check_value(session, iterations)
    missing = [variable.op.name for variable in session.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
               if not _is_initialized(session, variable)]
    if missing:
        violations.violate('sink-uninitialized', 'not initialized yet: %s' % ', '.join(missing))
    variables = _loop_variables(session.graph)
    values = {variable.initializer.inputs[1]: value for variable, value in zip(variables, (iterations - 1, 0, 0, 1))}
    engine.plain_run(session, [variable.initializer for variable in variables], values)
    device = engine.device_session(session)
    if device is not None:
        device.loaded = iterations
        journal.record('loop_loaded', session=device.number, iterations=iterations)


def _is_initialized(session: tf.Session, variable: Any) -> bool:
    try:
        engine.plain_run(session, variable)
        return True
    except tf.errors.FailedPreconditionError:
        return False


def check_reset(device: Any, plan: Subgraph) -> None:
    """A run must not initialize the loop's variables once they are loaded."""
    loop_variables = {variable.op.name for variable in _loop_variables(device.graph)}
    if device.loaded and plan.writes & loop_variables:
        violations.violate('sink-reset', 'a run initializes %s' % ', '.join(sorted(plan.writes & loop_variables)))


def iterations(device: Any, plan: Subgraph) -> int:
    """How many steps a training run of a device session does: N, or 1 with every reason in the journal."""
    if operators.listed() is None:
        violations.violate('ops-list', 'a run of kind %s' % plan.kind)
        return 1
    plan.fixed, torn = operators.on_host(device.graph, engine.record_of(device.graph), plan)
    if device.values['iterations_per_loop'] == 1 and not plan.loops():
        return 1
    broken = False
    for rule, detail in _obstacles(device, plan):
        violations.violate(rule, detail)
        broken = True
    for rule, operations in (('ops-step', torn), ('ops-fixed', plan.fixed)):
        if operations:
            violations.violate(rule, ', '.join(sorted({operation.type for operation in operations})))
            broken = broken or rule == 'ops-step'
    if broken:
        return 1
    if settings.fault('one_step', engine.train_runs):
        journal.record('fault', fault='one_step', run=engine.train_runs)
        return 1
    return device.values['iterations_per_loop']


def _obstacles(device: Any, plan: Subgraph) -> List[Tuple[str, str]]:
    """(rule, detail) of everything that keeps a run from looping."""
    values, obstacles = device.values, []
    if LOOP_NAME not in plan.names:
        named = ', '.join(plan.loops())
        if named:
            obstacles.append(('sink-scope' if '/' in named else 'sink-twice', 'the loop is named %s' % named))
        else:
            obstacles.append(('sink-bypassed', 'the run has no IterationOp, iterations_per_loop is %d'
                              % values['iterations_per_loop']))
    elif not device.loaded:
        obstacles.append(('sink-not-loaded', 'session %d runs IterationOp' % device.number))
    else:
        wanted = [values['iterations_per_loop'] - 1, 0, 0, 1]
        loaded = [int(value) for value in engine.plain_run(device.session, _loop_variables(device.graph))]
        if loaded[:1] != wanted[:1] and any(loaded):
            obstacles.append(('sink-value', 'the loop variables are %s, not %s' % (loaded, wanted)))
        elif loaded != wanted:
            obstacles.append(('sink-reset', 'the loop variables are %s, not %s' % (loaded, wanted)))
    if not values['enable_data_pre_proc'] or values['mix_compile_mode']:
        obstacles.append(('config-sinking', 'enable_data_pre_proc is %s, mix_compile_mode %s'
                          % (values['enable_data_pre_proc'], values['mix_compile_mode'])))
    for iterator in sorted(plan.iterators, key=lambda operation: operation.name):
        if iterator.type not in INITIALIZABLE:
            obstacles.append(('run-string-handle', '%s is a %s' % (iterator.name, iterator.type)))
    for tensor in plan.data_outputs():
        if not tensor.shape.is_fully_defined():
            obstacles.append(('run-dynamic-shape', '%s has the shape %s' % (tensor.name, tensor.shape)))
    return obstacles
