"""The one hardware seam: what differs between a CPU and an NPU, behind one interface.

A platform is a class built from Params with
  name                        'cpu' or 'npu'
  rank, size                  this device's number and how many there are
  device_type                 what the ModelZoo log calls it: uname -m
  use_resource                whether variables are resource variables
  loops_in_graph              whether loop.repeat makes the N steps, or `sink` does
  session_config()            the ConfigProto of every session
  optimizer(base, loss_scale) the optimizer around the base optimizer
  sink(session, train_op)     after initialization: the operation that runs N steps
  emulates_precision          whether the graph rounds to float16 where the device does not
  sinking_causes              what to look for where a session.run did not run N steps
  ranks                       the seam between ranks: see lenet/ranks/__init__.py
  broadcast(weights, all)     an operation that gives every rank rank 0's values; None where there is one rank
"""

from typing import Any


def resolve(name: str) -> str:
    """What --platform=`name` means here: 'cpu' or 'npu'."""
    if name != 'auto':
        return name
    from lenet.platforms import npu
    return 'npu' if npu.installed() else 'cpu'


def choose(params: Any):
    """The platform of a completed Params; only the chosen one's module is imported."""
    if params.platform == 'npu':
        from lenet.platforms import npu
        return npu.Npu(params)
    from lenet.platforms import cpu
    return cpu.Cpu(params)


def inference_config(name: str):
    """The ConfigProto of a session that runs a frozen graph.

    Args:
      name: 'cpu' or 'npu', as `resolve` gives it.

    Raises:
      UserError: the NPU's adapter is not there.
    """
    if name == 'npu':
        from lenet.platforms import npu
        return npu.inference_config()
    from lenet.platforms import cpu
    return cpu.inference_config()
