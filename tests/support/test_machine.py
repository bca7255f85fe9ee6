import math

import pytest

from lenet.support import machine


@pytest.mark.parametrize('files, cores', [
    ({'/sys/fs/cgroup/cpu.max': '150000 100000\n'}, 1.5),
    ({'/sys/fs/cgroup/cpu.max': 'max 100000\n'}, math.inf),
    ({'/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n'}, 0.5),
    ({'/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n'}, math.inf),
    ({}, math.inf)])
def test_a_containers_limit_is_read_in_both_of_the_kernels_ways(monkeypatch, files, cores):
    monkeypatch.setattr(machine, '_read', lambda path: files.get(path, ''))
    assert machine.cgroup_cores() == cores


@pytest.mark.parametrize('limit, affinity, cores', [(math.inf, 6, 6), (2.5, 6, 2), (0.5, 6, 1), (9, 6, 6)])
def test_usable_cores_respect_affinity_and_limit(monkeypatch, limit, affinity, cores):
    monkeypatch.setattr(machine, 'cgroup_cores', lambda: limit)
    monkeypatch.setattr(machine.os, 'sched_getaffinity', lambda pid: range(affinity))
    assert machine.usable_cores() == cores


@pytest.mark.parametrize('ranks, cores', [('2', 3), ('7', 1), ('', 6), ('²', 6), ('many', 6), ('9' * 5000, 6)],
                         ids=['2', '7', 'none', 'superscript', 'word', 'too many'])
def test_ranks_of_one_machine_share_its_cores(monkeypatch, ranks, cores):
    monkeypatch.setenv('HOROVOD_LOCAL_SIZE', ranks)
    monkeypatch.setattr(machine, 'cgroup_cores', lambda: math.inf)
    monkeypatch.setattr(machine.os, 'sched_getaffinity', lambda pid: range(6))
    assert machine.usable_cores() == cores


def test_the_description_has_what_a_report_needs():
    assert set(machine.describe()) == {'cpu', 'architecture', 'usable_cores', 'load_average', 'system', 'python'}
