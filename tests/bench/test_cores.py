import subprocess
import sys

import pytest

from bench import cores
from lenet.errors import UsageError
from lenet.support import machine
from tests import processes


def test_a_process_runs_on_so_many_cores():
    program = 'from bench import cores; from lenet.support import machine; cores.restrict(1); print(machine.usable_cores())'
    assert subprocess.check_output([sys.executable, '-c', program], cwd=processes.ROOT).split() == [b'1']


def test_all_is_left_as_it_is():
    before = machine.usable_cores()
    cores.restrict(None)
    assert machine.usable_cores() == before


def test_more_than_there_are_are_refused(monkeypatch):
    monkeypatch.setattr(machine, 'usable_cores', lambda: 2)
    cores.check(2)
    with pytest.raises(UsageError, match='--cores=3: 2 can be used'):
        cores.check(3)
