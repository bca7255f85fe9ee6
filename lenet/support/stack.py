"""All that differs between the two stacks: TensorFlow 1.15 on Python 3.7, and a current TensorFlow 2 on a later Python.

The program is written against tensorflow.compat.v1. Whatever a command imports that brings TensorFlow along stands in
`with stack.importing():`, which makes TensorFlow 2 behave as 1.15 does and keeps both quiet about themselves:
deprecation notes about the very API this program is written in, NumPy's FutureWarnings from TensorFlow's dtype tables,
banners of libraries. Every other warning passes.
"""

import contextlib
import logging
import os
import platform
import re
import resource
import sys
import warnings
from typing import Any, Dict, Iterator

from lenet.errors import UserError
from lenet.support import quiet
from lenet.support import signals

# TensorFlow 1.15 exists for no Python after the first of these, 2.21 for the others alone.
FIRST_PYTHON = (3, 7)
SECOND_PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))
IS_FIRST = sys.version_info[:2] <= FIRST_PYTHON
REQUIREMENTS = 'requirements.txt' if IS_FIRST else 'requirements-tf2.txt'

# Lines that TensorFlow's C++ code prints to stderr and that tell a user nothing: no GPU was found, faster kernels could
# be had, how it logs. Both stacks print some at the first session, TensorFlow 2 others while it is imported.
NOISE = (r'dso_loader|/cuda/|gpu_device|cuda_platform|cudart_stub|cuInit|oneDNN custom operations|'
         r'All log messages before absl::InitializeLog|This TensorFlow binary is optimized|'
         r'rebuild TensorFlow with the appropriate compiler flags|MLIR V1 optimization pass|oneDNN supports DT_HALF')
_LEAST_MEMORY = 2900000  # KiB of address space: a training on 2 cores takes that on either stack, most of it never used
_OWN_AGE = re.compile('deprecat|The TensorFlow contrib module will not be included')


def quieten() -> None:
    """Sets the filters that need no TensorFlow; before it is imported."""
    # C++ side: 0 prints "your CPU supports instructions …" at every start, 1 keeps warnings and errors, 2 errors. That
    # is for several ranks, at each of whose session.runs TensorFlow 2 warns; their parent may have set the 1.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '1')
    if os.environ.get('TF_CONFIG') and os.environ['TF_CPP_MIN_LOG_LEVEL'] == '1':
        os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'
    logging.getLogger('tensorflow').addFilter(lambda record: not _OWN_AGE.search(str(record.msg)))
    for module in ('tensorflow', 'tensorboard', 'keras'):
        for category in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings('ignore', category=category, module=module)


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Stands around imports that bring TensorFlow. A signal that comes meanwhile is raised at the block's end.

    Raises:
      UserError: this process may not have the memory that TensorFlow takes.
    """
    _require_memory()
    _leave_distutils_alone()
    with signals.held(), contextlib.ExitStack() as stack:
        if not IS_FIRST and 'tensorflow' not in sys.modules:  # TensorFlow 1.15 prints nothing here
            stack.enter_context(quiet.filtering_stderr(NOISE))
        yield
        if 'tensorflow' in sys.modules:
            _behave_as_first()


def _require_memory() -> None:
    """TensorFlow that gets no memory ends the process from within C++, often without a word."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < 1024 * _LEAST_MEMORY:
        raise UserError('this process may have %d KiB of memory (ulimit -v), TensorFlow takes %d and more; allow it' %
                        (limit // 1024, _LEAST_MEMORY))


def _leave_distutils_alone() -> None:
    """TensorFlow 1.15 imports distutils for a class of it. Where setuptools stands in for that, all of setuptools is
    imported too, which takes a tenth of the time of all imports. What imports it after this is told so by a warning.
    """
    substitute = sys.modules.get('_distutils_hack')
    if IS_FIRST and hasattr(substitute, 'remove_shim'):
        substitute.remove_shim()


def _behave_as_first() -> None:
    """Graphs and sessions, variables and shapes as in TensorFlow 1.15, which does so by itself."""
    import tensorflow.compat.v1 as tf
    if tf.executing_eagerly():
        tf.disable_v2_behavior()


def portable_graph_def(graph: Any) -> Any:
    """The GraphDef of a tf.Graph as both stacks read it: attributes that TensorFlow 2 has added since, all at their
    defaults, are left out. What 1.15 writes is left whole, as Ascend's converter has always had it."""
    import tensorflow.compat.v1 as tf
    if IS_FIRST:
        return graph.as_graph_def()
    return tf.train.export_meta_graph(graph=graph, strip_default_attrs=True).graph_def


def versions() -> Dict[str, str]:
    """Versions of Python, TensorFlow and NumPy."""
    import numpy as np
    import tensorflow.compat.v1 as tf
    return {'python': platform.python_version(), 'tensorflow': tf.__version__, 'numpy': np.__version__}
