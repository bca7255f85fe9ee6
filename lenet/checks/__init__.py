"""What lenet.doctor checks, and what NPU training checks before it starts.

    software.py     Python, TensorFlow, the NPU's adapter       import_probe.py   imports in another process
    capabilities.py flags that an older adapter ignores         device.py         CANN, device nodes, device number
    operators.py    what the device computes, and the graph     graph_probe.py    that graph, built in another process
    ranks.py        several devices: RANK_*, JOB_ID, CM_*       rank_table.py     the content of a rank table
    settings.py     what the flags ask for                      storage.py        directories and their space
    data.py         the data set                                report.py         results as text and JSON
    examination.py  all checks in their order                   ready.py          what a training on an NPU asks first

A check is a function of the environment's variables, of Params or of what the probe found; it returns a Result and
never raises and touches no device. None leaves anything behind: storage.py writes a probe file of 2 MB and removes it.
"""

from typing import NamedTuple

PASS, WARN, FAIL = 'pass', 'warn', 'fail'


class Result(NamedTuple):
    """What one check found."""

    name: str
    status: str  # PASS; WARN: may work, or works badly; FAIL: training would not work
    found: str  # one line
    remedy: str = ''  # one line, empty where there is nothing to do or `found` says it
    alert: bool = False  # a warning that is worth a line at the start of every training


def passed(name: str, found: str) -> Result:
    return Result(name, PASS, found)


def warned(name: str, found: str, remedy: str, alert: bool = False) -> Result:
    return Result(name, WARN, found, remedy, alert)


def failed(name: str, found: str, remedy: str = '') -> Result:
    return Result(name, FAIL, found, remedy)
