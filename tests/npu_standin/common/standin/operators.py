"""The list of operators that the device computes, and what becomes of the others: the adapter leaves them on the host.

An operator of the step that the list lacks has one of two effects, both silent. Where it needs nothing that the step
itself has changed (a gather of the batch from a variable that stays as it is), the host computes it once before the
device's N steps, which all see the same value. Any other one tears the loop apart: one step per run.
"""

import glob
import json
import os
from typing import Any, Optional, Set, Tuple

from standin import journal
from standin.engine import GraphRecord
from standin.subgraph import Subgraph, origin, reached

_FILE = 'npu_supported_ops.json'
_EXEMPT = {'Const', 'Iterator', 'IteratorV2', 'IteratorGetNext'}


def listed() -> Optional[Set[str]]:
    """The types of the list, those of vendors among them; None where there is no list."""
    opp = os.environ.get('ASCEND_OPP_PATH') or '/usr/local/Ascend/opp'
    newer = os.path.isdir(os.path.join(opp, 'built-in'))
    path = os.path.join(opp, 'built-in/framework/tensorflow' if newer else 'framework/built-in/tensorflow', _FILE)
    if not os.path.isfile(path):
        return None
    found: Set[str] = set()
    for name in [path] + glob.glob(os.path.join(opp, 'vendors', '*', 'framework', 'tensorflow', _FILE)):
        with open(name, encoding='utf-8') as stream:
            found |= set(json.load(stream))
    return found


def on_host(graph: Any, record: GraphRecord, plan: Subgraph) -> Tuple[Set[Any], Set[Any]]:
    """The ops of a training run's step that the list lacks: those whose value is fixed, and those that end the loop."""
    steps = [graph.get_operation_by_name(name) for name in record.train_ops] or plan.ops
    types = listed() or set()
    unlisted = {operation for operation in reached([], steps, set()) & plan.ops
                if operation.type not in types | _EXEMPT}
    if unlisted:
        journal.record('on_host', kind=plan.kind, ops=sorted({operation.type for operation in unlisted}))
    fixed = {operation for operation in unlisted if not _changes(operation, plan)}
    return fixed, unlisted - fixed


def _changes(operation: Any, plan: Subgraph) -> bool:
    """Whether it needs a variable that the step writes."""
    return any(origin(tensor).name in plan.writes for needed in reached([], [operation], set())
               for tensor in needed.inputs)
