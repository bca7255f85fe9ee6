"""All checks in their order, for the doctor; and those groups of them that a training asks before it starts."""

import sys
from types import ModuleType
from typing import Any, List, Mapping

from lenet import flags
from lenet import platforms
from lenet.checks import capabilities
from lenet.checks import data
from lenet.checks import device
from lenet.checks import FAIL, failed, Result, warned
from lenet.checks import graph_probe
from lenet.checks import import_probe
from lenet.checks import operators
from lenet.checks import ranks
from lenet.checks import report
from lenet.checks import settings
from lenet.checks import software
from lenet.checks import storage
from lenet.errors import UsageError, UserError
from lenet.flags import Params
from lenet.platforms import npu_modules
from lenet.support import stack


def examine(params: Params, environ: Mapping[str, str]) -> report.Report:
    """All checks.

    Args:
      params: as read from the flags, not completed.
      environ: the environment's variables.
    """
    imports = import_probe.find(() if params.platform == 'cpu' else purposes(params, environ))
    has_tensorflow = not imports.module(import_probe.TENSORFLOW).error
    platform = platforms.resolve(params.platform)
    results = check_basics(platform, params, imports) + [data.data(params)]
    try:
        completed = flags.complete(params, platform)
        results.append(settings.steps(completed))
    except UsageError as error:
        completed = None
        results.append(failed('flags', str(error)))
    if platform == 'cpu':
        return report.Report(platform, results)
    if has_tensorflow:
        results += check_adapter(params, imports, environ)
    results += check_environment(environ)
    if not has_tensorflow or completed is None:
        return report.Report(platform, results)
    if not any(result.status == FAIL for result in results):
        results += _examine_graph(completed, environ)
    return report.Report(platform, results + check_flags(completed), _session_config(completed, environ))


def _examine_graph(params: Params, environ: Mapping[str, str]) -> List[Result]:
    """Where nothing else is in the way: a graph of several ranks needs all of their environment."""
    try:
        return operators.compare(graph_probe.find(params), operators.read(environ), params.iterations_per_loop)
    except UserError as error:
        return [warned('operators', 'not known, as the graph could not be built: %s' % error, 'mend that first')]


def purposes(params: Params, environ: Mapping[str, str]) -> List[str]:
    """What the run imports the adapter's modules for; `params` need not be completed."""
    scales = params.loss_scale_flag or params.loss_scale not in (None, 'none')
    asked = (('sinking', True), ('loss scaling', scales), ('ranks', ranks.size(environ) > 1))
    return [purpose for purpose, wanted in asked if wanted]


def check_basics(platform: str, params: Params, imports: import_probe.Found) -> List[Result]:
    return [software.python(sys.version_info[:3], platform == 'npu'),
            software.tensorflow(imports, platform == 'npu'),
            storage.directories(params)]


def check_adapter(params: Params, imports: import_probe.Found, environ: Mapping[str, str]) -> List[Result]:
    results = [software.adapter(imports, npu_modules.PACKAGE),
               software.collectives(imports, npu_modules.PACKAGE),
               settings.mixlist(params)]
    if imports.module(npu_modules.PACKAGE).error:  # then nothing is known of what it can do
        return results
    return results + capabilities.ignored(params, ranks.size(environ), imports.capabilities)


def check_environment(environ: Mapping[str, str]) -> List[Result]:
    return [device.cann(environ),
            operators.listed(environ),
            device.device_id(environ, ranks.size(environ)),
            device.nodes(environ),
            ranks.rank_size(environ),
            ranks.rank_id(environ),
            ranks.job_id(environ),
            ranks.table(environ),
            ranks.cluster_variables(environ)]


def check_flags(params: Params) -> List[Result]:
    npu_config = _import_npu_config()
    return [settings.sinking(npu_config.parameters(params)),
            settings.precision(params),
            settings.loss_scale(params)]


def _session_config(params: Params, environ: Mapping[str, str]) -> Any:
    npu_config = _import_npu_config()
    return npu_config.session_config(npu_config.parameters(params, ranks.size(environ)))


def _import_npu_config() -> ModuleType:
    """Imports TensorFlow, which the probe has tried before."""
    with stack.importing():
        from lenet.platforms import npu_config
    return npu_config
