"""What an NPU training asks before it starts."""

import os
import sys
from typing import Sequence, TYPE_CHECKING

from lenet.checks import examination
from lenet.checks import FAIL, Result
from lenet.checks import import_probe
from lenet.checks import operators
from lenet.checks import report
from lenet.errors import UserError
from lenet.flags import Params
from lenet.platforms import npu_modules
from lenet.support import progress

if TYPE_CHECKING:
    from lenet.graph.training_graph import TrainingGraph


def require(params: Params) -> None:
    """Makes the checks of the doctor, but for the data, which training itself opens next. A CPU needs none.

    Args:
      params: completed.

    Raises:
      UserError: something would fail on the NPU; the message names each thing with its remedy.
    """
    if params.platform != 'npu':
        return
    purposes = examination.purposes(params, os.environ)
    # What could abort the process has not, if this one has imported it already.
    imported = npu_modules.PACKAGE in sys.modules
    imports = import_probe.find_here(purposes) if imported else import_probe.find(purposes)
    results = (examination.check_basics('npu', params, imports) +
               examination.check_adapter(params, imports, os.environ) +
               examination.check_environment(os.environ) + examination.check_flags(params))
    _heed(results)


def require_operators(params: Params, built: 'TrainingGraph') -> None:
    """Compares the graph with the device's list of operators, before a session puts it there.

    Raises:
      UserError: an operator of the step is not in it, and N is more than 1.
    """
    if params.platform == 'npu':
        _heed(operators.compare(operators.needed(built), operators.read(os.environ), params.iterations_per_loop))


def _heed(results: Sequence[Result]) -> None:
    failures = [report.one_line(result) for result in results if result.status == FAIL]
    if failures:
        raise UserError('not ready for the NPU: %s; `python -m lenet.doctor` with the same flags shows all' %
                        '; '.join(failures))
    for result in results:
        if result.alert:
            progress.warn(report.one_line(result))
