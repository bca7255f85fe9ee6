"""What lasts as long as the process: generation, engine-wide options, sessions, and notes on each graph."""

import weakref
from typing import Any, Callable, Dict, List, Optional, Set


class GraphRecord:
    """What npu_bridge's functions built in one graph, by the names of the ops."""

    def __init__(self) -> None:
        self.train_ops: Set[str] = set()  # what IterationOp groups
        self.loops: List[str] = []  # IterationOp, IterationOp_1 …
        self.broadcasts: Dict[str, str] = {}  # op -> variable
        self.allreduces: Set[str] = set()
        self.system_ops: Dict[str, str] = {}  # op -> initialize_system or shutdown_system


class Engine:
    """The graph engine: started by the first session with NpuOptimizer, there is one per process."""

    def __init__(self) -> None:
        self.generation: Optional[str] = None  # 'v21', 'v23' or 'v26'
        self.held: Dict[str, Any] = {}  # options of the first session that hold for the process
        self.closed: Optional[str] = None  # what closed it
        self.steps = 0  # device steps of training so far
        self.train_runs = 0
        self.open_sessions: Set[Any] = set()  # DeviceSession
        self.plain_run: Callable[..., Any] = None  # TensorFlow's own Session.run(session, fetches, feed_dict)
        self._graphs = weakref.WeakKeyDictionary()

    def record_of(self, graph: Any) -> GraphRecord:
        """The notes on `graph`, empty at first."""
        return self._graphs.setdefault(graph, GraphRecord())

    def since(self, generation: str) -> bool:
        """Whether the adapter is of this generation or a later one."""
        return self.generation >= generation

    def device_session(self, session: Any) -> Optional[Any]:
        """The DeviceSession of a tf.Session, None if it is a host session."""
        return getattr(session, '_standin', None)

    @property
    def precision_mode(self) -> Optional[str]:
        """The precision the process runs with, None before the first session."""
        return self.held.get('precision_mode_v2') or self.held.get('precision_mode')


engine = Engine()
