import subprocess
import sys

import pytest
from absl import flags as absl_flags

from bench import bench_flags
from lenet import flags
from lenet.errors import UsageError
from lenet.support import machine
from tests import processes


def params(**values):
    return flags.make_params(epochs=1, **values)


@pytest.mark.parametrize('n, asked, warmup', [(10, None, 20), (1, None, 2), (10, 10, 10), (10, 90, 90)])
def test_the_warm_up_is_two_calls_unless_asked_for(n, asked, warmup):
    assert bench_flags.warmup_steps(params(steps=100, iterations_per_loop=n), asked) == warmup


@pytest.mark.parametrize('values, asked, words', [
    (dict(steps=100, iterations_per_loop=25), None,
     ['--steps=100', '4 calls', '--iterations_per_loop=25', '--steps=125']),
    (dict(steps=100, iterations_per_loop=10), 100, ['--warmup=100', '--steps=100']),
    (dict(steps=100, iterations_per_loop=10), 110, ['--warmup=110', '--steps=100']),
    (dict(steps=100, iterations_per_loop=10), 15, ['--warmup=15', '--iterations_per_loop=10', '--warmup=20'])])
def test_what_measures_nothing_is_refused_by_the_flags_names(values, asked, words):
    with pytest.raises(UsageError) as raised:
        bench_flags.warmup_steps(params(**values), asked)
    for word in words:
        assert word in str(raised.value)


def test_epochs_count():
    assert bench_flags.timed_steps(flags.make_params(steps=100, epochs=3)) == 300


def parse(*arguments):
    values = absl_flags.FlagValues()
    bench_flags.define_perf(values)
    values(['bench.perf'] + list(arguments))
    return values


RESTRICTED = """
import sys
from absl import flags
from bench import bench_flags
from lenet.support import machine
bench_flags.define_perf()
flags.FLAGS(sys.argv)
bench_flags.restrict_cores(flags.FLAGS)
print(machine.usable_cores())
"""


def test_a_process_runs_on_so_many_cores():
    printed = subprocess.check_output([sys.executable, '-c', RESTRICTED, '--cores=1'], cwd=processes.ROOT)
    assert printed.split() == [b'1']


def test_without_the_flag_a_process_runs_on_all():
    before = machine.usable_cores()
    bench_flags.restrict_cores(parse())
    assert machine.usable_cores() == before


def test_more_than_there_are_are_refused(monkeypatch):
    monkeypatch.setattr(machine, 'usable_cores', lambda: 2)
    bench_flags.check_cores(2)
    with pytest.raises(UsageError, match='--cores=3: 2 can be used'):
        bench_flags.check_cores(3)


def test_the_core_counts_of_a_sweep_restrict_nothing():
    with pytest.raises(UsageError, match='--cores=1,2: several need --sweep'):
        bench_flags.restrict_cores(parse('--cores=1,2'))


@pytest.mark.parametrize('count', ['0', '²', '-1', 'x', '9' * 5000, ''],
                         ids=['0', 'superscript', 'negative', 'x', 'long', 'none'])
def test_cores_are_numbers_from_1(count):
    with pytest.raises(UsageError, match='--cores=.*numbers from 1, joined by commas, are needed'):
        bench_flags.check(parse('--cores=1,%s' % count))
    bench_flags.check(parse('--cores=1,02'))
