import pytest

from bench import rules
from lenet import flags
from lenet.errors import UsageError


def params(**values):
    return flags.make_params(epochs=1, **values)


@pytest.mark.parametrize('n, asked, warmup', [(10, None, 20), (1, None, 2), (10, 10, 10), (10, 90, 90)])
def test_the_warm_up_is_two_calls_unless_asked_for(n, asked, warmup):
    assert rules.warmup_steps(params(steps=100, iterations_per_loop=n), asked) == warmup


@pytest.mark.parametrize('values, asked, words', [
    (dict(steps=100, iterations_per_loop=25), None,
     ['--steps=100', '4 calls', '--iterations_per_loop=25', '--steps=125']),
    (dict(steps=100, iterations_per_loop=10), 100, ['--warmup=100', '--steps=100']),
    (dict(steps=100, iterations_per_loop=10), 110, ['--warmup=110', '--steps=100']),
    (dict(steps=100, iterations_per_loop=10), 15, ['--warmup=15', '--iterations_per_loop=10', '--warmup=20'])])
def test_what_measures_nothing_is_refused_by_the_flags_names(values, asked, words):
    with pytest.raises(UsageError) as raised:
        rules.warmup_steps(params(**values), asked)
    for word in words:
        assert word in str(raised.value)


def test_epochs_count():
    assert rules.timed_steps(flags.make_params(steps=100, epochs=3)) == 300
