"""npu_bridge, adapter of February 2021: a stand-in (see tests/npu_standin/__init__.py)."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'common'))

from standin import loading  # noqa: E402  (found only now)

__path__ += [loading.load('v21')]

from npu_bridge import tf_adapter  # noqa: E402, F401

try:
    npu_bridge_handle = loading.adapter_library()
except OSError as error:
    print(error)  # as the real package does; what needs the handle then fails to import it
