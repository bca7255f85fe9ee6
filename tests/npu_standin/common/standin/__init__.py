"""The emulated device behind the stand-in npu_bridge: what it checks, how it runs, what it writes down.

    settings.py       environment variables: mode and faults      journal.py        the log of calls
    violations.py     the rules by name, and their breaking       engine.py         what lasts as long as the process
    config_rules.py   the session's ConfigProto                   rank_rules.py     device and ranks in the environment
    subgraph.py       what a list of fetches makes run            run_rules.py      what may run together, and when
    sinking.py        N steps per session.run                     session_hooks.py  the patches of TensorFlow's sessions
    float_status.py   the overflow flag                           gradients.py      optimizers around optimizers
    operators.py      the list of operators               loading.py        load, close, unload
"""

from standin.violations import RULES, StandinViolation  # noqa: F401
