"""npu_bridge, adapter of December 2023: a stand-in (see tests/npu_standin/__init__.py)."""

import atexit
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'common'))

from standin import loading  # noqa: E402  (found only now)

__path__ += [loading.load('v23')]

import hccl  # noqa: E402, F401  (CANN's; no adapter since July 2021 can do without)
from npu_bridge import tf_adapter  # noqa: E402, F401

try:
    npu_bridge_handle = loading.adapter_library()
except OSError as error:
    print(error)  # as the real package does; what needs the handle then fails to import it

npu_close = loading.npu_close
atexit.register(npu_close)
