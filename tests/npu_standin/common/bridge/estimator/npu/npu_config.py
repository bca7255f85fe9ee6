"""npu_bridge.estimator.npu.npu_config: the Estimator's configuration. What this project asks of it is which of the
session's keys a generation knows: the constructor names them."""

from standin.engine import engine

if engine.since('v23'):
    class NPURunConfig:
        """Of an adapter since r1.7, with the later ones' precision_mode_v2."""

        def __init__(self, iterations_per_loop=1, precision_mode=None, modify_mixlist=None, hccl_timeout=None,
                     op_wait_timeout=None, op_execute_timeout=None, precision_mode_v2=None):
            raise NotImplementedError('the stand-in has no Estimator')
else:
    class NPURunConfig:
        """Before r1.5."""

        def __init__(self, iterations_per_loop=1, precision_mode=None):
            raise NotImplementedError('the stand-in has no Estimator')
