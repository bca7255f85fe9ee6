"""Checks whether training with these flags would work, before minutes of compilation.

  python -m lenet.doctor --flagfile=npu.flags     everything that an Ascend NPU needs, and the session config
  python -m lenet.doctor                          what a CPU needs
  python -m lenet.doctor --json ...               the same as one JSON object

Takes the flags of lenet.train. No device is touched, nothing is written, and what may abort is imported in another
process. Exit statuses: 0 nothing would fail, 1 something would, 2 wrong command line.
"""

import os
import sys
from typing import Any, List, Mapping

from absl import flags as absl_flags

from lenet import flags
from lenet import platforms
from lenet.checks import data
from lenet.checks import device
from lenet.checks import FAIL, Result, failed
from lenet.checks import import_probe
from lenet.checks import ranks
from lenet.checks import report
from lenet.checks import settings
from lenet.checks import software
from lenet.checks import storage
from lenet.errors import UsageError, UserError
from lenet.support import entry
from lenet.support import progress


def require_ready(params: Any) -> None:
    """The checks at the start of NPU training, but for the data, which training itself opens next.

    Args:
      params: a completed flags.Params.

    Raises:
      UserError: something would fail; the message names each thing with its remedy.
    """
    from lenet.platforms import npu
    purposes = _purposes(params, os.environ)
    imported = npu.PACKAGE in sys.modules  # what could abort has not
    found = import_probe.find_here(purposes) if imported else import_probe.find(purposes)
    results = _basics('npu', params, found) + _adapter(params, found) + _environment(os.environ) + _settings(params)
    failures = [report.one_line(result) for result in results if result.status == FAIL]
    if failures:
        raise UserError('not ready for the NPU: %s; `python -m lenet.doctor` with the same flags shows all' %
                        '; '.join(failures))
    for result in results:
        if result.alert:
            progress.warn(report.one_line(result))


def examine(params: Any, environ: Mapping[str, str]) -> report.Report:
    """All checks.

    Args:
      params: as read from the flags, not completed.
      environ: the environment's variables.
    """
    found = import_probe.find(() if params.platform == 'cpu' else _purposes(params, environ))
    has_tensorflow = not found.module(import_probe.TENSORFLOW).error
    platform = _platform(params, has_tensorflow)
    results = _basics(platform, params, found) + [data.data(params)]
    try:
        completed = flags.complete(params, platform)
        results.append(settings.steps(completed))
    except UsageError as error:
        completed = None
        results.append(failed('flags', str(error)))
    if platform == 'cpu':
        return report.Report(platform, results)
    if has_tensorflow:
        results += _adapter(params, found)
    results += _environment(environ)
    if not has_tensorflow or completed is None:
        return report.Report(platform, results)
    return report.Report(platform, results + _settings(completed), _session_config(completed, environ))


def _purposes(params: Any, environ: Mapping[str, str]) -> List[str]:
    """What the run imports the adapter's modules for; `params` need not be completed."""
    scales = params.loss_scale_flag or params.loss_scale not in (None, 'none')
    asked = (('sinking', True), ('loss scaling', scales), ('ranks', ranks.size(environ) > 1))
    return [purpose for purpose, wanted in asked if wanted]


def _platform(params: Any, has_tensorflow: bool) -> str:
    if params.platform == 'auto' and not has_tensorflow:
        return 'cpu'  # looking for the adapter would import TensorFlow
    return platforms.resolve(params.platform)


def _basics(platform: str, params: Any, found: import_probe.Found) -> List[Result]:
    return [software.python(sys.version_info[:3], platform == 'npu'),
            software.tensorflow(found),
            storage.directories(params)]


def _adapter(params: Any, found: import_probe.Found) -> List[Result]:
    from lenet.platforms import npu  # imports TensorFlow, which has been tried
    return [software.adapter(found, npu.PACKAGE),
            software.collectives(found, npu.PACKAGE),
            settings.mixlist(params, software.is_newer(found, npu.PACKAGE))]


def _environment(environ: Mapping[str, str]) -> List[Result]:
    return [device.cann(environ),
            device.device_id(environ, ranks.size(environ)),
            device.nodes(environ),
            ranks.rank_size(environ),
            ranks.rank_id(environ),
            ranks.job_id(environ),
            ranks.table(environ),
            ranks.cluster_variables(environ)]


def _settings(params: Any) -> List[Result]:
    from lenet.platforms import npu_config
    return [settings.sinking(npu_config.parameters(params)),
            settings.precision(params),
            settings.loss_scale(params)]


def _session_config(params: Any, environ: Mapping[str, str]) -> Any:
    from lenet.platforms import npu_config
    return npu_config.session_config(npu_config.parameters(params, ranks.size(environ)))


def main() -> int:
    examined = examine(flags.read(), os.environ)
    print(report.to_json(examined) if absl_flags.FLAGS.json else '\n'.join(report.to_text(examined)))
    return 0 if examined.ready() else 1


if __name__ == '__main__':
    flags.define()
    absl_flags.DEFINE_bool('json', False, 'Prints one JSON object instead of lines.')
    absl_flags.adopt_module_key_flags(flags)
    entry.run(main)
