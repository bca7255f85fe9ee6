import pytest

from bench import allreduce


@pytest.mark.parametrize('ranks', [2, 5])
def test_the_fit_finds_the_constants_that_made_the_times(ranks):
    latency, bandwidth = 0.3, 2e6  # ms, bytes/ms
    measured = [(size, (ranks - 1) * latency + 2 * (ranks - 1) / ranks * 4 * size / bandwidth)
                for size in allreduce.SIZES]
    assert allreduce.fit(measured, ranks) == (pytest.approx(latency), pytest.approx(bandwidth))
    for size, ms in measured:
        assert allreduce.predict(latency, bandwidth, ranks, size) == pytest.approx(ms)


def test_the_plan_is_of_this_networks_gradients():
    report = allreduce.lines([(1, 0.5), (1000000, 4.5)], 2, 2.0)
    assert 'planned for 107786 gradients and a step of 2 ms on one rank:' in report
    assert report[-1].split('|')[1].strip() == '64'
    assert len(allreduce.lines([(1, 0.5), (1000000, 4.5)], 2, 0)) == 6
