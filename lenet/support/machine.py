"""Facts about the machine, for defaults and reports; Linux's files where they exist, harmless answers elsewhere."""

import math
import os
import platform
import re
import sys
from typing import Dict

from lenet.errors import UserError
from lenet.support import files

_LARGEST = 2 ** 26  # bytes; /proc/cpuinfo has about 1,500 a core
_CGROUP_V2 = '/sys/fs/cgroup/cpu.max'
_CGROUP_V1 = ('/sys/fs/cgroup/cpu/cpu.cfs_quota_us', '/sys/fs/cgroup/cpu/cpu.cfs_period_us')


def _read(path: str) -> str:
    try:
        return files.read(path, _LARGEST).decode(errors='replace')
    except UserError:
        return ''


def cgroup_cores() -> float:
    """The CPU time a container may use, in cores; infinity without a limit."""
    quota_and_period = _read(_CGROUP_V2).split() or [_read(path).strip() for path in _CGROUP_V1]
    try:
        quota, period = (int(text) for text in quota_and_period)
    except ValueError:  # 'max', or no cgroup at all
        return math.inf
    return quota / period if quota > 0 and period > 0 else math.inf


def usable_cores() -> int:
    """Cores this process may run on: the affinity mask, the container's limit and other ranks here respected."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    return max(1, int(min(affinity, cgroup_cores())) // _local_ranks())


def _local_ranks() -> int:
    """How many ranks share this machine, as Horovod's launcher and ours say."""
    text = os.environ.get('HOROVOD_LOCAL_SIZE', '')
    return max(1, int(text)) if re.fullmatch('[0-9]{1,9}', text) else 1  # isdigit() is true of a superscript


def cpu_model() -> str:
    """The processor's name as the kernel gives it."""
    for line in _read('/proc/cpuinfo').splitlines():
        if line.startswith('model name'):
            return line.split(':', 1)[1].strip()
    return platform.processor() or platform.machine()


def describe() -> Dict[str, object]:
    """What a report says about where its numbers come from."""
    return {'cpu': cpu_model(), 'architecture': platform.machine(), 'usable_cores': usable_cores(),
            'load_average': list(os.getloadavg()), 'system': platform.platform(),
            'python': sys.version.split()[0]}
