"""What may run together on the device, and in which order: the rules of a single session.run."""

from typing import Any

import tensorflow.compat.v1 as tf

from standin import rank_rules, sinking, violations
from standin.engine import engine
from standin.subgraph import Subgraph

_SUMMARIES = ('ScalarSummary', 'HistogramSummary', 'ImageSummary', 'AudioSummary', 'TensorSummary', 'TensorSummaryV2',
              'MergeSummary', 'WriteSummary', 'WriteScalarSummary', 'WriteHistogramSummary', 'WriteImageSummary')
_LOOPS = ('Enter', 'RefEnter', 'NextIteration', 'RefNextIteration', 'While', 'StatelessWhile')
_MAX_FETCH_LISTS = 2
_COMPUTES = ('train', 'evaluate')


def check_graph(device: Any, plan: Subgraph) -> None:
    """The rules that need only the ops of the run; checked once per list of fetches."""
    _forbid(plan, 'run-summary', plan.of_types(*_SUMMARIES))
    pipeline = plan.pipeline()
    if plan.variables(pipeline):
        violations.violate('run-pipeline-variable', ', '.join(plan.variables(pipeline)))
    if plan.kind in _COMPUTES or pipeline:
        _forbid(plan, 'run-queue', [operation for operation in plan.ops | pipeline if _is_queue(operation.type)])
    if plan.kind in _COMPUTES:
        _forbid(plan, 'run-float64', [operation for operation in plan.ops
                                      if any(tensor.dtype.base_dtype == tf.float64 for tensor in operation.outputs)])
        if device.values['iterations_per_loop'] > 1:
            _forbid(plan, 'run-one-shot', [operation for operation in plan.iterators
                                           if operation.type == 'OneShotIterator'])
    if plan.kind == 'train':
        _forbid(plan, 'run-while-loop', plan.of_types(*_LOOPS))
        if engine.held['graph_run_mode'] == 0:
            violations.violate('run-inference-mode', 'a training run with graph_run_mode 0')


def _is_queue(kind: str) -> bool:
    return 'Queue' in kind or kind.endswith(('Reader', 'ReaderV2'))


def _forbid(plan: Subgraph, rule: str, operations: Any) -> None:
    if operations:
        names = sorted('%s (%s)' % (operation.name, operation.type) for operation in operations)
        violations.violate(rule, 'a run of kind %s has %s' % (plan.kind, ', '.join(names[:5])))


def check_order(device: Any, plan: Subgraph) -> None:
    """The rules that depend on what ran before; checked before every run."""
    if engine.closed:
        violations.violate('run-after-close', 'a run of kind %s after %s' % (plan.kind, engine.closed))
    if plan.initialized_iterators and plan.writes:
        violations.violate('run-initializers-together', 'one run initializes %s and %s' % (
            ', '.join(sorted(plan.initialized_iterators)), ', '.join(sorted(plan.writes))))
    sinking.check_reset(device, plan)
    _check_iterators(device, plan)
    if rank_rules.size() > 1:
        _check_broadcast(device, plan)
    if plan.kind == 'train':
        device.train_lists.add(plan.fetch_list)
        if len(device.train_lists) > _MAX_FETCH_LISTS:
            violations.violate('run-fetch-lists', '%d different fetch lists run the training step, this one is %s'
                               % (len(device.train_lists), ', '.join(plan.fetch_list)))


def _check_iterators(device: Any, plan: Subgraph) -> None:
    names = {operation.name for operation in plan.iterators if operation.type in sinking.INITIALIZABLE}
    if plan.kind == 'train':
        if names - device.iterators_ready:
            violations.violate('run-iterator-uninitialized', ', '.join(sorted(names - device.iterators_ready)))
        device.train_iterators |= names
    elif plan.kind == 'evaluate':
        device.evaluation_iterators |= names
    shared = device.train_iterators & device.evaluation_iterators
    if shared:
        violations.violate('run-shared-iterator', 'training and evaluation read %s' % ', '.join(sorted(shared)))


def _check_broadcast(device: Any, plan: Subgraph) -> None:
    if plan.kind == 'broadcast' and (device.loaded or device.has_trained):
        violations.violate('hccl-late', 'a broadcast runs after set_iteration_per_loop or training')
    if plan.kind != 'train':
        return
    record = engine.record_of(device.graph)
    if not plan.names & record.allreduces:
        violations.violate('hccl-gradients', 'RANK_SIZE is %d, the training run has no allreduce' % rank_rules.size())
    needed = {variable.op.name for variable in device.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
              if variable.dtype.base_dtype.is_floating}
    if not device.has_trained and (len(device.broadcast_runs) != 1 or needed - device.broadcast_runs[0]):
        violations.violate('hccl-missing', '%d broadcast runs since the last initialization cover %s, trainable are %s'
                           % (len(device.broadcast_runs), sorted(set().union(*device.broadcast_runs)),
                              sorted(needed)))


def take_note(device: Any, plan: Subgraph) -> None:
    """Remembers what a run has done, for the rules of later runs."""
    device.iterators_ready |= plan.initialized_iterators
    record = engine.record_of(device.graph)
    if plan.kind == 'train':
        device.has_trained = True
    elif plan.kind == 'broadcast':
        device.broadcast_runs.append({record.broadcasts[name] for name in plan.names & set(record.broadcasts)})
    elif plan.trainable_writes:
        device.broadcast_runs = []  # initialized or restored anew
