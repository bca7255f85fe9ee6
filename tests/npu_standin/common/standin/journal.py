"""The journal: one line of JSON per call, appended to the file that NPU_STANDIN_JOURNAL names.

Every line has `n` (0, 1, 2 … in this process), `pid` and `event`. The events and their further fields:

    load                  generation
    session               session, parameter_map {key: value}, remapping, memory_optimization, allow_soft_placement,
                          precision (what the process really runs with)
    host_session          session (one without NpuOptimizer)
    session_closed        session
    compile               session, compile (number), kind, fetches [names], feeds [names], ops (count), digest (of the
                          names, types and edges: equal graphs on two ranks have equal digests)
    run                   session, compile, kind, iterations, step (device steps of training before this run)
    set_iteration_per_loop    iterations, train_op, name_scope
    load_iteration_per_loop_var    iterations (only when called as a method of IterationPerLoop)
    iteration_op          op (the name that the group got), train_op
    loop_loaded           session, iterations
    on_host               kind, ops [types] (of the step, in a training run, that the list of operators lacks)
    loss_scale_manager    manager ('fixed', 'dynamic'), loss_scale, and the manager's other arguments
    loss_scale_optimizer  optimizer, manager, is_distributed
    distributed_optimizer optimizer, size, job, is_weight_update_sharding
    allreduce_gradients   variables [names]
    broadcast             variables [names], root_rank, fusion, fusion_id, group (when built)
    broadcast_run         session, variables [names] (when run)
    allreduce             tensor, reduction, fusion, fusion_id, group
    initialize_system, shutdown_system    op (when built); system_run: session, name (when run)
    is_inf_nan_enabled; set_device_sat_mode    mode
    overflow              step
    fault                 fault (one that NPU_STANDIN_FAULT asked for), run
    ignored               key, reason (something this generation ignores by design)
    silent                rule, detail (silent mode: a rule was broken and the device says nothing)
    violation             rule, detail
    npu_close             (v23, v26)
    exit                  violations (count)

`kind` of a run: train, evaluate, initialize, iterator, restore, save, broadcast or other (see subgraph.py).
"""

import itertools
import json
import os
from typing import Any

_numbers = itertools.count()


def record(event: str, **fields: Any) -> None:
    """Appends an entry to the journal, if there is one."""
    path = os.environ.get('NPU_STANDIN_JOURNAL')
    if not path:
        return
    entry = dict(n=next(_numbers), pid=os.getpid(), event=event, **fields)
    with open(path, 'a', encoding='utf-8') as stream:
        stream.write(json.dumps(entry, default=str) + '\n')
