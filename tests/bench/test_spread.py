import pytest

from bench import spread


@pytest.mark.parametrize('percent, expected', [(0, 1.0), (50, 4.0), (90, 16.4), (99, 19.64), (100, 20.0)])
def test_a_percentile_lies_between_its_neighbours_in_proportion(percent, expected):
    # Sorted 1, 2, 4, 11, 20: the 90th is at position 4 * 0.9 = 3.6, at 11 + 0.6 * 9.
    assert spread.percentile([20, 4, 1, 11, 2], percent) == pytest.approx(expected)


def test_a_calls_time_is_shared_by_its_steps():
    assert spread.ms_per_step([0.5, 0.1, 0.3], steps_per_call=100) == pytest.approx(
        {'mean': 3.0, 'median': 3.0, 'p90': 4.6, 'p99': 4.96})


def test_rounds_keep_their_order():
    assert spread.of_rounds([3, 1, 2]) == {'median': 2.0, 'min': 1.0, 'max': 3.0, 'rounds': [3.0, 1.0, 2.0]}


def test_the_bootstrap_interval_of_two_values_is_all_there_is():
    # Medians of two draws from {1, 3}: 1 and 3 with probability 1/4 each, 2 with 1/2.
    assert spread.bootstrap_interval([1.0, 3.0]) == (1.0, 3.0)


def test_the_bootstrap_interval_leaves_out_what_is_rarer_than_its_tails():
    # The median of 5 draws is 100 only if 3 of them are the fifth value: probability 0.058, above 0.025, so it is in;
    # of 11 draws from 11 it takes 6, probability 1.3e-4, so it is out.
    assert spread.bootstrap_interval([1, 1, 1, 1, 100]) == (1, 100)
    assert spread.bootstrap_interval([1] * 10 + [100]) == (1, 1)


def test_the_bootstrap_interval_is_the_same_each_time():
    values = [1.0, 1.3, 1.1, 1.7, 1.2, 1.25, 1.4]
    assert spread.bootstrap_interval(values) == spread.bootstrap_interval(values)
    low, high = spread.bootstrap_interval(values)
    assert 1.0 < low < 1.25 < high < 1.7


def test_a_ratio_is_taken_within_each_round():
    # The ratio of the medians would be 6/2.
    ratio = spread.ratio([8, 4, 6], [2, 1, 3])
    assert ratio['rounds'] == [4, 4, 2] and ratio['median'] == 4 and ratio['interval_95'] == [2, 4]
