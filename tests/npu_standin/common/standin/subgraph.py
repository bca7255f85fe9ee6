"""What a list of fetches makes run: the ops behind it, which variables and iterators they touch, what it is for."""

import hashlib
import re
from typing import Any, Iterable, List, Optional, Set, Tuple

import tensorflow.compat.v1 as tf

from standin.engine import GraphRecord

LOOP_NAME = 'IterationOp'
_LOOPS = re.compile(r'(.*/)?%s(_\d+)?' % LOOP_NAME)
_GET_NEXT = ('IteratorGetNext', 'IteratorGetNextSync', 'IteratorGetNextAsOptional')
_VARIABLES = ('VariableV2', 'Variable', 'VarHandleOp')
_WRITES = ('Assign', 'AssignAdd', 'AssignSub', 'AssignVariableOp', 'AssignAddVariableOp', 'AssignSubVariableOp')
_TRANSPARENT = ('Identity', 'RefIdentity', 'Switch', 'RefSwitch', 'Enter', 'RefEnter')
_APPLIES = re.compile(r'(Resource)?(Sparse)?Apply[A-Z]\w*')


def origin(tensor: tf.Tensor) -> tf.Operation:
    """The op that made a handle or reference, seen through conditionals and loops."""
    operation = tensor.op
    while operation.type in _TRANSPARENT:
        operation = operation.inputs[0].op
    return operation


class Subgraph:
    """All ops that a run needs.

    Attributes:
      ops: the ops, fed tensors cut off.
      iterators: the ops that made the iterators that are read.
      initialized_iterators: names of the ops of the iterators that are initialized.
      writes: names of the ops of the variables that are assigned or updated.
      kind: 'train' (updates trainable variables from data, or runs the loop), 'iterator' (initializes one),
        'restore', 'save', 'broadcast', 'evaluate' (reads an iterator), 'initialize' (assigns variables), 'other'.
      fetch_list, number: what its session calls it.
      fixed: the ops that the host computes once for all steps of a run (see operators.py).
    """

    def __init__(self, graph: tf.Graph, record: GraphRecord, fetches: Iterable[tf.Tensor],
                 targets: Iterable[tf.Operation], fed: Set[str]) -> None:
        self.ops = reached(fetches, targets, fed)
        self.names = {operation.name for operation in self.ops}
        self.types = {operation.type for operation in self.ops}
        self.iterators = {origin(operation.inputs[0]) for operation in self.of_types(*_GET_NEXT)}
        self.initialized_iterators = {origin(operation.inputs[1]).name
                                      for operation in self.of_types('MakeIterator')}
        self.writes = self._writes()
        self.trainable_writes = self.writes & {variable.op.name for variable in
                                               graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)}
        self.kind = self._kind(record)
        self.fetch_list: Tuple[str, ...] = ()
        self.number = 0
        self.fixed: Set[tf.Operation] = set()

    def of_types(self, *types: str) -> List[tf.Operation]:
        """The ops of these types, by name."""
        return sorted((operation for operation in self.ops if operation.type in types),
                      key=lambda operation: operation.name)

    def loops(self) -> List[str]:
        """Names of the ops that are, or would like to be, IterationOp."""
        return sorted(name for name in self.names if _LOOPS.fullmatch(name))

    def data_outputs(self) -> List[tf.Tensor]:
        """What comes from the iterators."""
        return [tensor for operation in self.of_types(*_GET_NEXT) for tensor in operation.outputs]

    def pipeline(self) -> Set[tf.Operation]:
        """The ops behind the iterators that are initialized: the dataset pipelines."""
        makers = self.of_types('MakeIterator')
        return reached([maker.inputs[0] for maker in makers], [], set())

    def variables(self, among: Optional[Set[tf.Operation]] = None) -> List[str]:
        """Names of the variables among the ops."""
        return sorted(operation.name for operation in (self.ops if among is None else among)
                      if operation.type in _VARIABLES)

    def digest(self) -> str:
        """The same for two graphs of equal names, types and edges."""
        lines = sorted('%s %s %s' % (operation.type, operation.name, [tensor.name for tensor in operation.inputs])
                       for operation in self.ops)
        return hashlib.sha1('\n'.join(lines).encode()).hexdigest()[:12]

    def _writes(self) -> Set[str]:
        writers = [operation for operation in self.ops
                   if operation.type in _WRITES or _APPLIES.fullmatch(operation.type)]
        return {origin(operation.inputs[0]).name for operation in writers}

    def _kind(self, record: GraphRecord) -> str:
        trains = self.loops() or self.names & record.train_ops or self.iterators and self.trainable_writes
        if trains or any(_APPLIES.fullmatch(name) for name in self.types):
            return 'train'
        for kind, signs in (('iterator', self.initialized_iterators), ('restore', 'RestoreV2' in self.types),
                            ('save', 'SaveV2' in self.types), ('broadcast', self.names & set(record.broadcasts)),
                            ('evaluate', self.iterators), ('initialize', self.writes)):
            if signs:
                return kind
        return 'other'


def reached(fetches: Iterable[tf.Tensor], targets: Iterable[tf.Operation], fed: Set[str]) -> Set[tf.Operation]:
    """All ops that these need, but for what is behind a fed tensor."""
    found: Set[tf.Operation] = set()
    pending: List[Any] = [tensor.op for tensor in fetches if tensor.name not in fed] + list(targets)
    while pending:
        operation = pending.pop()
        if operation not in found:
            found.add(operation)
            pending += [tensor.op for tensor in operation.inputs if tensor.name not in fed]
            pending += operation.control_inputs
    return found
