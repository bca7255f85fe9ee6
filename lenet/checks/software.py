"""Python, TensorFlow and the NPU's TensorFlow adapter."""

import os
from typing import Tuple

from lenet.checks import import_probe
from lenet.checks import Result, failed, passed, warned
from lenet.checks.import_probe import Found, Module
from lenet.platforms import npu_modules
from lenet.support import stack

_DOCUMENTED = ((3, 7, 5), (3, 7, 11))  # of CANN, first and last
_INSTALL = ("install CANN's toolkit and the TensorFlow adapter of its version; source CANN's set_env.sh and add the "
            "adapter's directory to PYTHONPATH (before 8.0: source tfplugin/set_env.sh)")
_LOAD = ("source CANN's set_env.sh (before 8.0 tfplugin/set_env.sh too); if that was done, the adapter was built for "
         'another Python, TensorFlow or C++ ABI')


_FIRST_STACK = "an NPU's adapter needs TensorFlow 1.15 on Python 3.7: LENET_STACK=tf1 ./run_1p.sh"
_TESTED = '3.7 with TensorFlow 1.15, and 3.10 to 3.13 with TensorFlow 2.21, are what the tests run on'


def python(version: Tuple[int, int, int], npu: bool) -> Result:
    """Args:
      version: sys.version_info[:3].
      npu: whether Ascend's list of versions counts.
    """
    text = '.'.join(map(str, version))
    if npu and version[:2] != stack.FIRST_PYTHON:
        return failed('Python', text, _FIRST_STACK)
    if npu and not _DOCUMENTED[0] <= version <= _DOCUMENTED[1]:
        return warned('Python', '%s, Ascend documents 3.7.5 to 3.7.11' % text, 'if imports fail, use one of those')
    if version[:2] != stack.FIRST_PYTHON and version[:2] not in stack.SECOND_PYTHONS:
        return warned('Python', text, _TESTED)
    return passed('Python', text)


def tensorflow(imports: Found, npu: bool) -> Result:
    """Args:
      npu: whether it is for an NPU, whose adapter exists for the first stack alone.
    """
    module = imports.module(import_probe.TENSORFLOW)
    version = module.version or ''
    if module.error:
        return failed('TensorFlow', module.error, 'pip install -r %s, or start with ./run_1p.sh' % stack.REQUIREMENTS)
    if version.startswith('1.15.'):
        return passed('TensorFlow', _where(module))
    if npu:
        return failed('TensorFlow', _where(module), _FIRST_STACK)
    if not version.startswith('2.'):
        return failed('TensorFlow', _where(module), '1.15 or 2.21 is needed: pip install -r ' + stack.REQUIREMENTS)
    if not version.startswith('2.21.'):
        return warned('TensorFlow', _where(module), _TESTED)
    return passed('TensorFlow', _where(module))


def adapter(imports: Found, package: str) -> Result:
    """The package, which generation it is, and the deep modules that the run imports."""
    module = imports.module(package)
    if module.error:
        absent = module.error == "No module named '%s'" % package
        return failed(package, module.error + _library_error(imports), _INSTALL if absent else _LOAD)
    prefix = package + '.'
    tried = [name for name in imports.modules if name.startswith(prefix)]
    for name in tried:
        if imports.module(name).error:
            return failed(package, '%s: %s%s' % (name, imports.module(name).error, _library_error(imports)), _LOAD)
    return passed(package, '%s, adapter %s; %s' % (
        _where(module), _generation(imports), ', '.join(name[len(prefix):] for name in tried)))


def _library_error(imports: Found) -> str:
    # The adapter prints why its library does not load, and goes on to an ImportError that does not say it.
    lines = [line for line in imports.printed if '.so' in line]
    return ' (%s)' % lines[-1] if lines else ''


def _generation(imports: Found) -> str:
    if npu_modules.INF_NAN in imports.capabilities:
        return 'r1.13 or later'
    return 'r1.5 to r1.12' if npu_modules.CLOSES in imports.capabilities else 'before r1.5 (July 2021)'


def collectives(imports: Found, package: str) -> Result:
    """CANN's hccl, which the adapter imports from r1.5 on."""
    name = import_probe.COLLECTIVES
    module = imports.module(name)
    if name not in imports.modules:
        return warned(name, 'not tried', 'mend the above first')
    if not module.error:
        return passed(name, _where(module))
    if not imports.module(package).error:
        return passed(name, '%s; this adapter does without it' % module.error)
    remedy = "it comes with CANN: source CANN's set_env.sh"
    if imports.module(package).error == module.error:
        return failed(name, module.error, remedy)
    return warned(name, '%s; adapters since r1.5 (July 2021) need it' % module.error, remedy)


def _where(module: Module) -> str:
    folder = os.path.dirname(module.file) if module.file else 'an unknown place'
    return '%s from %s' % (module.version, folder) if module.version else folder
