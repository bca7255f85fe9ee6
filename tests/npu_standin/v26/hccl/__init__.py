"""CANN's collective communication library; only its importability matters here.

It can be imported alone, as a check of the environment does, so it reads NPU_STANDIN_FAULT by itself.
"""

import os

if 'no_hccl' in os.environ.get('NPU_STANDIN_FAULT', '').split(';'):
    raise ModuleNotFoundError("No module named 'hccl'", name='hccl')
