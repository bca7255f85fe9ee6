"""The suite itself: that it has the same tests whenever, and by whichever process, they are collected."""

import os
import subprocess
import sys
import time
from typing import List

import pytest

from tests.processes import ROOT

LONGEST = 120  # characters between the brackets of a test's name


def collected(hash_seed: int) -> List[str]:
    """The names of all tests, as a process of its own finds them."""
    ended = subprocess.run([sys.executable, '-m', 'pytest', '-n', '0', '--collect-only'], cwd=ROOT,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                           env=dict(os.environ, PYTHONHASHSEED=str(hash_seed)))
    assert ended.returncode == 0, ended.stdout
    return [line for line in ended.stdout.splitlines() if '::' in line]


@pytest.mark.slow
def test_the_same_tests_are_collected_at_every_time_and_by_every_process():
    began = time.time()
    names = collected(1)
    while time.time() < began + 2:  # archives carry the time in seconds
        time.sleep(0.1)
    assert names == collected(2) and len(names) > 1000
    cases = [name.partition('[')[2] for name in names]
    assert [case for case in cases if len(case) > LONGEST or not case.isprintable() or ROOT in case] == []
