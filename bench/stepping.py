"""Training's own graph in a session, run call by call."""

import contextlib
import time
from typing import Dict, Iterator, List, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.checks import ready
from lenet.data.splits import Dataset
from lenet.errors import UserError
from lenet.flags import Params
from lenet.graph import training_graph
from lenet.platforms.base import Platform
from lenet.run.account import Account


class Stepper:
    """Runs N steps at a time, with the fetches of training's loop and its account of them."""

    def __init__(self, session: tf.Session, fetches: list, params: Params, sinking_causes: str) -> None:
        self._session = session
        self._fetches = fetches
        self._n = params.iterations_per_loop
        self._sinking_causes = sinking_causes
        self._account = Account(params)
        self.losses: List[float] = []  # of every step so far

    def call(self, options: Optional[tf.RunOptions] = None, metadata: Optional[tf.RunMetadata] = None) -> float:
        """Runs N steps; returns the seconds of the session.run alone.

        Raises:
          UserError: it did not run N steps, so that its time would mean something else.
        """
        began = time.perf_counter()
        _, outputs = self._session.run(self._fetches, options=options, run_metadata=metadata)
        seconds = time.perf_counter() - began
        self._account.add(outputs, seconds)
        if self._account.steps_of_call != self._n:
            raise UserError('a session.run ran %d of --iterations_per_loop=%d steps; likely causes: %s' %
                            (self._account.steps_of_call, self._n, self._sinking_causes))
        self.losses.extend(self._account.losses.tolist())
        return seconds

    def calls(self, steps: int) -> List[float]:
        """The seconds of each call of the next `steps` steps."""
        return [self.call() for _ in range(steps // self._n)]

    def variables(self) -> Dict[str, np.ndarray]:
        """All that a checkpoint would hold, by name."""
        variables = tf.global_variables()
        return dict(zip([variable.op.name for variable in variables], self._session.run(variables)))


@contextlib.contextmanager
def open_stepper(params: Params, platform: Platform, data: Dataset, constant_input: bool = False) -> Iterator[Stepper]:
    """Builds the graph that training would build from `params` and starts it from fresh weights.

    Args:
      params: completed; what concerns files (--output_dir, --resume, --restore_path) means nothing here.
      platform: started.
      constant_input: every step reads one and the same batch, which costs next to nothing.
    """
    built = training_graph.build(params, platform, data, constant_input=constant_input)
    ready.require_operators(params, built)
    with built.graph.as_default(), platform.session() as session, platform.ranks.explaining():
        training_graph.initialize(session, built)
        train_op = platform.sink(session, built.train_op)
        yield Stepper(session, [train_op, built.outputs], params, platform.sinking_causes)
