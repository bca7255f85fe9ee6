"""A tf.Session on the emulated device: what a session with NpuOptimizer does instead of TensorFlow's own run."""

import itertools
from typing import Any, Dict, List, Set, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.client import session as client

from standin import config_rules, float_status, journal, run_rules, settings, sinking, violations
from standin.engine import engine
from standin.subgraph import Subgraph

_numbers = itertools.count()


class DeviceSession:
    """The notes on a session with NpuOptimizer, and its runs.

    Attributes:
      values: every key of the parameter_map with the value that the device takes.
      loaded: N, once the loop's variables were loaded in this session; else 0.
    """

    def __init__(self, session: tf.Session, values: Dict[str, Any], config: Any) -> None:
        self.session, self.graph, self.values = session, session.graph, values
        self.number = next(_numbers)
        self.loaded = 0
        self.has_trained = False
        self.iterators_ready: Set[str] = set()
        self.train_iterators: Set[str] = set()
        self.evaluation_iterators: Set[str] = set()
        self.train_lists: Set[Tuple[str, ...]] = set()
        self.broadcast_runs: List[Set[str]] = []
        self._zeroed = False
        self._plans: Dict[Any, Subgraph] = {}
        rewriters = config.graph_options.rewrite_options
        journal.record('session', session=self.number, parameter_map=config_rules.given(config),
                       remapping=rewriters.remapping, memory_optimization=rewriters.memory_optimization,
                       allow_soft_placement=config.allow_soft_placement, precision=engine.precision_mode)

    def run(self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        """Session.run: checks the run, then does it once, or N times if it sinks."""
        plan = self._plan(fetches, feed_dict or {})
        run_rules.check_order(self, plan)
        steps = sinking.iterations(self, plan) if plan.kind == 'train' else 1
        journal.record('run', session=self.number, compile=plan.number, kind=plan.kind, iterations=steps,
                       step=engine.steps)
        if plan.kind == 'train':
            self._fail_on_demand()
            result = self._train(steps, fetches, self._fix(plan, steps, feed_dict), options, run_metadata)
        else:
            result = engine.plain_run(self.session, fetches, feed_dict, options, run_metadata)
        run_rules.take_note(self, plan)
        self._take_note(plan)
        if plan.kind in ('train', 'evaluate'):
            result = tf.nest.map_structure(float_status.saturated_value, result)
        return result

    def _fix(self, plan: Subgraph, steps: int, feeds: Any) -> Any:
        """What a run is fed: with the values that the host computes once for all its steps."""
        if steps == 1 or not plan.fixed:
            return feeds
        tensors = [tensor for operation in plan.fixed for tensor in operation.outputs]
        return {**(feeds or {}), **dict(zip(tensors, engine.plain_run(self.session, tensors, feeds)))}

    def _train(self, steps: int, *arguments: Any) -> Any:
        """Runs `steps` times; the fetched values are those of the last."""
        engine.train_runs += 1
        for _ in range(steps):
            try:
                result = engine.plain_run(self.session, *arguments)
            except tf.errors.OutOfRangeError:
                if steps > 1:
                    violations.violate('run-exhausted', 'at device step %d' % engine.steps)
                raise
            engine.steps += 1
        return result

    def _fail_on_demand(self) -> None:
        run = engine.train_runs
        if settings.fault('run_error', run):
            journal.record('fault', fault='run_error', run=run)
            engine.train_runs += 1
            raise tf.errors.InternalError(None, None, 'GeOp1_0GEOP::::DoRunAsync Failed')

    def _plan(self, fetches: Any, feeds: Any) -> Subgraph:
        """The subgraph of a run, checked and "compiled" when it is new."""
        fed = {self.graph.as_graph_element(feed).name for feed in feeds}
        handler = client._FetchHandler(self.graph, fetches, {})
        names = sorted(item.name for item in handler.fetches() + handler.targets())
        key = (tuple(names), frozenset(fed))
        if key not in self._plans:
            plan = Subgraph(self.graph, engine.record_of(self.graph), handler.fetches(), handler.targets(), fed)
            plan.fetch_list, plan.number = key[0], len(self._plans)
            run_rules.check_graph(self, plan)
            self._plans[key] = plan
            journal.record('compile', session=self.number, compile=plan.number, kind=plan.kind, fetches=names,
                           feeds=sorted(fed), ops=len(plan.ops), digest=plan.digest())
        return self._plans[key]

    def _take_note(self, plan: Subgraph) -> None:
        record = engine.record_of(self.graph)
        for name in sorted(plan.names & set(record.system_ops)):
            journal.record('system_run', session=self.number, name=record.system_ops[name])
            if record.system_ops[name] == 'shutdown_system':
                engine.closed = 'shutdown_system'
        if plan.kind == 'broadcast':
            journal.record('broadcast_run', session=self.number, variables=sorted(self.broadcast_runs[-1]))
        if plan.initialized_iterators:
            if plan.writes:
                self._zero_variables()
            elif settings.fault('zero_variables') and not self._zeroed:
                journal.record('fault', fault='zero_variables', run=engine.train_runs)
                self._zero_variables()

    def _zero_variables(self) -> None:
        """What becomes of variables that are initialized together with an iterator."""
        self._zeroed = True
        for collection in (tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.LOCAL_VARIABLES):
            for variable in self.graph.get_collection(collection):
                value = variable.initializer.inputs[1]
                zeros = np.zeros(variable.shape.as_list(), value.dtype.base_dtype.as_numpy_dtype)
                engine.plain_run(self.session, variable.initializer, {value: zeros})
